"""The ledger agrees with the journals that the systems themselves keep: by API, by ticket, and while a system is away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from access.ledger import Cause, Overstay
from simulator.systems import act
from tests.flow.simulated_stack import SimulatedStack

#: The journal of JumpCloud's simulator is cut to milliseconds.
_CUT = timedelta(milliseconds=1)


def gone_at(stack: SimulatedStack, system: str, group: str) -> datetime:
    """When the group lost its member, by the system's own journal."""
    company = stack.company
    if system == "jumpcloud":
        at = [
            event.at
            for event in company.jumpcloud.journal
            if event.body["event_type"] == "association_change"
            and event.body["association"]["op"] == "remove"
            and event.body["resource"]["id"] == group
        ]
    else:
        at = [
            entry.at
            for entry in company.jira.administration.journal.entries
            if entry.action == "group_member_removed" and entry.target is not None and entry.target.name == group
        ]
    [only] = at
    return datetime.fromtimestamp(only, UTC)


def told(stack: SimulatedStack, request: str) -> Overstay:
    with stack.store.read() as work:
        [found] = [each for each in work.ledger.overstays() if each.whose.request_id == request]
    return found


def agrees(stack: SimulatedStack, request: str, system: str, group: str) -> Overstay:
    """The time of the request's claim, which the journal bears out within its bound."""
    stack.claim_ended(request)
    found, claim = told(stack, request), stack.claim(request)
    truth = gone_at(stack, system, group)
    assert found.since == claim.ends_at
    assert found.until == claim.ended_at
    assert found.until - found.bound - _CUT <= truth <= found.until
    assert sum(found.causes.values(), timedelta(0)) == found.total
    return found


def access(stack: SimulatedStack, system: str, name: str = "team") -> tuple[str, str, str]:
    email = stack.company.person()
    group = stack.company.jumpcloud_group(name) if system == "jumpcloud" else stack.company.jira_group()
    return email, group, f"{system}:group:{group}:member"


@pytest.mark.parametrize("system", ["jumpcloud", "jira"])
def test_a_removal_by_api_agrees_and_what_kept_it_is_told(stack: SimulatedStack, system: str) -> None:
    email, group, entitlement = access(stack, system)
    request = stack.grant(email, entitlement, duration="PT1S")
    stack.ended(request)
    away = stack.faults.add(system=system, status=503, times=6)
    found = agrees(stack, request, system, group)
    assert stack.faults.get(away).played == 6
    assert found.causes[Cause.AWAY] > timedelta(0)


def test_a_removal_by_ticket_agrees(stack: SimulatedStack) -> None:
    email, group, entitlement = access(stack, "jumpcloud", "by-ticket")
    request = stack.grant(email, entitlement, duration="PT1S")
    ticket = stack.ticket(request)
    act(stack.company.jumpcloud, "add_member", group=group, user=email)
    act(stack.company.jira, "done", issue=ticket.issue_key)
    stack.ended(request)
    ticket = stack.ticket(request, number=2)
    act(stack.company.jumpcloud, "remove_member", group=group, user=email)
    act(stack.company.jira, "done", issue=ticket.issue_key)
    assert agrees(stack, request, "jumpcloud", group).causes[Cause.TICKET] > timedelta(0)
