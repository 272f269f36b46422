"""Tickets: one for each operation, whatever happens while it is made and followed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from access.lifecycle import ClaimState, OperationState, RequestState, TicketState
from store.unit_of_work import Store
from tests.doubles.house import ADA, BY_HAND, TICKET_TERMS, House
from tests.doubles.weather import Luck
from ticketing.ports import Phase

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("luck", [Luck.LOST, Luck.LOST_UNDONE, Luck.KILLED_AFTER, Luck.KILLED_BEFORE, Luck.BUSY])
def test_an_issue_is_made_once_whatever_came_of_the_call(house: House, luck: Luck) -> None:
    house.grant("r1", group=BY_HAND)
    house.tickets.weather.forecast(luck)
    house.run(3 * MINUTE)
    assert len(house.tickets.issues) == 1
    assert house.operation("r1").state is OperationState.WITH_PERSON


def test_an_issue_whose_creation_was_not_answered_is_looked_for_before_another_is_made(house: House) -> None:
    house.grant("r1", group=BY_HAND)
    house.tickets.weather.forecast(Luck.LOST_UNDONE)
    house.run(TICKET_TERMS.look_for - SECOND)
    assert house.tickets.issues == {}
    house.run(10 * SECOND)
    assert len(house.tickets.issues) == 1


@pytest.mark.parametrize("luck", [Luck.LOST, Luck.KILLED_AFTER])
def test_what_a_person_did_before_we_knew_of_the_issue_is_ours_and_the_issue_is_closed(
    house: House, luck: Luck
) -> None:
    """The issue exists and we never heard so; the access it asked for is not pre-existing, and nobody needs the issue."""
    house.grant("r1", group=BY_HAND, seconds=600)
    house.tickets.weather.forecast(luck)
    house.run()
    house.system.change(ADA, BY_HAND, present=True)
    house.run(2 * MINUTE)
    assert house.claim("r1").state is ClaimState.ACTIVE
    assert not house.claim("r1").pre_existing
    assert house.tickets.open_issues() == []


def test_where_nothing_may_be_reopened_the_first_answer_counts(store: Store) -> None:
    house = House.over(store, ticket_terms=replace(TICKET_TERMS, closings=0))
    house.grant("r1", group=BY_HAND)
    house.run()
    [issue] = house.tickets.open_issues()
    issue.phase = Phase.DONE
    house.run(MINUTE)
    assert house.request("r1").state is RequestState.FAILED
    assert house.tickets_of("r1")[0].state is TicketState.ESCALATED


def test_tickets_that_are_deleted_again_and_again_end_with_the_operator(house: House) -> None:
    house.grant("r1", group=BY_HAND)
    for _ in range(TICKET_TERMS.closings + 1):
        house.run(30 * SECOND)
        house.tickets.issues.clear()
    house.run(MINUTE)
    assert house.request("r1").state is RequestState.FAILED
    assert len(house.tickets_of("r1")) == TICKET_TERMS.closings + 1


def test_ticketing_that_is_away_for_an_hour_gets_its_ticket_all_the_same(house: House) -> None:
    house.grant("r1", group=BY_HAND)
    house.tickets.weather.forecast(*[Luck.BUSY] * 150)
    house.run(MINUTE)
    assert house.tickets.issues == {}
    house.run(timedelta(hours=1))
    assert len(house.tickets.issues) == 1


def test_a_fault_of_our_own_in_making_tickets_fails_the_request_and_says_so(house: House) -> None:
    house.grant("r1", group=BY_HAND)
    house.tickets.weather.forecast(*[Luck.BUG] * 50)
    house.run(10 * MINUTE)
    request = house.request("r1")
    assert request.state is RequestState.FAILED
    assert "Provisor itself failed" in (request.reason or "")


def test_a_ticket_that_breaks_us_does_not_keep_us_from_the_others(house: House) -> None:
    house.grant("r1", group=BY_HAND)
    house.run()
    house.grant("r2", group="jumpcloud:group:by-hand-2:member")
    house.run()
    for issue in house.tickets.open_issues():
        issue.phase = Phase.DONE
    house.system.change(ADA, BY_HAND, present=True)
    house.system.change(ADA, "jumpcloud:group:by-hand-2:member", present=True)
    house.system.weather.forecast(Luck.BUG)
    house.run(TICKET_TERMS.poll + SECOND)
    states = {house.request(name).state for name in ("r1", "r2")}
    assert RequestState.DONE in states
    house.run(MINUTE)
    assert {house.request(name).state for name in ("r1", "r2")} == {RequestState.DONE}


@pytest.mark.parametrize("luck", [Luck.KILLED_BEFORE, Luck.KILLED_AFTER, Luck.LOST, Luck.BUSY])
@pytest.mark.parametrize("calls_before", [1, 2])
def test_what_is_wrong_is_said_once_and_the_same_ticket_reopened(house: House, luck: Luck, calls_before: int) -> None:
    house.grant("r1", group=BY_HAND)
    house.run()
    [issue] = house.tickets.open_issues()
    issue.phase = Phase.DONE
    house.run(TICKET_TERMS.poll)
    house.clock.advance(TICKET_TERMS.believe_within)
    house.tickets.weather.forecast(*[Luck.FINE] * calls_before, luck)
    house.run(2 * MINUTE)
    assert [found.ref for found in house.tickets.open_issues()] == [issue.ref]
    assert len(issue.comments) == 1
    assert house.tickets_of("r1")[0].answers == 1


def test_more_tickets_than_one_call_reads_are_all_looked_at_at_once(house: House) -> None:
    for number in range(120):
        house.grant(f"r{number}", group=f"jumpcloud:group:by-hand-{number}:member")
    house.run()
    assert len(house.tickets.open_issues()) == 120
    for number, issue in enumerate(house.tickets.open_issues()):
        house.system.change(ADA, f"jumpcloud:group:by-hand-{number}:member", present=True)
        issue.phase = Phase.DONE
    house.run(TICKET_TERMS.poll)
    with house.store.read() as work:
        assert work.requests.counts() == {"done": 120}
