"""How many records there are, for listings that show the newest of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Table, func, select

from store.plan_tables import plans
from store.tables import claims, dead_letters, inbox, operations, requests, tickets
from store.unit_of_work import Store

_TABLES: dict[str, Table] = {
    table.name: table for table in (requests, operations, tickets, claims, dead_letters, inbox, plans)
}


def count_records(store: Store, table: str, *, states: Sequence[str] = (), over: bool = True) -> int:
    """The number of rows of ``table``: in ``states``, where any is named; of dead letters without those that are ``over``."""
    found = _TABLES[table]
    statement = select(func.count()).select_from(found)
    if states:
        statement = statement.where(found.c.state.in_(states))
    if not over:
        statement = statement.where(found.c.resent_at.is_(None), found.c.acknowledged_at.is_(None))
    with store.database.read() as connection:
        return connection.execute(statement).scalar_one()
