"""Ends of claims: each takes away its own, and only once nothing else holds the access."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

from access.lifecycle import ClaimState, OperationState, RequestState
from access.operations import Purpose
from store.database import Database
from store.outbox import Topic
from store.unit_of_work import Store
from tests.doubles.house import ADA, BY_HAND, GROUP, House
from tests.doubles.weather import Luck

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def test_access_goes_when_its_time_is_up(house: House) -> None:
    house.grant("r1", seconds=60)
    house.run(59 * SECOND)
    assert house.has()
    house.run(2 * SECOND)
    assert not house.has()
    claim = house.claim("r1")
    assert (claim.state, claim.why_ended) == (ClaimState.ENDED, "the access was taken away, and seen gone")


def test_the_first_of_two_to_end_takes_nothing_and_the_last_takes_it(house: House) -> None:
    house.grant("r1", seconds=60)
    house.grant("r2", seconds=120)
    house.run(90 * SECOND)
    assert house.claim("r1").state is ClaimState.ENDED
    assert house.has()
    house.run(60 * SECOND)
    assert not house.has()


def test_a_shorter_claim_within_a_longer_one_changes_nothing(house: House) -> None:
    house.grant("r1")
    house.run()
    house.grant("r2", seconds=5)
    house.run(MINUTE)
    assert house.claim("r2").state is ClaimState.ENDED
    assert house.has()


def test_access_from_before_the_first_claim_stays(house: House) -> None:
    house.system.change(ADA, GROUP, present=True)
    house.grant("r1", seconds=10)
    house.grant("r2", seconds=20)
    house.run(MINUTE)
    assert house.claim("r2").why_ended == "the access was there before the first claim"
    assert house.has()


def test_access_from_before_that_somebody_took_and_we_gave_again_is_ours(house: House) -> None:
    """Else a temporary grant would leave standing access behind."""
    house.system.change(ADA, GROUP, present=True)
    house.grant("r1", seconds=100)
    house.run()
    house.system.change(ADA, GROUP, present=False)
    house.grant("r2", seconds=10)
    house.run(3 * MINUTE)
    assert not house.has()


def test_a_claim_that_begins_while_another_ends_does_not_become_pre_existing(house: House) -> None:
    """The trap of every just-in-time product: the newer grant finds the older one's access and takes it for standing."""
    house.grant("r1", seconds=10)
    house.run()
    house.grant("r2", seconds=30)
    house.system.weather.forecast(Luck.FINE, Luck.FINE, Luck.THROTTLED)
    house.run(15 * SECOND)
    assert house.claim("r1").state is ClaimState.ENDING
    assert house.claim("r2").state is ClaimState.PENDING
    house.run(25 * SECOND)
    assert house.claim("r2").state is ClaimState.ACTIVE
    assert not house.claim("r2").pre_existing
    assert house.claim("r1").state is ClaimState.ENDED
    house.run(2 * MINUTE)
    assert not house.has()


def test_a_newer_grant_that_fails_after_all_does_not_leave_the_older_access_behind(house: House) -> None:
    house.grant("r1", seconds=10)
    house.run()
    house.grant("r2", seconds=300)
    house.system.weather.forecast(Luck.FINE, Luck.FINE, Luck.THROTTLED)
    house.run(15 * SECOND)
    assert house.has()
    house.revoke("r3", claim_of="r2")
    house.run(2 * MINUTE)
    assert house.request("r2").state is RequestState.WITHDRAWN
    assert not house.has()


def test_an_expiry_that_the_service_puts_off_is_carried_out_later(house: House) -> None:
    house.grant("r1", seconds=10)
    house.run(5 * SECOND)
    house.system.weather.forecast(*[Luck.BUSY] * 2)
    house.run(MINUTE)
    assert not house.has()


def test_an_expiry_is_never_given_up(house: House) -> None:
    house.grant("r1", seconds=10)
    house.run(5 * SECOND)
    house.system.weather.forecast(*[Luck.BUSY] * 100)
    house.run(10 * MINUTE)
    operation = house.operation("r1", purpose=Purpose.EXPIRY)
    assert operation.state is OperationState.WITH_PERSON
    assert house.claim("r1").state is ClaimState.ENDING


def test_an_expiry_by_ticket_asks_for_it_and_believes_only_the_system(house: House) -> None:
    house.grant("r1", seconds=60, group=BY_HAND)
    house.run()
    [asked] = house.tickets.open_issues()
    house.system.change(ADA, BY_HAND, present=True)
    asked.phase = type(asked.phase).DONE
    house.run(30 * SECOND)
    assert house.claim("r1").state is ClaimState.ACTIVE
    house.run(60 * SECOND)
    [taking] = house.tickets.open_issues()
    assert taking.ref != asked.ref
    taking.phase = type(taking.phase).DONE
    house.run(15 * SECOND)
    assert house.claim("r1").state is ClaimState.ENDING
    house.system.change(ADA, BY_HAND, present=False)
    house.run(30 * SECOND)
    assert house.claim("r1").state is ClaimState.ENDED


def test_two_claims_that_end_at_the_same_moment_on_two_workers_take_the_access(postgresql_url: str) -> None:
    """Each would find the other still holding it, and neither would take it away."""
    database = Database(postgresql_url, pool_size=8)
    house = House.over(Store(database))
    for round_ in range(5):
        first, second = f"a{round_}", f"b{round_}"
        house.grant(first, seconds=10)
        house.grant(second, seconds=10)
        house.run()
        house.clock.advance(MINUTE)
        start = Barrier(2)

        def end(claim_id: str, start: Barrier = start) -> None:
            start.wait(10)
            house.handlers[Topic.CLAIM](claim_id)

        with ThreadPoolExecutor(2) as pool:
            for future in [pool.submit(end, house.claim(name).id) for name in (first, second)]:
                future.result()
        house.run(MINUTE)
        assert not house.has()
    database.close()
