"""Rows for the reconcile benchmark: a complete snapshot with its claims, written as sync and fulfilment leave them behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Table, insert, text

from access.entitlements import System
from benchmarks.child import Commands, serve
from store.database import Database, allow_long_statements
from store.migrations import migrate
from store.snapshot_tables import accounts, grants, parts, resources, snapshot_parts, snapshots, sync_runs
from store.tables import claims, operations, requests

#: When the first snapshot began.
BEGAN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
RUN = "sy-1"
#: Of so many grants one has a claim.
CLAIMED = 5

_SYSTEM = str(System.JUMPCLOUD)
_BATCH = 5000
_GIVEN = BEGAN - timedelta(days=30)


def holders(setup: dict[str, Any], resource: int) -> Iterator[str]:
    """Who holds a resource at first: each account at most once."""
    for number in range(setup["grants"] // setup["resources"]):
        yield account(resource * 97 + number * 89, setup)


def account(number: int, setup: dict[str, Any]) -> str:
    """The id of an account."""
    return f"u{number % setup['accounts']:024d}"


def group(number: int) -> str:
    """The id of a resource."""
    return f"g{number:023d}"


def entitlement(number: int) -> str:
    """The entitlement of a resource."""
    return f"{_SYSTEM}:group:{group(number)}:member"


def _start(setup: dict[str, Any]) -> Commands:
    database = Database(setup["store_url"], pool_size=2)
    migrate(database)
    with database.write() as connection:
        allow_long_statements(connection)
        _write_snapshot(connection, setup)
        _write_claims(connection, setup)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
    database.close()
    return {}


def _write_snapshot(connection: Connection, setup: dict[str, Any]) -> None:
    run = {"id": RUN, "system": _SYSTEM, "state": "complete", "started_at": BEGAN, "finished_at": BEGAN}
    connection.execute(insert(sync_runs), run)
    names = ["accounts", "resources", *(f"held/{number}" for number in range(setup["resources"]))]
    _add(
        connection,
        parts,
        (
            {"id": number, "system": _SYSTEM, "name": name, "read_at": BEGAN, "complete": True}
            for number, name in enumerate(names, start=1)
        ),
    )
    _add(
        connection,
        snapshot_parts,
        ({"run_id": RUN, "name": name, "part_id": number} for number, name in enumerate(names, start=1)),
    )
    moments = {"began_at": BEGAN, "completed_at": BEGAN, "full_run_at": BEGAN}
    connection.execute(insert(snapshots), {"system": _SYSTEM, "run_id": RUN, **moments})
    _add(connection, accounts, (_account(number, setup) for number in range(setup["accounts"])))
    _add(
        connection,
        resources,
        (
            {"part_id": 2, "kind": "group", "id": group(number), "name": f"Group {number}", "attributes": {}}
            for number in range(setup["resources"])
        ),
    )
    _add(
        connection,
        grants,
        (grant(number, holder) for number in range(setup["resources"]) for holder in holders(setup, number)),
    )


def grant(resource: int, holder: str) -> dict[str, Any]:
    """The row of a grant."""
    return {
        "part_id": resource + 3,
        "kind": "group",
        "resource": group(resource),
        "principal_kind": "account",
        "principal": holder,
        "first_seen": BEGAN,
    }


def _account(number: int, setup: dict[str, Any]) -> dict[str, Any]:
    return {
        "part_id": 1,
        "id": account(number, setup),
        "kind": "user",
        "title": f"User {number}",
        "status": "active",
        "email": f"user{number}@acme.example",
        "email_source": "profile",
        "attributes": {},
    }


def _write_claims(connection: Connection, setup: dict[str, Any]) -> None:
    """One request, one claim and one operation for some of the grants."""
    for table, row in ((requests, _request), (claims, _claim), (operations, _operation)):
        _add(connection, table, (row(*each) for each in enumerate(claimed(setup), start=1)))


def claimed(setup: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """The grants that a claim holds: the resource and the account."""
    for number in range(setup["resources"]):
        for holder in islice(holders(setup, number), 0, None, CLAIMED):
            yield number, holder


def _request(number: int, held: tuple[int, str]) -> dict[str, Any]:
    return {
        "id": f"r{number}",
        "fingerprint": f"r{number}",
        "body": {
            "id": f"r{number}",
            "action": "grant",
            "subject": {"id": held[1]},
            "entitlement": entitlement(held[0]),
        },
        "action": "grant",
        "system": _SYSTEM,
        "entitlement": entitlement(held[0]),
        "subject": held[1],
        "state": "received",
        "source": "benchmark",
        "sequence": number,
        "received_at": _GIVEN,
    }


def _claim(number: int, held: tuple[int, str]) -> dict[str, Any]:
    return {
        "id": f"cl{number}",
        "request_id": f"r{number}",
        "system": _SYSTEM,
        "account_id": held[1],
        "account_proven": True,
        "account_title": held[1],
        "entitlement": entitlement(held[0]),
        "named": entitlement(held[0]),
        "title": f"Group {held[0]}",
        "access_key": f"{held[1]} {entitlement(held[0])}",
        "state": "pending",
        "pre_existing": False,
        "starts_at": _GIVEN,
    }


def _operation(number: int, held: tuple[int, str]) -> dict[str, Any]:
    return {
        "id": f"op{number}",
        "request_id": f"r{number}",
        "claim_id": f"cl{number}",
        "purpose": "request",
        "position": 0,
        "system": _SYSTEM,
        "direction": "give",
        "entitlement": entitlement(held[0]),
        "named": entitlement(held[0]),
        "title": f"Group {held[0]}",
        "account_id": held[1],
        "account_title": held[1],
        "access_key": f"{held[1]} {entitlement(held[0])}",
        "via": "connector",
        "why": "the benchmark",
        "state": "ready",
        "products": [],
        "created_at": _GIVEN,
        "verified_at": _GIVEN,
        "evidence": "seen",
    }


def _add(connection: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        connection.execute(insert(table), batch)
    if "state" in table.c and table.name in _LIVED:
        # Rows are born in the first state of their lives only.
        for state in _LIVED[table.name]:
            connection.execute(table.update().values(state=state))


_LIVED = {"requests": ("done",), "claims": ("active",), "operations": ("running", "done")}

if __name__ == "__main__":
    serve(_start)
