"""Calls for tickets keep the rate budget, its stops and the timeouts of the settings, as all other calls do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from access.clock import ManualClock
from access.entitlements import System
from access.failures import Transient, Unknown
from access.operations import Lane
from access.policy import Policy
from access.ticket_routes import TicketRoute
from config.settings import Settings
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from store.database import Database
from store.unit_of_work import Store
from tests.ticketing.simulated_ticketing import MARKER, NOW, SimulatedTicketing, draft
from ticketing.ports import TicketProvider
from worker.systems.connectors import rate_limiter_for
from worker.systems.definition import Dependencies
from worker.ticketing import provider_from, ticket_rate_limiter


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url, pool_size=2)
    yield Store(database)
    database.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


def settings_of(harness: SimulatedTicketing, *, own_site: bool = False, **limits: str) -> Settings:
    site = {"site_url": harness.simulators.jira_url, "email": ADMIN_EMAIL, "api_token": ADMIN_TOKEN}
    ticketing: dict[str, Any] = {"jira": site} if own_site else {}
    return Settings(jira={**site, "rate": 1, "burst": 4}, ticketing=ticketing, limits=limits)


def provider_of(settings: Settings, store: Store, clock: ManualClock) -> TicketProvider:
    limiter = partial(ticket_rate_limiter, Dependencies(settings, store, clock))
    return provider_from(settings, clock, limiter, Policy(rules=(), ticket=TicketRoute(project="OPS")))


def calls_until_refused(provider: TicketProvider) -> tuple[int, Transient]:
    for made in range(100):
        try:
            provider.read(["1"])
        except Transient as refusal:
            return made, refusal
    raise AssertionError("nothing ever refuses")


def test_no_more_calls_go_out_at_once_than_the_budget_holds(
    harness: SimulatedTicketing, store: Store, clock: ManualClock
) -> None:
    harness.fault(path="bulkfetch", status=200, body={"issues": [{"id": "1", "key": "OPS-1"}]}, times=None)
    provider = provider_of(settings_of(harness), store, clock)
    made, refusal = calls_until_refused(provider)
    assert made == 3  # of 4: tickets leave a quarter
    assert not refusal.counted
    assert len(harness.calls()) == 3
    assert calls_until_refused(provider.in_lane(Lane.REVOKE))[0] == 3  # that quarter, and half a bucket of debt
    clock.advance(timedelta(seconds=60))
    assert calls_until_refused(provider)[0] == 3


def test_a_stop_holds_tickets_and_provisioning_alike(
    harness: SimulatedTicketing, store: Store, clock: ManualClock
) -> None:
    settings = settings_of(harness)
    provider = provider_of(settings, store, clock)
    harness.fault(path="bulkfetch", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(Transient) as told:
        provider.read(["1"])
    assert told.value.retry_after == timedelta(hours=1)
    with pytest.raises(Transient, match="asked for no calls"):
        rate_limiter_for(Dependencies(settings, store, clock), System.JIRA, Lane.GRANT).take("read")
    with pytest.raises(Transient, match="asked for no calls"):
        provider.find(MARKER, project="OPS")
    assert len(harness.calls()) == 1


def test_a_stop_holds_a_ticket_that_takes_access_away_for_a_quarter_of_an_hour(
    harness: SimulatedTicketing, store: Store, clock: ManualClock
) -> None:
    provider = provider_of(settings_of(harness), store, clock).in_lane(Lane.REVOKE)
    harness.fault(path="/issue$", status=429, headers={"Retry-After": "86400"})
    with pytest.raises(Transient) as told:
        provider.create(draft())
    assert told.value.retry_after == timedelta(minutes=15)
    clock.advance(timedelta(minutes=15))
    assert provider.create(draft()).key == "OPS-1"
    assert provider.create(draft(marker="another")).key == "OPS-2"  # the service answered, so the stop is over


def test_tickets_on_a_site_of_their_own_have_a_budget_of_their_own(
    harness: SimulatedTicketing, store: Store, clock: ManualClock
) -> None:
    settings = settings_of(harness, own_site=True)
    harness.fault(path="bulkfetch", status=429, headers={"Retry-After": "3600"})
    with pytest.raises(Transient):
        provider_of(settings, store, clock).read(["1"])
    rate_limiter_for(Dependencies(settings, store, clock), System.JIRA, Lane.GRANT).take("read")
    with store.read() as work:
        assert [stop.system for stop in work.budgets.stops(now=clock.now())] == ["ticketing"]


def test_the_timeouts_are_those_of_the_settings(harness: SimulatedTicketing, store: Store, clock: ManualClock) -> None:
    provider = provider_of(settings_of(harness, read_timeout="0.2s"), store, clock)
    held = harness.fault(path="/issue$", hold="after")
    with pytest.raises(Unknown, match="in time"):
        provider.create(draft())  # the simulator answers when it is told to, below, and never before
    harness.simulators.faults.release(held)
