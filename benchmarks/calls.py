"""How many calls a verified grant costs, and a removal: counted by the simulated services themselves.

``python -m benchmarks calls`` takes requests in and carries them out, embedded, with as many threads as a worker has. Time stands
still but where the benchmark moves it, so what is counted hangs on the order of threads alone.

- *single*: one grant at a time, each to another person, of a thing that was read less than a minute ago; and the same where
  nothing was.
- *many*: grants of several things to each of many people, all of them due at once, in an order that mixes people.
- *removals*: the end of each of these.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import structlog

from access.clock import ManualClock
from benchmarks.command import run
from benchmarks.report import Aim, Report, Table, WrongResult
from benchmarks.sides import CONCURRENCY
from benchmarks.simulated import Simulated
from config.settings import Settings
from tasks.publisher import RecordingPublisher
from worker.composition import Provisor, compose
from worker.handlers import use_cases_of

_SINGLE, _MANY, _REMOVAL = 4.0, 2.0, 2.2
_LASTS = timedelta(hours=1)
#: Longer than any answer is kept.
_LATER = timedelta(minutes=2)

#: What is given in each system, and how its simulator names things.
_GIVEN = {"jumpcloud": "jumpcloud:group:{}:member", "jira": "jira:group:{}:member"}


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--grants", type=int, default=1000, metavar="N", help="in all (default %(default)s)")
    parser.add_argument("--people", type=int, default=200, metavar="N", help="who get them (default %(default)s)")
    parser.add_argument("--things", type=int, default=50, metavar="N", help="groups (default %(default)s)")
    parser.add_argument("--singles", type=int, default=20, metavar="N", help="one at a time (default %(default)s)")


def measure(options: argparse.Namespace) -> Report:
    """Raises ``WrongResult``."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    report = Report("calls")
    rows = []
    for system in _GIVEN:
        with (
            TemporaryDirectory(prefix="calls-") as folder,
            Simulated(*_GIVEN, users=0, groups=0, memberships=0) as services,
        ):
            side = _Side(Path(folder), services, system, people=options.people, things=options.things)
            found = side.count(grants=options.grants, singles=options.singles)
            side.provisor.store.database.close()
        report.figures[system] = found
        rows.append((system, *found.values()))
        for name, most in (("single", _SINGLE), ("many", _MANY), ("removals", _REMOVAL)):
            report.aims.append(Aim(f"calls of one, {system} groups, {name}", found[name], most, "lower"))
    columns = ("system", "single, nothing read before", "single", "many", "removals")
    what = f"{options.grants} grants over {options.people} people and {options.things} groups"
    report.tables = [Table(f"Calls of one, {what}", columns, rows)]
    return report


