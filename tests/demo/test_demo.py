"""The demonstration, played for real: its simulators, its worker, its people."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from demo.patience import slowness
from demo.progress import Progress, ScenarioRecord
from demo.scenario import Scenario, UnexpectedOutcome
from demo.scenario_runner import SCENARIOS, run_one
from demo.summary import as_facts, in_words
from demo.views import LiveView
from tests.patience import until

ROOT = Path(__file__).parents[2]
DEMO = [sys.executable, "-m", "provisor", "demo"]
PROCESS = re.compile(r"is simulated by process (\d+)")


@dataclass(frozen=True)
class Shown:
    """A demonstration that is over."""

    code: int
    out: str
    err: str
    slowness: float

    @property
    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return facts

    def of(self, scenario: str) -> dict[str, Any]:
        (found,) = [request for request in self.facts["requests"] if request["name"] == scenario]
        return dict(found)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment in which what the demonstration leaves behind is taken away with the rest."""
    return {**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("demo"))}


@pytest.fixture(scope="module")
def shown(folder: dict[str, str]) -> Shown:
    before = slowness()
    ran = subprocess.run([*DEMO, "--json"], capture_output=True, text=True, cwd=ROOT, env=folder, check=False)
    return Shown(ran.returncode, ran.stdout, ran.stderr, max(before, slowness()))


def test_every_outcome_is_the_expected_one(shown: Shown) -> None:
    wrong = [request for request in shown.facts["requests"] if not request["ok"]]
    assert wrong == []
    assert (shown.code, shown.facts["ok"]) == (0, True)
    assert len(shown.facts["requests"]) == len(SCENARIOS)


def test_every_outcome_was_seen_in_the_simulators_themselves(shown: Shown) -> None:
    assert [request["name"] for request in shown.facts["requests"] if not request["simulator"]] == []


def test_it_takes_less_than_a_minute_of_a_quiet_machine(shown: Shown) -> None:
    assert shown.facts["seconds"] < 60 * shown.slowness


def test_it_is_plain_in_a_pipe_and_says_nothing_beside(shown: Shown) -> None:
    assert "\x1b" not in shown.out
    assert shown.err == ""


def test_its_simulators_are_processes_of_their_own_and_end_with_it(shown: Shown) -> None:
    pids = [int(pid) for pid in PROCESS.findall(shown.out)]
    assert len(set(pids)) == 2
    until(lambda: not any(map(_is_alive, pids)), "the end of the simulators")


def test_a_ticket_that_was_closed_untrue_is_reopened_and_is_still_the_only_one(shown: Shown) -> None:
    scenario = shown.of("closed-untrue")
    steps = scenario["happened"].split(" -> ")
    assert len(scenario["tickets"]) == 1
    assert steps.index("closed") < steps.index("reopened") < steps.index("verified") < steps.index("done")


def test_what_is_refused_opens_no_ticket_and_what_needs_a_person_does(shown: Shown) -> None:
    for name in ("policy", "misspelled", "malformed"):
        assert shown.of(name)["tickets"] == []
    for name in ("dynamic-add", "identity-provider-add", "protected-add", "account-deprovision", "answer-lost"):
        assert len(shown.of(name)["tickets"]) == 1


def test_its_store_can_be_looked_into_afterwards(shown: Shown) -> None:
    settings = f"{shown.facts['folder']}/provisor.yaml"
    command = [sys.executable, "-m", "provisor", "requests", "show", "account-deprovision", "-c", settings]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert "Request account-deprovision: done" in ran.stdout


@pytest.fixture
def interrupted(folder: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=folder)
    yield process
    process.kill()
    process.communicate()


def test_told_to_stop_it_ends_what_it_started(interrupted: subprocess.Popen[str]) -> None:
    assert interrupted.stdout is not None
    pids: list[int] = []
    for line in interrupted.stdout:
        pids += [int(pid) for pid in PROCESS.findall(line)]
        if "requested" in line:
            break
    assert len(pids) == 2
    interrupted.send_signal(signal.SIGTERM)
    _, err = interrupted.communicate()
    assert interrupted.returncode not in (0, -signal.SIGTERM)
    assert "Traceback" not in err
    until(lambda: not any(map(_is_alive, pids)), "the end of the simulators")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _raise_unexpected() -> None:
    raise UnexpectedOutcome("Ada is not there.")


def _break() -> None:
    raise ZeroDivisionError


def _progress(*scenarios: Scenario) -> Progress:
    progress = Progress()
    progress.records.update({scenario.name: ScenarioRecord() for scenario in scenarios})
    return progress


@pytest.mark.parametrize("steps", [_raise_unexpected, _break])
def test_a_scene_that_comes_out_otherwise_makes_the_whole_fail_and_says_why(steps: Callable[[], None]) -> None:
    good, bad = (Scenario(name, name.title(), "it works", lambda _stage: None) for name in ("good", "bad"))
    progress = _progress(good, bad)
    run_one(progress, "good", lambda: None)
    run_one(progress, "bad", steps)
    facts = as_facts(progress, [good, bad], seconds=1.0, folder="/nowhere")
    assert [request["ok"] for request in facts["requests"]] == [True, False]
    assert facts["ok"] is False
    told = "\n".join(in_words(facts))
    assert "1 of 2 came out as expected" in told
    assert facts["requests"][1]["problems"][0] in told


@pytest.mark.parametrize(("width", "height"), [(150, 50), (80, 12)])
def test_the_table_lives_on_terminals_of_any_size(width: int, height: int) -> None:
    progress = _progress(*SCENARIOS)
    terminal = StringIO()
    console = Console(file=terminal, force_terminal=True, width=width, height=height)
    view = LiveView(progress, SCENARIOS, console)
    first = SCENARIOS[0].name
    progress.records[first].began = 0.0
    progress.note(first, "requested")
    view.show()
    progress.note(first, "ACCESS-1", ticket="ACCESS-1")
    view.show()
    progress.records[first].ok, progress.records[first].ended = True, 1.0
    view.close()
    shown = terminal.getvalue()
    assert "ACCESS-1" in shown
    assert "✓" in shown
    frames = shown.split("0 of ")[:-1]
    assert all(frame.count("\n") <= height for frame in frames[1:]), "a frame is higher than the terminal"
