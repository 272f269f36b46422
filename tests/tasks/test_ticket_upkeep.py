"""What surrounds a ticket: watcher, remote link, text, fields and the day by which it is due, as policy and request have them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from access.failures import Permanent, Transient
from access.lifecycle import RequestState, TicketState
from access.ticket_routes import TicketRoute
from store.unit_of_work import Store
from tests.fakes.faults import Fault
from tests.fakes.local_stack import ADA, BY_HAND, OPS, TICKET_TERMS, LocalStack
from tests.fakes.tickets import Issue
from ticketing.ports import Phase, TicketChanges, Way

POLL, LATER = TICKET_TERMS.poll, TICKET_TERMS.ended_poll + timedelta(minutes=1)
HOUR = 3600
SURROUNDED = TicketRoute("OPS", watch_requester=True, remote_link=True)
UNTIL_FIELD = "{{ facts.ends_at | iso }}"


def asked(stack: LocalStack, request_id: str = "r1", *, seconds: int | None = None) -> Issue:
    stack.grant(request_id, group=BY_HAND, seconds=seconds, requested_by="grace@example.com")
    stack.run()
    return list(stack.tickets.issues.values())[-1]


def done(stack: LocalStack, issue: Issue) -> None:
    """A person does what the ticket asks for, and closes it."""
    stack.system.change(ADA, BY_HAND, present=True)
    issue.phase = Phase.DONE
    stack.run(POLL)


def wait(stack: LocalStack) -> None:
    """Until tickets that have ended were looked at again."""
    stack.clock.advance(LATER)
    stack.run()


def test_the_requester_watches_and_the_link_tells_how_it_stands(store: Store) -> None:
    stack = LocalStack.over(store, route=SURROUNDED)
    issue = asked(stack)
    stack.run(10 * POLL)
    assert issue.watchers == ["grace@example.com"]
    assert [link.resolved for link in issue.links] == [False]
    done(stack, issue)
    wait(stack)
    assert [link.resolved for link in issue.links] == [False, True]
    assert len({link.id for link in issue.links}) == 1
    assert issue.watchers == ["grace@example.com"]


@pytest.mark.parametrize(("route", "calls"), [(OPS, 1), (SURROUNDED, 3)], ids=["plain", "surrounded"])
def test_a_ticket_is_one_call_and_one_more_each_for_watcher_and_link(
    store: Store, route: TicketRoute, calls: int
) -> None:
    stack = LocalStack.over(store, route=route)
    asked(stack)
    assert stack.tickets.faults.calls == calls
    stack.run(3 * POLL)
    assert stack.tickets.faults.calls == calls + 3, "each later look is one call"


def test_nothing_surrounds_a_ticket_unless_policy_wants_it(stack: LocalStack) -> None:
    issue = asked(stack)
    stack.run(POLL)
    assert (issue.watchers, issue.links, issue.changes) == ([], [], [])


@pytest.mark.parametrize(
    ("failure", "watchers"), [(Permanent("No."), []), (Transient("Later."), ["grace@example.com"])], ids=str
)
def test_what_is_refused_for_good_is_left_and_what_fails_now_is_tried_again(
    store: Store, monkeypatch: pytest.MonkeyPatch, failure: Exception, watchers: list[str]
) -> None:
    stack = LocalStack.over(store, route=SURROUNDED)
    tries = []
    watch: Callable[..., None] = stack.tickets.watch

    def refusing(ref: object, person: str) -> None:
        tries.append(person)
        if len(tries) == 1:
            raise failure
        watch(ref, person)

    monkeypatch.setattr(stack.tickets, "watch", refusing)
    issue = asked(stack)
    stack.run(5 * POLL)
    assert issue.watchers == watchers
    assert len(tries) == 1 + len(watchers)
    done(stack, issue)
    assert stack.request("r1").state is RequestState.DONE


def test_an_overdue_ticket_is_told_once(store: Store) -> None:
    stack = LocalStack.over(store, route=TicketRoute("OPS", due_days=1))
    asked(stack)
    for days, count in ((timedelta(hours=20), 0), (timedelta(days=2), 1), (timedelta(days=2), 1)):
        stack.clock.advance(days)
        stack.run(POLL)
        assert overdue(stack) == count


def overdue(stack: LocalStack) -> int:
    with stack.store.read() as work:
        return sum(each.event == "ticket.overdue" for each in work.audit.of_request("r1"))


def test_a_longer_and_a_shorter_end_are_on_the_ticket_each_with_one_comment(store: Store) -> None:
    stack = LocalStack.over(store)
    issue = asked(stack, seconds=HOUR)
    done(stack, issue)
    assert issue.changes == [], "the comment that it was verified tells the end"
    stack.submit(id="r2", action="extend", subject={"id": ADA}, entitlement=BY_HAND, duration="PT2H")
    wait(stack)
    [longer] = issue.changes
    end = stack.claim("r2").ends_at
    assert end is not None
    assert f"{end:%Y-%m-%d %H:%M}".replace("-", r"\-").replace(":", r"\:") in str(longer.body)
    stack.revoke("r3", group=BY_HAND)
    wait(stack)
    said = [text for text in issue.comments.values() if "The request was changed" in text]
    assert len(said) == 1, "the early end is told when the access is seen gone"
    assert "lasts longer" in said[0]
    stack.system.change(ADA, BY_HAND, present=False)
    taking = list(stack.tickets.issues.values())[-1]
    taking.phase = Phase.DONE
    stack.run(POLL)
    wait(stack)
    said = [text for text in issue.comments.values() if "The request was changed" in text]
    assert len(said) == 2
    assert "ended earlier" in said[1]
    assert len(issue.changes) == 2


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.BUSY, Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
def test_a_change_that_is_cut_off_is_made_again_with_the_same_one_comment(store: Store, fault: Fault) -> None:
    stack = LocalStack.over(store)
    issue = asked(stack, seconds=HOUR)
    done(stack, issue)
    stack.submit(id="r2", action="extend", subject={"id": ADA}, entitlement=BY_HAND, duration="PT2H")
    stack.run()
    read_and_comment = (Fault.FINE, Fault.FINE)
    stack.tickets.faults.forecast(*read_and_comment, fault)
    wait(stack)
    wait(stack)
    assert stack.tickets.faults.fired[fault] == 1
    assert len({change.body for change in issue.changes}) == 1
    assert sum("The request was changed" in text for text in issue.comments.values()) == 1


def test_a_field_that_is_a_template_gets_the_end_when_it_is_known_without_a_comment(store: Store) -> None:
    stack = LocalStack.over(store, route=TicketRoute("OPS", fields={"Until": UNTIL_FIELD, "Team": "IT"}))
    issue = asked(stack, seconds=HOUR)
    assert issue.draft.fields == {"Team": "IT"}
    done(stack, issue)
    wait(stack)
    end = stack.claim("r1").ends_at
    assert end is not None
    assert issue.changes == [TicketChanges(fields={"Until": end.isoformat()})]
    assert len(issue.comments) == 1


def test_a_status_that_nothing_gives_a_meaning_is_told_once_for_all_tickets(store: Store) -> None:
    stack = LocalStack.over(store)
    first, second = asked(stack, "r1"), asked(stack, "r2")
    for issue in (first, second):
        issue.unmapped, issue.status = True, "Limbo"
    stack.run(3 * POLL)
    with stack.store.read() as work:
        told = [each for each in work.audit.of_request("r1") if each.event == "ticket.unmapped"]
        told += [each for each in work.audit.of_request("r2") if each.event == "ticket.unmapped"]
    assert len(told) == 1


def test_a_ticket_goes_the_ways_that_policy_names(store: Store) -> None:
    route = TicketRoute("OPS", reopen_through=("Triage",), reopen_fields={"Reason": "x"}, close_through=("Review",))
    stack = LocalStack.over(store, route=route)
    issue = asked(stack)
    issue.phase = Phase.DONE
    stack.run(timedelta(minutes=1))
    stack.revoke("r2", group=BY_HAND)
    stack.run(timedelta(minutes=1))
    assert stack.tickets.ways == [
        (Phase.OPEN, Way(("Triage",), {"Reason": "x"})),
        (Phase.DECLINED, Way(("Review",), {})),
    ]
    assert stack.tickets_of("r1")[0].state is TicketState.WITHDRAWN
