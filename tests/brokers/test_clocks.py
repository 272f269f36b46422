"""Machines whose clocks are off by minutes: processes go by the database's, and say so."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from access.lifecycle import ClaimState
from tests.brokers.conftest import MakeSite
from tests.brokers.shifted_clock import NoCompilerError, compiled, shifted
from tests.conftest import absent
from tests.crash.process_stack import ForkServer, ProcessStack, Worker
from tests.fakes.database_faults import execute
from tests.machine import Amqp
from worker.roles import ProcessRole

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=[10, -10])
def minutes(request: pytest.FixtureRequest, postgresql_url: str) -> Iterator[int]:
    """How many minutes the database is ahead of all machines, by its own clock."""
    minutes: int = request.param
    database = make_url(postgresql_url).database
    execute(
        postgresql_url,
        "CREATE SCHEMA skewed",
        "CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS "
        f"$$ SELECT pg_catalog.clock_timestamp() + interval '{minutes} minutes' $$",
        f'ALTER DATABASE "{database}" SET search_path = skewed, pg_catalog, public',
    )
    yield minutes
    execute(postgresql_url, f'ALTER DATABASE "{database}" RESET search_path', "DROP SCHEMA skewed CASCADE")


def test_nothing_ends_early_or_late_where_machines_have_clocks_of_their_own(
    make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp, minutes: int
) -> None:
    """By the machines' clocks the first access would end ten minutes late, or the second one with it."""
    stack = make_site(postgresql_url, rabbitmq, rabbitmq.publish)
    stack.declare_queues()
    workers = [stack.up(role) for role in ProcessRole]
    email, groups = stack.company.person(), [stack.company.jumpcloud_group() for _ in range(2)]
    short, longer = (
        stack.grant(email, f"jumpcloud:group:{group}:member", duration=duration)
        for group, duration in zip(groups, ("PT1S", "PT5M"), strict=True)
    )
    stack.ended(longer)
    ended = stack.claim_ended(short)
    assert ended.ends_at is not None
    assert ended.ended_at is not None
    assert ended.ended_at >= ended.ends_at
    assert stack.claim(longer).state is ClaimState.ACTIVE
    assert [stack.changes(group) for group in groups] == [["add", "remove"], ["add"]]
    for worker in workers:
        [said] = [line for line in worker.said() if line["event"] == "clock.off"]
        assert abs(said["seconds"] + 60 * minutes) < 5
    side = "behind" if minutes > 0 else "ahead of"
    assert f"seconds {side} the database's, which Provisor goes by." in doctor(stack)


def doctor(stack: ProcessStack) -> str:
    """What the doctor says of the clocks."""
    command = [sys.executable, "-m", "provisor", "doctor", "--json", "-c", str(stack.config)]
    findings = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, check=False).stdout)
    return " ".join(str(each) for each in findings if "database's" in str(each))


@pytest.fixture
def fork_servers(tmp_path: Path) -> Iterator[dict[int, ForkServer]]:
    """What starts workers whose clocks are off, by how many seconds."""
    try:
        library = compiled(tmp_path)
    except NoCompilerError as exc:
        absent("A C compiler", exc)
    servers = {seconds: shifted(library, seconds) for seconds in (600, -600)}
    yield servers
    for each in servers.values():
        each.close()


@pytest.mark.long
def test_processes_whose_clocks_are_twenty_minutes_apart_keep_one_time(
    fork_servers: dict[int, ForkServer], make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp
) -> None:
    """Whichever of the two ends an access, it ends when the database says so; each says that its own clock is off."""
    stack = make_site(postgresql_url, rabbitmq, rabbitmq.publish)
    stack.declare_queues()
    workers = {shift: stack.up(by=server) for shift, server in fork_servers.items()}
    email = stack.company.person()
    groups = [stack.company.jumpcloud_group() for _ in range(6)]
    *short, longer = (
        stack.grant(email, f"jumpcloud:group:{group}:member", duration="PT1S" if group != groups[-1] else "PT5M")
        for group in groups
    )
    stack.ended(longer)
    for request in short:
        ended = stack.claim_ended(request)
        assert ended.ends_at is not None
        assert ended.ended_at is not None
        assert ended.ended_at >= ended.ends_at
    assert stack.claim(longer).state is ClaimState.ACTIVE
    for shift, worker in workers.items():
        stack.until(partial(said_off, worker), what="what it says of its clock")
        assert abs(said_off(worker)[0] - shift) < 5
    assert [stack.changes(group) for group in groups] == [["add", "remove"]] * 5 + [["add"]]


def said_off(worker: Worker) -> list[float]:
    """By how many seconds a process said that its clock is ahead."""
    return [line["seconds"] for line in worker.said() if line["event"] == "clock.off"]
