from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from access.clock import SystemClock
from access.entitlements import System
from access.snapshots import RunState
from cli.sync_progress import Progress, Runs
from cli.sync_runs import SyncRuns
from store.unit_of_work import Store
from tasks.sync import Sync
from tests.cli.command_result import RunCommand
from tests.cli.company import Company
from tests.conftest import quiet_logs
from tests.patience import until_met
from worker.call_counter import CallCounter


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """The command decides about the logs of its process, which here is everybody's."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    quiet_logs()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_all_connected_systems_are_synced_and_said_as_one_object_each(provisor: RunCommand, both: Path) -> None:
    ran = provisor("sync", "-c", both, "--json")
    assert ran.code == 0
    found = {row["system"]: row for row in ran.json}
    assert {system: (row["state"], row["error"], row["joined"]) for system, row in found.items()} == {
        "jumpcloud": ("complete", None, False),
        "jira": ("complete", None, False),
    }
    jumpcloud = found["jumpcloud"]
    assert jumpcloud["counts"]["accounts"] == 4, "two users and the two administrators of every simulated organization"
    assert (jumpcloud["full"], jumpcloud["method"]) == (True, "listing")
    assert jumpcloud["calls"] > 5
    assert jumpcloud["snapshot"]["run"] == jumpcloud["run"]


def test_a_pipe_gets_plain_lines(provisor: RunCommand, jumpcloud_only: Path) -> None:
    ran = provisor("sync", "-c", jumpcloud_only)
    lines = ran.out.splitlines()
    assert (ran.code, ran.err) == (0, "")
    assert lines[0].startswith("jumpcloud: began (sy-")
    assert any(line.startswith("jumpcloud: complete in ") and "4 accounts" in line for line in lines)
    assert "\x1b" not in ran.out


def test_a_second_sync_reads_what_changed_and_full_reads_everything(
    provisor: RunCommand, jumpcloud_only: Path, company: Company
) -> None:
    def sync(*options: str) -> dict[str, Any]:
        (found,) = provisor("sync", "-c", jumpcloud_only, "--json", *options).json
        return dict(found)

    first, second, third = sync(), sync(), sync("--full")
    assert [each["full"] for each in (first, second, third)] == [True, False, True]
    assert second["calls"] < first["calls"]
    assert first["counts"] == second["counts"] == third["counts"]


def test_a_failed_sync_says_why_and_how_old_the_snapshot_is_that_stays(
    provisor: RunCommand, both: Path, company: Company
) -> None:
    provisor("sync", "-c", both, "--json")
    company.jumpcloud.keys.clear()
    ran = provisor("sync", "-c", both)
    assert ran.code == 1
    failed = next(line for line in ran.out.splitlines() if line.startswith("jumpcloud: failed"))
    assert "refused Provisor's credential" in failed
    assert "The snapshot of " in failed
    assert failed.endswith("old.")
    assert any(line.startswith("jira: complete") for line in ran.out.splitlines())
    (facts,) = provisor("sync", "-c", both, "--json", "--system", "jumpcloud").json
    assert (facts["state"], facts["counts"]) == ("failed", None)
    assert facts["snapshot"]["age_seconds"] >= 0
    assert facts["snapshot"]["run"] != facts["run"]


def test_only_the_named_system_is_synced(provisor: RunCommand, both: Path) -> None:
    assert [row["system"] for row in provisor("sync", "-c", both, "--json", "--system", "jira").json] == ["jira"]


def test_a_system_that_is_not_connected_cannot_be_synced(
    provisor: RunCommand, jumpcloud_only: Path, configure: Callable[..., Path]
) -> None:
    ran = provisor("sync", "-c", jumpcloud_only, "--system", "jira")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("provisor: jira is not connected, so there is nothing to take a snapshot of. Set ")
    assert provisor("sync", "-c", configure()).err.startswith("provisor: No system is connected")


def test_a_run_that_is_under_way_is_joined(provisor: RunCommand, jumpcloud_only: Path, store: Store) -> None:
    with store.write() as work:
        work.sync_runs.begin("sy-theirs", System.JUMPCLOUD, previous_run_id=None, now=datetime.now(UTC))
    (facts,) = provisor("sync", "-c", jumpcloud_only, "--json").json
    assert (facts["run"], facts["joined"], facts["state"]) == ("sy-theirs", True, "complete")


def test_a_full_sync_is_full_though_another_was_under_way(
    provisor: RunCommand, jumpcloud_only: Path, store: Store
) -> None:
    (first,) = provisor("sync", "-c", jumpcloud_only, "--json").json
    with store.write() as work:
        work.sync_runs.begin("sy-theirs", System.JUMPCLOUD, previous_run_id=first["run"], now=datetime.now(UTC))
    (facts,) = provisor("sync", "-c", jumpcloud_only, "--json", "--full").json
    assert (facts["full"], facts["joined"]) == (True, False)
    with store.read() as work:
        theirs = work.sync_runs.get("sy-theirs")
    assert theirs is not None
    assert (theirs.state, (theirs.plan or {})["full"]) == (RunState.COMPLETE, False)


def test_the_store_is_made_when_there_is_none(
    provisor: RunCommand, configure: Callable[..., Path], company: Company, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'new' / 'provisor.db'}"
    config = configure(jumpcloud=company.jumpcloud_section(), store={"url": url})
    assert provisor("sync", "-c", config, "--json").code == 0
    assert len(provisor("accounts", "list", "-c", config, "--json").json) == 4


def test_a_sync_that_is_interrupted_ends_at_once_and_its_run_stays(
    jumpcloud_only: Path, company: Company, store: Store
) -> None:
    fault = company.simulators.faults.add(system="jumpcloud", path="systemusers", hold="before", times=None)
    command = [sys.executable, "-m", "provisor", "sync", "-c", str(jumpcloud_only)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        until_met(company.simulators.faults, fault, holding=1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    company.simulators.faults.remove(fault)
    assert process.returncode == 130
    assert said.startswith("provisor: Interrupted. The run stays")
    with store.read() as work:
        assert work.sync_runs.running(System.JUMPCLOUD) is not None


class InterruptedWhereItIsLost(Progress):
    """Ctrl-C comes while Python runs a finalizer, where an exception is printed and lost."""

    def show(self, runs: Runs) -> None:
        assert runs

        class Finalized:
            def __del__(self) -> None:
                signal.raise_signal(signal.SIGINT)

        Finalized()


class Unending(Sync):
    """A sync whose lists never come to an end."""

    def __init__(self, store: Store) -> None:
        self._of = store

    def begin(self, system: System, *, full: bool = False) -> str:
        run = f"sy-{system}-{full}"
        with self._of.write() as work:
            work.sync_runs.begin(run, system, previous_run_id=None, now=datetime.now(UTC))
        return run

    def work(self, run_id: str) -> None:
        assert run_id
        threading.Event().wait()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_ends_a_sync_also_where_python_loses_the_exception(store: Store) -> None:
    runs = SyncRuns(store, Unending(store), SystemClock(), CallCounter(), InterruptedWhereItIsLost())
    with pytest.raises(KeyboardInterrupt):
        runs.take([System.JUMPCLOUD], full=True)
