"""Requests to take access away, and what becomes of grants that are still on their way."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.lifecycle import ClaimState, OperationState, RequestState, TicketState
from store.unit_of_work import Store
from tasks.services import Mode
from tests.doubles.house import ADA, BY_HAND, GROUP, House
from tests.doubles.weather import Luck
from ticketing.ports import Phase

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def test_a_request_takes_the_access_and_ends_every_claim_on_it(house: House) -> None:
    house.grant("r1")
    house.grant("r2", seconds=600)
    house.run()
    house.revoke("r3")
    house.run()
    assert not house.has()
    assert {house.claim(name).state for name in ("r1", "r2")} == {ClaimState.ENDED}


def test_it_takes_access_that_no_claim_is_about(house: House) -> None:
    house.system.change(ADA, GROUP, present=True)
    house.revoke("r1")
    house.run()
    assert not house.has()


def test_access_that_is_gone_already_is_success(house: House) -> None:
    house.revoke("r1")
    house.run()
    assert house.request("r1").state is RequestState.DONE
    assert house.system.writes == []


def test_the_end_of_one_claim_leaves_the_others(house: House) -> None:
    house.grant("r1")
    house.grant("r2")
    house.run()
    house.revoke("r3", claim_of="r1")
    house.run()
    assert house.claim("r1").state is ClaimState.ENDED
    assert house.claim("r2").state is ClaimState.ACTIVE
    assert house.has()
    house.revoke("r4", claim_of="r2")
    house.run()
    assert not house.has()


def test_the_end_of_a_claim_that_is_not_there_is_no_more_than_that(house: House) -> None:
    house.grant("r1")
    house.run()
    house.revoke("r2", claim_of="r0")
    house.run()
    assert house.request("r2").state is RequestState.DONE
    assert house.has()


def test_a_grant_on_its_way_is_called_back(house: House) -> None:
    house.grant("r1")
    house.system.weather.forecast(Luck.FINE, Luck.FINE, Luck.THROTTLED)
    house.run()
    house.revoke("r2")
    house.run(2 * MINUTE)
    assert house.request("r1").state is RequestState.WITHDRAWN
    assert house.claim("r1").state is ClaimState.VOID
    assert house.request("r2").state is RequestState.DONE
    assert not house.has()


@pytest.mark.parametrize("lag", [0, 10])
def test_a_grant_whose_answer_was_lost_is_not_left_behind_by_a_revoke(house: House, lag: int) -> None:
    """The write took effect, nobody heard of it, and it may not show yet: the revoke must not find "nothing to take"."""
    house.system.lag = lag * SECOND
    house.grant("r1")
    house.system.weather.forecast(Luck.FINE, Luck.FINE, Luck.FINE, Luck.LOST)
    house.run()
    house.revoke("r2")
    house.run(5 * MINUTE)
    assert house.request("r2").state is RequestState.DONE
    assert not house.has()


def test_a_ticket_for_a_grant_that_is_called_back_is_closed(house: House) -> None:
    house.grant("r1", group=BY_HAND)
    house.run()
    house.revoke("r2", group=BY_HAND)
    house.run(MINUTE)
    [ticket] = house.tickets_of("r1")
    assert ticket.state is TicketState.WITHDRAWN
    assert house.tickets.open_issues() == []
    assert house.request("r2").state is RequestState.DONE


@pytest.mark.parametrize("luck", [Luck.LOST, Luck.LOST_UNDONE, Luck.BUSY, Luck.KILLED_AFTER, Luck.KILLED_BEFORE])
def test_a_ticket_that_is_being_made_while_its_grant_is_called_back_does_not_stay(house: House, luck: Luck) -> None:
    house.grant("r1", group=BY_HAND)
    house.tickets.weather.forecast(luck)
    house.run()
    house.revoke("r2", group=BY_HAND)
    house.run(5 * MINUTE)
    assert house.tickets.open_issues() == []
    assert house.operation("r1").state is OperationState.DROPPED
    assert house.request("r2").state is RequestState.DONE


@pytest.mark.parametrize("first_planned", ["r1", "r2"])
def test_requests_count_in_the_order_they_came_in(house: House, first_planned: str) -> None:
    """Whichever of them is planned first: a later revoke is not undone by an earlier grant."""
    house.grant("r1")
    house.revoke("r2")
    wake_ups = sorted(house.sweep(), key=lambda wake_up: wake_up.ref != first_planned)
    house.handle(wake_ups)
    house.run(MINUTE)
    assert not house.has()
    assert house.request("r2").state is RequestState.DONE


@pytest.mark.parametrize("first_planned", ["r1", "r2"])
def test_a_later_grant_is_not_undone_by_an_earlier_revoke(house: House, first_planned: str) -> None:
    house.system.change(ADA, GROUP, present=True)
    house.revoke("r1")
    house.grant("r2", seconds=60)
    house.handle(sorted(house.sweep(), key=lambda wake_up: wake_up.ref != first_planned))
    house.run(30 * SECOND)
    assert house.has()
    house.run(2 * MINUTE)
    assert not house.has(), "what was there before was to be taken away, so it is no reason to stay"


def test_a_claim_that_was_not_even_planned_can_be_ended(store: Store) -> None:
    quiet = House.over(store, mode=Mode.PLAN)
    quiet.grant("r1")
    quiet.run()
    loud = House.over(store, like=quiet)
    loud.revoke("r2", claim_of="r1")
    loud.run()
    with store.write() as work:
        work.requests.wake_planned(now=loud.clock.now())
    loud.run(MINUTE)
    assert loud.request("r1").state is RequestState.WITHDRAWN
    assert not loud.has()


def test_a_removal_by_ticket_that_is_declined_leaves_the_claim_ending(house: House) -> None:
    house.system.change(ADA, BY_HAND, present=True)
    house.revoke("r1", group=BY_HAND)
    house.run()
    [issue] = house.tickets.open_issues()
    issue.phase = Phase.DECLINED
    house.run(MINUTE)
    request = house.request("r1")
    assert request.state is RequestState.FAILED
    assert issue.ref.key in (request.reason or "")
