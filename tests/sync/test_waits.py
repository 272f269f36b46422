"""A stated wait in the middle of a list is kept on the spot when it is short enough; nobody else waits, and a stop ends it."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from access.entitlements import System
from access.operations import Lane
from access.snapshots import RunState
from store.snapshot_tables import sync_shards
from tests.machine import Amqp
from tests.patience import fair_seconds, until_met
from tests.sync import sync_process
from tests.sync.sync_harness import SyncHarness
from tests.sync.test_real_processes import tenant
from worker.systems.connectors import rate_limiter_for
from worker.systems.definition import Dependencies

USERS = "^/api/systemusers$"
MEMBERS = "/members$"

#: The longest wait that is kept on the spot, nearly.
LONG = 29


def told_to_wait(seconds: int, **fault: Any) -> dict[str, Any]:
    return {"system": "jumpcloud", "status": 429, "headers": {"retry-after": str(seconds)}, **fault}


def tries(harness: SyncHarness) -> int:
    with harness.store.database.read() as connection:
        found: int = connection.execute(select(func.sum(sync_shards.c.tries))).scalar_one()
    return found


def test_a_list_goes_on_after_a_stated_wait_where_it_was(company: SyncHarness) -> None:
    company.simulators.faults.add(**told_to_wait(3, path=USERS, after=1))
    begun = time.monotonic()
    company.is_right(company.sync())
    assert time.monotonic() - begun >= 3
    asked = [call.status for call in company.simulators.calls.latest() if call.path == "/api/systemusers"]
    assert asked == [200, 429, 200]
    assert tries(company) == 0


def test_a_longer_one_puts_the_part_back(company: SyncHarness) -> None:
    company.simulators.faults.add(**told_to_wait(31, path=USERS, after=1))
    company.is_right(company.sync())
    assert tries(company) == 1


def test_nobody_else_waits_and_a_stop_ends_it(company: SyncHarness) -> None:
    fault = company.simulators.faults.add(**told_to_wait(LONG, path=MEMBERS))
    run_id = company.provisor.syncing.begin(System.JUMPCLOUD)
    reading = threading.Thread(target=company.provisor.syncing.work, args=(run_id,))
    reading.start()
    until_met(company.simulators.faults, fault, played=1)
    revoking = rate_limiter_for(
        Dependencies(company.provisor.settings, company.store, company.clock), System.JUMPCLOUD, Lane.REVOKE
    )
    revoking.take("write")
    with company.store.write() as work:
        work.sync_runs.due_again(run_id, at=company.clock.now())
    assert reading.is_alive()
    told = time.monotonic()
    company.provisor.syncing.stop()
    reading.join()
    assert fair_seconds(told) < LONG / 2
    with company.store.read() as work:
        run = work.sync_runs.get(run_id)
    assert run is not None
    assert run.state is RunState.RUNNING
    assert run.due_at is not None
    assert run.due_at <= company.clock.now(), "another process may go on at once"


def test_a_signal_ends_a_process_that_keeps_a_wait(postgresql_url: str, rabbitmq: Amqp, tmp_path: Path) -> None:
    more: dict[str, Any] = {
        "broker": {"url": rabbitmq.url, "prefix": rabbitmq.prefix},
        "worker": {"concurrency": 4, "poll": "0.05s"},
    }
    with tenant(postgresql_url, tmp_path, **more) as (harness, settings):
        fault = harness.simulators.faults.add(**told_to_wait(LONG, path=MEMBERS, after=5))
        process = sync_process.start("serve", settings)
        try:
            harness.provisor.syncing.begin(System.JUMPCLOUD)
            until_met(harness.simulators.faults, fault, played=1)
            told = time.monotonic()
            process.terminate()
            process.wait()
            assert fair_seconds(told) < LONG / 2
        finally:
            process.kill()
            process.wait()
        harness.clock.advance(timedelta(seconds=LONG))
        harness.is_right(harness.sync())
