"""What the database refuses of the ledger: changes, negative times, overlaps, causes that do not add up."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from access.ledger import Cause
from store.ledger_tables import CAUSES, overstays, removal_waits
from store.outbox import Topic
from store.unit_of_work import Conflict, Store
from tests.store.records import MINUTE, NOW

MINUTE_US = 60_000_000


def row(begin: float, end: float, **changes: Any) -> dict[str, Any]:
    total = int((end - begin) * MINUTE_US)
    facts: dict[str, Any] = {
        "access_key": "u1 a",
        "system": "jumpcloud",
        "entitlement": "a",
        "title": "a",
        "account_title": "Ada",
    }
    facts |= {"request_id": "r1", "since": NOW + begin * MINUTE, "until": NOW + end * MINUTE, "ended": "gone"}
    return facts | dict.fromkeys(CAUSES, 0) | {"unseen_us": total, "total_us": total, "bound_us": 0} | changes


def write(store: Store, *rows: dict[str, Any]) -> None:
    for each in rows:
        with store.write() as work:
            work._connection.execute(insert(overstays).values(each))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        pytest.param({"unseen_us": 0}, "causes_add_up", id="causes that do not add up"),
        pytest.param({"unseen_us": 2 * MINUTE_US, "away_us": -MINUTE_US}, "no_negative_time", id="a negative part"),
        pytest.param({"bound_us": 2 * MINUTE_US}, "bound_within", id="a bound that is more than all"),
        pytest.param({"until": NOW - MINUTE}, "time_runs_forward", id="an end before the beginning"),
        pytest.param({"ended": "somehow"}, "ended_known", id="an end nobody knows"),
    ],
)
def test_a_row_that_cannot_be_is_refused(store: Store, wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(Conflict, match=why):
        write(store, row(0, 1, **wrong))


@pytest.mark.parametrize(("begin", "end"), [(0, 10), (2, 3), (9, 12), (-3, 1)])
def test_times_of_one_access_do_not_overlap(store: Store, begin: float, end: float) -> None:
    write(store, row(0, 10), row(10, 20), row(0, 10, access_key="u2 a"))
    with pytest.raises(Conflict):
        write(store, row(begin, end))


@pytest.mark.parametrize("change", [update(overstays).values(total_us=0), delete(overstays), delete(removal_waits)])
def test_the_ledger_is_only_added_to(store: Store, change: Any) -> None:
    write(store, row(0, 10))
    with store.write() as work:
        work.ledger.mark(Topic.OPERATION, "op1", Cause.AWAY, since=NOW)
    with pytest.raises(Conflict, match="append-only"), store.write() as work:
        work._connection.execute(change)


def test_a_mark_is_written_when_the_cause_changes(store: Store) -> None:
    causes = (Cause.UNSEEN, Cause.AWAY, Cause.AWAY, Cause.CREDENTIAL, Cause.UNSEEN)
    for number, cause in enumerate(causes):
        with store.write() as work:
            work.ledger.mark(Topic.OPERATION, "op1", cause, since=NOW + number * MINUTE)
    with store.read() as work:
        found = work.ledger.waits(operation_ids=["op1"], request_ids=[], since=NOW)
    assert [(each.cause, each.since) for each in found] == [
        (Cause.AWAY, NOW + MINUTE),
        (Cause.CREDENTIAL, NOW + 3 * MINUTE),
        (Cause.UNSEEN, NOW + 4 * MINUTE),
    ]
