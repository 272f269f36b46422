from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.jumpcloud import World
from simulator.server import Simulators
from simulator.systems import dump, load
from store.database import Database
from store.unit_of_work import Store
from tests.cli.command_result import CommandResult, RunCommand
from tests.patience import until, until_met

WRITE = {"system": "jumpcloud", "method": "POST", "path": "/members$"}
REQUEST = {
    "id": "r1",
    "action": "grant",
    "subject": {"email": "ada@example.com"},
    "entitlement": "jumpcloud:group:Engineering:member",
}


@pytest.fixture
def company() -> Iterator[Simulators]:
    world = World()
    load(world, {"users": [{"email": "ada@example.com"}], "groups": [{"name": "Engineering"}]})
    with Simulators(jumpcloud=world) as simulators:
        yield simulators


@pytest.fixture
def settings(configure: Callable[..., Path], company: Simulators, tmp_path: Path) -> Path:
    (tmp_path / "policy.yaml").write_text("ticket: {project: OPS}\nrules: [{pattern: 'jumpcloud:group:*:member'}]")
    key = company.worlds["jumpcloud"].credentials()["api_key"]
    return configure(
        provisioning="on",
        policy="policy.yaml",
        jumpcloud={"api_url": company.jumpcloud_url, "api_key": key},
        worker={"lease": "1h"},
    )


class Up:
    """A ``provisor up`` in a process of its own."""

    def __init__(self, settings: Path, log: Path) -> None:
        self._log = log
        with log.open("w") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "provisor", "up", "-c", str(settings)],
                stdout=subprocess.DEVNULL,  # no terminal
                stderr=stream,
                cwd=Path(__file__).parents[2],
            )

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]

    def wait_for(self, event: str) -> None:
        until(
            lambda: any(line["event"] == event for line in self.said()),
            lambda: f"'{event}' in {self._log.read_text()}",
        )


Start = Callable[[], Up]


@pytest.fixture
def start(settings: Path, tmp_path: Path) -> Iterator[Start]:
    started: list[Up] = []

    def begin() -> Up:
        up = Up(settings, tmp_path / f"up-{len(started)}.log")
        started.append(up)
        up.wait_for("provisor.up")
        return up

    yield begin
    for up in started:
        up.process.kill()
        up.process.wait()


@pytest.fixture
def submit(provisor: RunCommand, settings: Path, tmp_path: Path) -> Callable[[], CommandResult]:
    """Hands the request in."""
    file = tmp_path / "request.json"
    file.write_text(json.dumps(REQUEST))
    return lambda: provisor("submit", file, "-c", settings)


def _state(url: str) -> str | None:
    database = Database(url, pool_size=1)
    try:
        with Store(database).read() as work:
            request = work.requests.get("r1")
            return None if request is None else str(request.state)
    finally:
        database.close()


def _is_member(company: Simulators) -> bool:
    state = dump(company.worlds["jumpcloud"])
    return bool(state["groups"][0]["members"])


def test_settings_that_cannot_be_used_start_nothing(provisor: RunCommand, configure: Callable[..., Path]) -> None:
    ran = provisor("up", "-c", configure(policy="nowhere.yaml"))
    assert ran.code == 1
    assert "nowhere.yaml" in ran.err
    assert "Traceback" not in ran.err


def test_a_second_up_on_an_embedded_store_is_refused(start: Start, provisor: RunCommand, settings: Path) -> None:
    up = start()
    ran = provisor("up", "-c", settings)
    assert ran.code == 1
    assert f"(process {up.process.pid})" in ran.err
    assert up.process.poll() is None


def test_sigterm_finishes_what_is_under_way_and_exits_0(
    start: Start, submit: Callable[[], CommandResult], company: Simulators, sqlite_url: str, tmp_path: Path
) -> None:
    up = start()
    fault = company.faults.add(hold="before", **WRITE)
    assert submit().code == 0
    until_met(company.faults, fault, holding=1)
    up.process.send_signal(signal.SIGTERM)
    company.faults.release(fault)
    assert up.process.wait() == 0
    assert _state(sqlite_url) == "done"
    assert _is_member(company)
    assert any(line["event"] == "request.received" for line in up.said()), "information is logged"
    assert company.worlds["jumpcloud"].credentials()["api_key"] not in (tmp_path / "up-0.log").read_text()


def test_h3_changed_settings_count_without_a_restart_and_wrong_ones_leave_in_force_what_is(
    start: Start, submit: Callable[[], CommandResult], provisor: RunCommand, settings: Path, company: Simulators
) -> None:
    on = settings.with_name("on.yaml")
    on.write_text(settings.read_text())
    settings.write_text(f"{on.read_text()}\nprovisioning: 'off'\n".replace("provisioning: 'on'\n", ""))
    up = start()
    assert submit().code == 0
    settings.write_text(on.read_text())
    up.process.send_signal(signal.SIGHUP)
    up.wait_for("settings.read")
    until(lambda: _is_member(company), "the request being carried out")
    settings.write_text("provisioning: perhaps\n")
    up.wait_for("settings.kept")
    until(lambda: "provisioning" in provisor("alarms", "-c", on).out, "the alarm")
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait() == 0
    assert sum(line["event"] == "provisor.up" for line in up.said()) == 1


def test_work_of_a_killed_predecessor_is_taken_up_at_once(
    start: Start, submit: Callable[[], CommandResult], company: Simulators, sqlite_url: str
) -> None:
    killed = start()
    fault = company.faults.add(hold="before", **WRITE)
    assert submit().code == 0
    until_met(company.faults, fault, holding=1)
    killed.process.kill()
    killed.process.wait()
    company.faults.release(fault, drop=True)
    assert _state(sqlite_url) == "fulfilling"
    successor = start()
    successor.wait_for("leases.freed")
    until(lambda: _is_member(company) or _told_unseen(successor), "the work being taken up")


def _told_unseen(up: Up) -> bool:
    """The successor looked: the write of the killed one may still come to show, so it is not written again yet."""
    return any(line["event"] in ("operation.unseen", "operation.done") for line in up.said())
