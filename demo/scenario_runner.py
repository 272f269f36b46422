"""Runs all scenarios, each in a thread of its own, and judges each by the simulators' own state."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial

from demo.api_scenarios import API_SCENARIOS
from demo.patience import Patience
from demo.progress import Progress
from demo.promise_scenarios import PROMISE_SCENARIOS
from demo.reconciliation_scenarios import RECONCILIATION_SCENARIOS
from demo.scenario import WAIT_SECONDS, Environment, Scenario, ScenarioRun, UnexpectedOutcome
from demo.simulators import SimulatorProblem
from demo.ticket_scenarios import TICKET_SCENARIOS
from demo.views import View

#: Scenarios with a person come first, since people take their time; the others run meanwhile.
SCENARIOS: tuple[Scenario, ...] = (
    *TICKET_SCENARIOS,
    *RECONCILIATION_SCENARIOS,
    *PROMISE_SCENARIOS,
    *API_SCENARIOS,
)
#: Between the starts of two scenarios, so that a person can follow.
_PACE_SECONDS = 0.25
_REFRESH_SECONDS = 0.1
#: All scenarios together end in a fraction of this, in seconds of a quiet machine.
_LONGEST_SECONDS = 45.0


def run_all(environment: Environment, view: View) -> None:
    """Run every scenario, and at the end check again what was to last."""
    runs = {scenario.name: ScenarioRun(scenario, environment) for scenario in SCENARIOS}
    threads = []
    patience = Patience(_LONGEST_SECONDS)
    for scenario in SCENARIOS:
        thread = threading.Thread(
            target=run_one,
            args=(environment.progress, scenario.name, partial(scenario.steps, runs[scenario.name])),
            name=scenario.name,
            daemon=True,
        )
        thread.start()
        threads.append(thread)
        _watch(view, _pace(environment.progress, scenario))
    _watch(view, lambda: any(thread.is_alive() for thread in threads) and patience.lasts())
    _judge_the_end(environment, runs)
    view.show()


def run_one(progress: Progress, scenario: str, steps: Callable[[], None]) -> None:
    """Run the scenario of this name; its outcome is in the progress."""
    record = progress.records[scenario]
    record.began = progress.elapsed()
    try:
        steps()
    except (UnexpectedOutcome, SimulatorProblem) as unexpected:
        _fail(progress, scenario, str(unexpected))
    except Exception as exc:
        logging.getLogger(__name__).exception("demo.scenario_error")
        _fail(progress, scenario, f"The scenario itself failed: {exc!r}. See the log.")
    else:
        record.ok = not record.problems
    record.ended = progress.elapsed()


def _judge_the_end(environment: Environment, runs: dict[str, ScenarioRun]) -> None:
    state = environment.state()
    for scenario in SCENARIOS:
        if environment.progress.records[scenario.name].ended is None:
            _fail(environment.progress, scenario.name, "It was not over at the end of the demonstration.")
            continue
        try:
            runs[scenario.name].still_sees(state)
        except UnexpectedOutcome as unexpected:
            _fail(environment.progress, scenario.name, str(unexpected))


def _fail(progress: Progress, scenario: str, why: str) -> None:
    progress.wrong(scenario, why)
    progress.records[scenario].ok = False


def _pace(progress: Progress, scenario: Scenario) -> Callable[[], bool]:
    """Whether the next scenario still has to wait."""
    next_at = time.monotonic() + _PACE_SECONDS
    patience = Patience(WAIT_SECONDS)

    def waits() -> bool:
        alone = scenario.alone_until is not None and not progress.has_happened(scenario.alone_until, scenario.name)
        return time.monotonic() < next_at or (alone and patience.lasts())

    return waits


def _watch(view: View, going_on: Callable[[], bool]) -> None:
    pause = threading.Event()
    while going_on():
        view.show()
        pause.wait(_REFRESH_SECONDS)
