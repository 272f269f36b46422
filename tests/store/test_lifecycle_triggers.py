"""The database itself refuses every step that the lifecycle does not have: every pair of states is tried."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Table, text
from sqlalchemy.exc import IntegrityError

from access.leavers import LeaverKind
from access.lifecycle import LIFECYCLE
from store.leaver_tables import leavers
from store.plan_tables import plan_lines, plans
from store.queries.people import PersonNow
from store.tables import claims, operations, requests, tickets
from store.unit_of_work import Store, UnitOfWork
from tests.store.records import NOW, add_request, claim, operation, plan, ticket

LIVING: dict[str, Table] = {"request": requests, "operation": operations, "claim": claims, "ticket": tickets} | {
    "plan": plans,
    "plan_line": plan_lines,
    "leaver": leavers,
}

#: Everything any state asks for, so that only the step itself can be refused.
FILLED: dict[str, dict[str, Any]] = {
    "request": {"reason": "because"},
    "operation": {"evidence": "seen", "error": "why", "verified_at": NOW, "before": "absent"}
    | {"obstacle": "refused", "blocked_at": NOW, "direction": "take"},
    "claim": {"starts_at": NOW, "ends_at": NOW, "account_id": "u1", "pre_existing": False},
    "ticket": {"issue_id": "10001", "issue_key": "OPS-1"},
    "plan": {"approved_by": "grace", "approved_why": "why", "approved_at": NOW, "held_why": "too many"},
    "plan_line": {"request_id": "r1"},
    "leaver": {"id": 1, "read_at": NOW, "left_at": NOW},
}
PAIRS = [
    (entity, start, end)
    for entity, table in LIFECYCLE.items()
    for start in table
    for end in table
    if start and end and start != end
]
ROWS = {"request": "r1", "operation": "op1", "claim": "cl1", "ticket": "tk1"} | {
    "plan": "PL-1",
    "plan_line": "PL-1.1",
    "leaver": 1,
}


def paths(entity: str) -> dict[str, list[str]]:
    """A way of permitted steps from birth to each state."""
    found: dict[str, list[str]] = {}
    waiting: list[tuple[str, list[str]]] = [(state, [state]) for state in sorted(LIFECYCLE[entity][""])]
    while waiting:
        state, way = waiting.pop(0)
        if state not in found:
            found[state] = way
            waiting += [(following, [*way, following]) for following in sorted(LIFECYCLE[entity][state])]
    return found


def bear(work: UnitOfWork, connection: Connection, entity: str, state: str) -> None:
    """Put a row as the store makes it into the database again, born in this state."""
    add_request(work)
    if entity in {"operation", "ticket"}:
        work.operations.add(operation())
    if entity == "claim":
        work.claims.add(claim())
    if entity == "ticket":
        work.tickets.add(ticket())
    if entity in {"plan", "plan_line"}:
        work.plans.add(*plan())
    if entity == "plan":
        connection.execute(plan_lines.delete())
    if entity == "leaver":
        work.persons.put(PersonNow("u1", "Ada", None, "active", None), now=NOW)
        work.leavers.notice("u1", LeaverKind.SUSPENDED, now=NOW)
    row = connection.execute(LIVING[entity].select()).mappings().one()
    connection.execute(LIVING[entity].delete())
    connection.execute(LIVING[entity].insert().values({**row, **FILLED[entity], "state": state}))


@pytest.fixture
def connection(store: Store) -> Iterator[Connection]:
    with store.database.engine.connect() as opened:
        yield opened


def test_every_step_of_the_lifecycle_is_taken_and_every_other_is_refused(connection: Connection) -> None:
    for entity, start, end in PAIRS:
        way = paths(entity).get(start)
        assert way is not None, f"no {entity} can ever be {start}"
        table = LIVING[entity]
        move = table.update().where(table.c.id == ROWS[entity])
        with connection.begin() as transaction:
            bear(UnitOfWork(connection), connection, entity, way[0])
            for state in way[1:]:
                connection.execute(move.values(state=state))
            if end in LIFECYCLE[entity][start]:
                connection.execute(move.values(state=end))
            else:
                with pytest.raises(IntegrityError, match="may not"):
                    connection.execute(move.values(state=end))
            transaction.rollback()


def test_nothing_is_born_in_the_middle_of_its_life(connection: Connection) -> None:
    for entity, table in LIFECYCLE.items():
        for state in table:
            if not state or state in table[""]:
                continue
            with connection.begin() as transaction:
                with pytest.raises(IntegrityError, match="may not"):
                    bear(UnitOfWork(connection), connection, entity, state)
                transaction.rollback()


def test_a_state_that_nobody_knows_is_refused(connection: Connection) -> None:
    with connection.begin() as transaction:
        connection.execute(text("INSERT INTO lifecycle VALUES ('request', '', 'lost'), ('request', 'lost', 'done')"))
        with pytest.raises(IntegrityError, match="state_known"):
            bear(UnitOfWork(connection), connection, "request", "lost")
        transaction.rollback()
