"""A sync under way keeps nobody waiting who is to lose access."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from access.entitlements import System
from access.snapshots import RunState
from config.settings import Settings
from demo.patience import slowness
from demo.worker_thread import WorkerThread
from simulator.jumpcloud import World, seed
from simulator.server import Simulators
from tests.connectors.snapshot_truth import jumpcloud_truth
from tests.patience import until
from tests.sync.sync_harness import FastClock, SyncHarness
from worker.intake_consumer import publish
from worker.process import WorkerProcess, prepare

GROUPS = 1000


@pytest.fixture
def harness(sqlite_url: str, tmp_path: Path) -> Iterator[tuple[SyncHarness, WorkerProcess]]:
    """A worker whose budget is ten calls a second: the sync needs more than a minute."""
    world = World()
    seed(world, users=30, groups=GROUPS, memberships=300, apps=1, admins=1, rng_seed=5)
    policy = tmp_path / "policy.yaml"
    policy.write_text('ticket: {project: ACC}\nrules:\n  - {pattern: "jumpcloud:group:*:member"}\n', encoding="utf-8")
    with Simulators(jumpcloud=world) as simulators:
        address, key = simulators.jumpcloud_url, world.credentials()["api_key"]
        settings: dict[str, Any] = {
            "provisioning": "on",
            "policy": policy,
            "store": {"url": sqlite_url},
            "worker": {"concurrency": 4, "poll": "0.05s"},
            "sync": {"period": None, "jumpcloud_method": "listing"},
            "jumpcloud": {"api_url": address, "insights_url": address, "api_key": key, "rate": 10, "burst": 10},
        }
        process = prepare(Settings.model_validate(settings))
        worker = WorkerThread(process)
        worker.start()
        yield SyncHarness(System.JUMPCLOUD, simulators, process.provisor, FastClock(), world, jumpcloud_truth), process
        worker.stop()
        process.provisor.store.database.close()


def test_a_revocation_is_done_within_a_few_calls_of_a_running_sync(
    harness: tuple[SyncHarness, WorkerProcess],
) -> None:
    company, process = harness
    world, simulators = company.world, company.simulators
    group = next(group for group in world.groups if world.members.rights(group.id))
    user = next(iter(world.members.rights(group.id)))
    email = next(one.email for one in world.users if one.id == user)
    before = slowness()
    run_id = process.provisor.syncing.begin(System.JUMPCLOUD)
    until(lambda: simulators.calls.count("jumpcloud") >= 12, "the beginning of the sync")
    body = {
        "id": "urgent",
        "action": "revoke",
        "subject": {"email": email},
        "entitlement": f"jumpcloud:group:{group.name}:member",
        "reason": "She has left.",
    }
    asked_at = len(simulators.calls.latest())
    with process.app.connection() as connection:
        publish(connection, process.queues, [json.dumps(body).encode()])
    until(lambda: not world.members.has(group.id, user), "the revocation")
    made_meanwhile = len(simulators.calls.latest()) - asked_at
    slow = max(before, slowness())
    with process.provisor.store.read() as work:
        run = work.sync_runs.get(run_id)
    assert run is not None
    assert run.state is RunState.RUNNING
    # What ten calls a second let through in the time that this takes, and not the thousand of the sync.
    assert made_meanwhile <= 40 * slow
