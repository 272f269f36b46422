"""A worker that is killed between any two steps of a ticket: one issue, one comment for each answer, one end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from access.lifecycle import OperationState, TicketLife
from access.operations import Ticket
from simulator.switches import change_switches
from simulator.systems import act
from tests.crash.conftest import MakeSite
from tests.crash.site import Fate, Site

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


def by_ticket(site: Site) -> tuple[str, str, str]:
    """A person, a group that only tickets change, and a request for it."""
    email, group = site.company.person(), site.group_by_hand()
    return email, group.id, site.grant(email, f"jumpcloud:group:{group.name}:member")


def opened(site: Site) -> tuple[str, str, str, Ticket]:
    email, group, request = by_ticket(site)
    return email, group, request, site.ticket(request)


def carry_out(site: Site, email: str, group: str, ticket: Ticket) -> None:
    """What the person does who was asked."""
    act(site.company.jumpcloud, "add_member", group=group, user=email)
    act(site.company.jira, "done", issue=ticket.issue_key)


def close(site: Site, ticket: Ticket) -> str:
    """Say that it is done, though it is not; the status the issue has then."""
    act(site.company.jira, "done", issue=ticket.issue_key)
    return str(site.issue(ticket).status_id)


def complaints(site: Site, ticket: Ticket) -> int:
    return sum("does not list" in comment for comment in site.comments(ticket))


def ends_well(site: Site, email: str, group: str, request: str) -> None:
    """There is one issue, and it leads to the end."""
    ticket = site.ticket(request)
    assert [issue.key for issue in site.issues_about(request)] == [ticket.issue_key]
    carry_out(site, email, group, ticket)
    site.ended(request)
    [ticket] = site.tickets(request)
    assert ticket.state is TicketLife.VERIFIED
    assert len(site.issues_about(request)) == 1
    assert not site.claim(request).pre_existing
    assert site.audited("ticket.opened")[request] == 1


@KINDS
@FATES
def test_killed_while_the_issue_is_made_there_is_one(make_site: MakeSite, kind: str, hold: str, fate: Fate) -> None:
    site = make_site(kind)
    held = site.faults.add(**CREATE, hold=hold)
    email, group, request = by_ticket(site)
    site.kill_while(held, fate=fate)
    [intended] = site.tickets(request)
    assert intended.state is TicketLife.INTENDED
    assert intended.tries == 1
    site.up()
    ends_well(site, email, group, request)


def test_killed_before_a_ticket_is_intended_there_is_one(site: Site) -> None:
    held = site.faults.add(**LOOK, hold="after")
    email, group, request = by_ticket(site)
    site.kill_while(held)
    assert site.tickets(request) == []
    site.up()
    ends_well(site, email, group, request)


def test_killed_again_while_the_issue_is_looked_for_there_is_one(site: Site) -> None:
    """The first dies before it hears of the issue, the next while it looks for it, the third finds it."""
    made = site.faults.add(**CREATE, hold="after")
    email, group, request = by_ticket(site)
    site.kill_while(made)
    looking = site.faults.add(**BULK, hold="after")
    site.up()
    site.kill_while(looking)
    site.up()
    ends_well(site, email, group, request)


@pytest.mark.parametrize(("hold", "fate"), HELD, ids=["not said", "said late", "said, unanswered"])
def test_killed_while_saying_what_is_wrong_it_is_said_once(site: Site, hold: str, fate: Fate) -> None:
    email, group, request, ticket = opened(site)
    held = site.faults.add(**COMMENT, hold=hold)
    closed = close(site, ticket)
    site.kill_while(held, fate=fate)
    site.until(lambda: fate == "lost" or complaints(site, ticket), what="the late comment")
    site.up()
    site.until(lambda: site.issue(ticket).status_id != closed, what="reopening")
    site.ticket(request, "open")
    assert complaints(site, ticket) == 1
    ends_well(site, email, group, request)
    assert complaints(site, ticket) == 1


@pytest.mark.parametrize("kind", ["embedded", pytest.param("cluster", marks=pytest.mark.long)])
@pytest.mark.parametrize(("hold", "fate"), HELD, ids=["not moved", "moved late", "moved, unanswered"])
def test_killed_while_reopening_it_is_reopened_and_told_once(
    make_site: MakeSite, kind: str, hold: str, fate: Fate
) -> None:
    site = make_site(kind)
    email, group, request, ticket = opened(site)
    held = site.faults.add(**MOVE, hold=hold)
    closed = close(site, ticket)
    site.kill_while(held, fate=fate)
    site.until(lambda: fate == "lost" or site.issue(ticket).status_id != closed, what="the late move")
    assert complaints(site, ticket) == 1
    site.up()
    site.until(lambda: site.issue(ticket).status_id != closed, what="reopening")
    [open_again] = [site.ticket(request, "open")]
    assert open_again.answers == 1
    ends_well(site, email, group, request)
    assert complaints(site, ticket) == 1
    assert site.tickets(request)[0].answers <= 2


def test_killed_between_seeing_it_done_and_saying_so_it_is_done_without_a_complaint(site: Site) -> None:
    email, group, request, ticket = opened(site)
    held = site.faults.add(**LOOK, hold="after")
    carry_out(site, email, group, ticket)
    site.kill_while(held)
    assert site.operations(request)[0].state is OperationState.WITH_PERSON
    site.up()
    site.ended(request)
    assert site.tickets(request)[0].state is TicketLife.VERIFIED
    assert complaints(site, ticket) == 0
    assert len(site.issues_about(request)) == 1
    site.until(lambda: site.comments(ticket), what="thanks")
    assert len(site.comments(ticket)) == 1


@pytest.mark.parametrize(("call", "hold"), [(COMMENT, "after"), (MOVE, "before"), (MOVE, "after")])
def test_killed_while_a_ticket_is_withdrawn_it_is_closed_and_told_once(
    site: Site, call: dict[str, Any], hold: str
) -> None:
    email, group, request, ticket = opened(site)
    held = site.faults.add(**call, hold=hold)
    revoke = site.revoke(email, f"jumpcloud:group:{group}:member")
    site.kill_while(held)
    site.up()
    site.ended(request, "withdrawn")
    site.ended(revoke)
    site.ticket(request, "withdrawn")
    assert site.company.jira.catalogue.statuses[site.issue(ticket).status_id].category == "done"
    assert len(site.comments(ticket)) == 1
    assert site.changes(group, email) == []