class _Side:
    """A company in one simulated system, and a Provisor that works on it."""

    def __init__(self, folder: Path, services: Simulated, system: str, *, people: int, things: int) -> None:
        self._services, self._system = services, system
        self._clock = ManualClock(datetime.now(UTC))
        self.provisor = _provisor(folder, services, self._clock)
        self._handlers = use_cases_of(self.provisor)
        self._people = [f"person-{number}@example.com" for number in range(people)]
        self._things = [f"team-{number}" for number in range(things)]
        for email in self._people:
            self._make_person(email)
        for name in self._things:
            services.act(system, "add_group" if system == "jumpcloud" else "create_group", name=name)
        self._asked = 0

    def count(self, *, grants: int, singles: int) -> dict[str, float]:
        """Calls of one, by what was asked for."""
        pairs = [(email, thing) for email in self._people for thing in self._things]
        mixed = Random(1).sample(pairs, k=len(pairs))  # noqa: S311 - an order, no secret
        cold, warm = mixed[:singles], mixed[singles : 2 * singles]
        self._give([(self._people[0], mixed[-1][1])])  # Proves once whose organization it is, and connects.
        calls = {"single_nothing_read": self._one_at_a_time(cold, later=_LATER)}
        for thing in {thing for _, thing in warm}:
            self._give([(mixed[-1][0], thing)])
        calls["single"] = self._one_at_a_time(warm, later=timedelta(0))
        self._end_all()
        people = [email for email in self._people for _ in range(grants // len(self._people))]
        picked = [(email, self._things[(number * 7) % len(self._things)]) for number, email in enumerate(people)]
        Random(2).shuffle(picked)  # noqa: S311 - the same
        calls["many"] = self._counted(partial(self._give, picked)) / len(picked)
        self._require(held=len(picked))
        calls["removals"] = self._counted(self._end_all) / len(picked)
        self._require(held=0)
        return calls

    def _one_at_a_time(self, pairs: Sequence[tuple[str, str]], *, later: timedelta) -> float:
        calls = 0
        for pair in pairs:
            self._clock.advance(later)
            calls += self._counted(partial(self._give, [pair]))
        return calls / len(pairs)

    def _counted(self, do: Callable[[], None]) -> int:
        self._services.forget_calls()
        do()
        return int(self._services.calls(system=self._system)["total"])

    def _give(self, pairs: Sequence[tuple[str, str]]) -> None:
        for email, thing in pairs:
            self._asked += 1
            message = {
                "id": f"calls-{self._asked}",
                "action": "grant",
                "subject": {"email": email},
                "entitlement": _GIVEN[self._system].format(thing),
                "duration": f"PT{int(_LASTS.total_seconds())}S",
            }
            self.provisor.intake.take(json.dumps(message).encode(), content_type="application/json", source="calls")
        with self.provisor.store.write() as work:
            work.sweep.release_all()  # The marks of the wake-ups, which nobody sends on here.
        self._drain()

    def _end_all(self) -> None:
        self._clock.advance(2 * _LASTS)
        self._drain()

    def _drain(self) -> None:
        """Carry out what is due, a few rows at once, as the dispatcher does."""
        with ThreadPoolExecutor(CONCURRENCY) as threads:
            while True:
                with self.provisor.store.write() as work:
                    due = work.sweep.mark_due(
                        now=self._clock.now(), dispatched_for=timedelta(minutes=1), limit=CONCURRENCY
                    )
                if not due:
                    return
                list(threads.map(lambda each: self._handlers[each.topic](each.ref), due))

    def _require(self, *, held: int) -> None:
        with self.provisor.store.read() as work:
            states = work.requests.counts()
        if states.keys() - {"done"}:
            raise WrongResult(f"Not all that was asked for is done: {states}.")
        there = sum(
            len(each["members"])
            for each in self._services.state(self._system)["groups"]
            if each["name"] in self._things
        )
        if there != held:
            raise WrongResult(f"{there} memberships are there, and {held} were asked for.")

    def _make_person(self, email: str) -> None:
        name = email.partition("@")[0]
        if self._system == "jumpcloud":
            self._services.act("jumpcloud", "add_user", email=email, username=name)
        else:
            self._services.act("jira", "create_user", email=email, name=name)


def _provisor(folder: Path, services: Simulated, clock: ManualClock) -> Provisor:
    policy = folder / "policy.yaml"
    rules = [f'  - {{pattern: "{given.format("*")}", last_administrator: allow}}' for given in _GIVEN.values()]
    policy.write_text("\n".join(["rules:", *rules, ""]), encoding="utf-8")
    unbound = {"rate": 100_000, "burst": 100_000}
    jumpcloud, jira = services.facts["jumpcloud"], services.facts["jira"]
    settings = {
        "provisioning": "on",
        "policy": str(policy),
        "store": {"url": f"sqlite:///{folder / 'provisor.db'}"},
        "jumpcloud": {"api_url": jumpcloud["url"], "api_key": jumpcloud["api_key"], **unbound},
        "jira": {"site_url": jira["url"], "email": jira["email"], "api_token": jira["token"], **unbound},
        "ticketing": {"project": "OPS"},
    }
    return compose(Settings.model_validate(settings), RecordingPublisher(), clock=clock)


if __name__ == "__main__":
    sys.exit(run("benchmarks.calls", sys.modules[__name__]))
