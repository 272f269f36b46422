"""A worker that is killed between any two steps of a ticket: one issue, one comment for each answer, one end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from access.lifecycle import OperationState, TicketState
from access.operations import Ticket
from simulator.switches import change_switches
from simulator.systems import act
from tests.crash.conftest import MakeSite
from tests.crash.process_stack import Fate, ProcessStack

CREATE = {"system": "jira", "method": "POST", "path": "/rest/api/3/issue$"}
BULK = {"system": "jira", "method": "POST", "path": "/issue/bulkfetch$"}
COMMENT = {"system": "jira", "method": "POST", "path": r"/issue/[^/]+/comment$"}
MOVE = {"system": "jira", "method": "POST", "path": "/transitions$"}
LOOK = {"system": "jumpcloud", "method": "GET", "path": "/memberof$"}

KINDS = pytest.mark.parametrize("kind", ["embedded", pytest.param("cluster", marks=pytest.mark.long)])
HELD = [("before", "lost"), ("before", "late"), ("after", "lost")]
FATES = pytest.mark.parametrize(("hold", "fate"), HELD, ids=["not made", "made late", "made, unanswered"])


@pytest.fixture(autouse=True)
def _search_lags(company: Any) -> Iterator[None]:
    """The search never shows an issue in time: nobody may rely on it."""
    change_switches(company.jira.switches, search_lag_ms=60_000)
    yield
    change_switches(company.jira.switches, search_lag_ms=0)


def by_ticket(stack: ProcessStack) -> tuple[str, str, str]:
    """A person, a group that only tickets change, and a request for it."""
    email, group = stack.company.person(), stack.group_by_hand()
    return email, group.id, stack.grant(email, f"jumpcloud:group:{group.name}:member")


def opened(stack: ProcessStack) -> tuple[str, str, str, Ticket]:
    email, group, request = by_ticket(stack)
    return email, group, request, stack.ticket(request)


def carry_out(stack: ProcessStack, email: str, group: str, ticket: Ticket) -> None:
    """What the person does who was asked."""
    act(stack.company.jumpcloud, "add_member", group=group, user=email)
    act(stack.company.jira, "done", issue=ticket.issue_key)


def close(stack: ProcessStack, ticket: Ticket) -> str:
    """Say that it is done, though it is not; the status the issue has then."""
    act(stack.company.jira, "done", issue=ticket.issue_key)
    return str(stack.issue(ticket).status_id)


def complaints(stack: ProcessStack, ticket: Ticket) -> int:
    return sum("does not list" in comment for comment in stack.comments(ticket))


def ends_well(stack: ProcessStack, email: str, group: str, request: str) -> None:
    """There is one issue, and it leads to the end."""
    ticket = stack.ticket(request)
    assert [issue.key for issue in stack.issues_about(request)] == [ticket.issue_key]
    carry_out(stack, email, group, ticket)
    stack.ended(request)
    [ticket] = stack.tickets(request)
    assert ticket.state is TicketState.VERIFIED
    assert len(stack.issues_about(request)) == 1
    assert not stack.claim(request).pre_existing
    assert stack.audited("ticket.opened")[request] == 1


@KINDS
@FATES
def test_killed_while_the_issue_is_made_there_is_one(make_site: MakeSite, kind: str, hold: str, fate: Fate) -> None:
    stack = make_site(kind)
    held = stack.faults.add(**CREATE, hold=hold)
    email, group, request = by_ticket(stack)
    stack.kill_while(held, fate=fate)
    [intended] = stack.tickets(request)
    assert intended.state is TicketState.INTENDED
    assert intended.tries == 1
    stack.up()
    ends_well(stack, email, group, request)


def test_killed_before_a_ticket_is_intended_there_is_one(stack: ProcessStack) -> None:
    held = stack.faults.add(**LOOK, hold="after")
    email, group, request = by_ticket(stack)
    stack.kill_while(held)
    assert stack.tickets(request) == []
    stack.up()
    ends_well(stack, email, group, request)


def test_killed_again_while_the_issue_is_looked_for_there_is_one(stack: ProcessStack) -> None:
    """The first dies before it hears of the issue, the next while it looks for it, the third finds it."""
    made = stack.faults.add(**CREATE, hold="after")
    email, group, request = by_ticket(stack)
    stack.kill_while(made)
    looking = stack.faults.add(**BULK, hold="after")
    stack.up()
    stack.kill_while(looking)
    stack.up()
    ends_well(stack, email, group, request)


@pytest.mark.parametrize(("hold", "fate"), HELD, ids=["not said", "said late", "said, unanswered"])
def test_killed_while_saying_what_is_wrong_it_is_said_once(stack: ProcessStack, hold: str, fate: Fate) -> None:
    email, group, request, ticket = opened(stack)
    held = stack.faults.add(**COMMENT, hold=hold)
    closed = close(stack, ticket)
    stack.kill_while(held, fate=fate)
    stack.until(lambda: fate == "lost" or complaints(stack, ticket), what="the late comment")
    stack.up()
    stack.until(lambda: stack.issue(ticket).status_id != closed, what="reopening")
    stack.ticket(request, "open")
    assert complaints(stack, ticket) == 1
    ends_well(stack, email, group, request)
    assert complaints(stack, ticket) == 1


@pytest.mark.parametrize("kind", ["embedded", pytest.param("cluster", marks=pytest.mark.long)])
@pytest.mark.parametrize(("hold", "fate"), HELD, ids=["not moved", "moved late", "moved, unanswered"])
def test_killed_while_reopening_it_is_reopened_and_told_once(
    make_site: MakeSite, kind: str, hold: str, fate: Fate
) -> None:
    stack = make_site(kind)
    email, group, request, ticket = opened(stack)
    held = stack.faults.add(**MOVE, hold=hold)
    closed = close(stack, ticket)
    stack.kill_while(held, fate=fate)
    stack.until(lambda: fate == "lost" or stack.issue(ticket).status_id != closed, what="the late move")
    assert complaints(stack, ticket) == 1
    stack.up()
    stack.until(lambda: stack.issue(ticket).status_id != closed, what="reopening")
    [open_again] = [stack.ticket(request, "open")]
    assert open_again.answers == 1
    ends_well(stack, email, group, request)
    assert complaints(stack, ticket) == 1
    assert stack.tickets(request)[0].answers <= 2


def test_killed_between_seeing_it_done_and_saying_so_it_is_done_without_a_complaint(stack: ProcessStack) -> None:
    email, group, request, ticket = opened(stack)
    held = stack.faults.add(**LOOK, hold="after")
    carry_out(stack, email, group, ticket)
    stack.kill_while(held)
    assert stack.operations(request)[0].state is OperationState.WITH_PERSON
    stack.up()
    stack.ended(request)
    assert stack.tickets(request)[0].state is TicketState.VERIFIED
    assert complaints(stack, ticket) == 0
    assert len(stack.issues_about(request)) == 1
    stack.until(lambda: stack.comments(ticket), what="thanks")
    assert len(stack.comments(ticket)) == 1


@pytest.mark.parametrize(("call", "hold"), [(COMMENT, "after"), (MOVE, "before"), (MOVE, "after")])
def test_killed_while_a_ticket_is_withdrawn_it_is_closed_and_told_once(
    stack: ProcessStack, call: dict[str, Any], hold: str
) -> None:
    email, group, request, ticket = opened(stack)
    held = stack.faults.add(**call, hold=hold)
    revoke = stack.revoke(email, f"jumpcloud:group:{group}:member")
    stack.kill_while(held)
    stack.up()
    stack.ended(request, "withdrawn")
    stack.ended(revoke)
    stack.ticket(request, "withdrawn")
    assert stack.company.jira.catalogue.statuses[stack.issue(ticket).status_id].category == "done"
    assert len(stack.comments(ticket)) == 1
    assert stack.changes(group, email) == []
