"""Machines whose clocks are off by minutes: processes go by the database's, and say so."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from access.lifecycle import ClaimState
from tests.brokers.conftest import MakeSite
from tests.conftest import absent
from tests.crash.process_stack import ProcessStack
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


@pytest.fixture(scope="module")
def shifting(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that shifts the wall clock of the process that loads it."""
    compiler = shutil.which("cc")
    if compiler is None:
        absent("A C compiler", "there is no cc")
    library = tmp_path_factory.mktemp("clock") / "shifted_clock.so"
    source = Path(__file__).with_name("shifted_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


@pytest.mark.long
def test_processes_whose_clocks_are_twenty_minutes_apart_keep_one_time(
    make_site: MakeSite, postgresql_url: str, rabbitmq: Amqp, shifting: Path
) -> None:
    """Whichever of the two ends an access, it ends when the database says so; each says that its own clock is off."""
    stack = make_site(postgresql_url, rabbitmq, rabbitmq.publish)
    stack.declare_queues()
    logs = {shift: stack.folder / f"shifted-{shift}.log" for shift in (600, -600)}
    with ExitStack() as ending:
        for shift, log in logs.items():
            environment = os.environ | {"LD_PRELOAD": str(shifting), "CLOCK_SHIFT": str(shift)}
            process = subprocess.Popen(
                [sys.executable, "-m", "provisor", "up", "-c", str(stack.config)],
                cwd=ROOT,
                env=environment,
                stdout=ending.enter_context(log.open("wb")),
                stderr=subprocess.STDOUT,
            )
            ending.callback(process.wait)
            ending.callback(process.send_signal, signal.SIGTERM)
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
        for shift, log in logs.items():
            stack.until(partial(said_off, log), what="what it says of its clock")
            assert abs(said_off(log)[0] - shift) < 5
    assert [stack.changes(group) for group in groups] == [["add", "remove"]] * 5 + [["add"]]


def said_off(log: Path) -> list[float]:
    """By how many seconds a process said that its clock is ahead."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return [line["seconds"] for line in lines if line["event"] == "clock.off"]
