from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from access.clock import ManualClock
from access.fuse import FuseLimits, Limit
from access.plans import PlanKind
from store.unit_of_work import Store
from tests.cli.command_result import RunCommand
from tests.fakes.faults import Fault
from tests.fakes.local_stack import GROUP, LocalStack
from tests.fakes.reconciled_stack import carry_out
from tests.tasks.test_plans import line

MINUTE = timedelta(minutes=1)
CAUSES = ("person", "ticket", "credential", "away", "budget", "unseen")


@pytest.fixture
def stack(store: Store) -> LocalStack:
    """A Provisor whose past ends about now: commands have the clock of the machine."""
    return LocalStack.over(store, clock=ManualClock(datetime.now(UTC) - timedelta(hours=2)))


def overstayed(stack: LocalStack) -> None:
    """One access that was held past due for some minutes, and one that is."""
    stack.grant("r1", seconds=10)
    stack.grant("r2", seconds=10, group="jumpcloud:group:other:member")
    stack.run()
    stack.system.faults.lasting = Fault.LOCKED_OUT
    stack.run(10 * MINUTE)
    stack.system.faults.clear()
    stack.run(30 * MINUTE)
    stack.grant("r3", seconds=10)
    stack.run()
    stack.system.faults.lasting = Fault.BUSY
    stack.run(5 * MINUTE)


def test_the_ledger_adds_up_however_it_is_asked(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    overstayed(stack)
    totals = {}
    for by in ("system", "entitlement", "person", "cause", "access"):
        rows = provisor("ledger", "-c", config, "--by", by, "--json").json
        assert all(abs(sum(row[cause] for cause in CAUSES) - row["total"]) < 1e-3 for row in rows)
        # What runs goes on between two commands.
        totals[by] = sum(row["credential"] for row in rows)
    assert len({round(total, 3) for total in totals.values()}) == 1
    [system] = provisor("ledger", "-c", config, "--json").json
    assert (system["times"], system["running"]) == (3, 1)
    assert "lasts" in provisor("ledger", "-c", config, "--by", "access").out


def test_the_ledger_as_csv_has_a_row_for_each_time(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    overstayed(stack)
    rows = list(csv.DictReader(io.StringIO(provisor("ledger", "-c", config, "--by", "access", "--csv").out)))
    assert [row["request"] for row in rows if not row["until"]] == ["r3"]
    assert {row["entitlement"] for row in rows} == {GROUP, "jumpcloud:group:other:member"}


def test_the_lag_of_removals_is_published(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    overstayed(stack)
    [lag] = provisor("ledger", "-c", config, "--lag", "--json").json
    assert (lag["system"], lag["removals"]) == ("jumpcloud", 2)
    assert 0 < lag["p50"] <= lag["p95"] <= lag["longest"]


def test_nothing_held_past_due_is_said(provisor: RunCommand, config: Path) -> None:
    assert provisor("ledger", "-c", config).out.startswith("No access was held past due")
    assert provisor("ledger", "-c", config, "--since", "yesterday").code == 2


def test_events_are_followed_from_where_one_left_off(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    stack.grant("r1")
    stack.run()
    first = provisor("events", "follow", "-c", config, "--after", "0", "-n", "2", "--json").out.splitlines()
    ids = [json.loads(line)["id"] for line in first]
    [third] = provisor("events", "follow", "-c", config, "--after", ids[-1], "-n", "1", "--json").out.splitlines()
    assert [*ids, json.loads(third)["id"]] == ["1", "2", "3"]
    newest = provisor("events", "list", "-c", config, "--json", "--type", "request.").json
    assert [row["type"] for row in newest] == ["provisor.request.done", "provisor.request.received"]
    assert "request.done" in provisor("events", "list", "-c", config).out


def test_the_forecast_says_what_ends_when(provisor: RunCommand, config: Path, stack: LocalStack) -> None:
    assert provisor("forecast", "-c", config).out.startswith("Nothing is taken away until")
    stack.clock.advance(timedelta(hours=2))
    stack.grant("r1", seconds=86_400)
    stack.grant("r2", seconds=3 * 86_400, group="jumpcloud:group:other:member")
    stack.run()
    found = provisor("forecast", "-c", config, "--until", "48h", "--json").json
    assert (found["removals"], len(found["hours"])) == (1, 1)
    assert provisor("forecast", "-c", config, "--until", "96h", "--json").json["removals"] == 2
    assert provisor("forecast", "-c", config, "--until", "some day").code == 2


def test_the_forecast_says_what_the_fuse_holds(provisor: RunCommand, config: Path, store: Store) -> None:
    stack = LocalStack.over(store, fuse=FuseLimits(grants=Limit(1, timedelta(days=1), 0.0, 1)))
    lines = [line(f"jumpcloud:group:g{number}:member") for number in range(2)]
    plan = stack.plans.make(PlanKind.BULK, "two", lines, automatic=True)
    carry_out(stack)
    said = f"Plan {plan.id} (two) is held: at most 1 removals in jumpcloud may begin in 24 hours."
    assert said in provisor("forecast", "-c", config).out
    assert provisor("forecast", "-c", config, "--json").json["held"] == [said]
