"""Celery's own commands reach workers where the settings allow it, and nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.conftest import MakeSite
from tests.crash.process_stack import ProcessStack
from tests.machine import Amqp, Redis

ROOT = Path(__file__).parents[2]

MakeWorker = Callable[..., ProcessStack]


@pytest.fixture(params=["rabbitmq", pytest.param("redis", marks=pytest.mark.long)])
def make_worker(request: pytest.FixtureRequest, make_site: MakeSite, sqlite_url: str) -> MakeWorker:
    def make(**worker: bool) -> ProcessStack:
        broker: Amqp | Redis = request.getfixturevalue(request.param)
        stack = make_site(sqlite_url, broker, None, worker=worker)
        up = stack.up()
        stack.until(lambda: up.events()["provisor.up"], what="the start")
        return stack

    return make


def command(stack: ProcessStack, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PROVISOR_")}
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "celery", "-A", "worker", *arguments],
        cwd=ROOT,
        env=bare | {"PROVISOR_CONFIG": str(stack.config)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def said(stack: ProcessStack, *arguments: str) -> str:
    return command(stack, *arguments).communicate()[0]


def test_workers_obey_no_remote_control_by_default(make_worker: MakeWorker) -> None:
    stack = make_worker()
    assert "No nodes replied" in said(stack, "inspect", "ping", "--timeout", "2")
    said(stack, "control", "--timeout", "1", "shutdown")
    stack.ended(stack.grant(stack.company.person(), f"jumpcloud:group:{stack.company.jumpcloud_group()}:member"))


def test_workers_answer_where_remote_control_is_switched_on(make_worker: MakeWorker) -> None:
    stack = make_worker(remote_control=True)
    stack.until(lambda: "pong" in said(stack, "inspect", "ping", "--timeout", "3"), what="an answer")
    assert "provisor.operation" in said(stack, "inspect", "registered", "--timeout", "10")


def test_monitors_see_events_where_they_are_switched_on(make_worker: MakeWorker) -> None:
    stack = make_worker(task_events=True)
    monitor = command(stack, "events", "--dump")
    assert monitor.stdout is not None
    try:
        lines: list[str] = []
        while not any("heartbeat" in line for line in lines):  # the monitor is there
            lines.append(monitor.stdout.readline())
            assert lines[-1], lines
        stack.ended(stack.grant(stack.company.person(), f"jumpcloud:group:{stack.company.jumpcloud_group()}:member"))
        while not any("task started: provisor.request" in line for line in lines):
            lines.append(monitor.stdout.readline())
            assert lines[-1], lines
    finally:
        monitor.kill()
        monitor.communicate()
