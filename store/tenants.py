"""The tenant of each system: the organization or site that the accounts and resources of the store belong to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select, update

from access.entitlements import System
from access.tenants import Tenant
from store.tables import tenants
from store.upsert import insert_into


class Tenants:
    """Tenants, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, system: System) -> Tenant | None:
        """The tenant that is known, None before the first contact."""
        row = self._connection.execute(select(tenants).where(tenants.c.system == str(system))).first()
        return None if row is None else Tenant(row.id, row.name)

    def meet(self, system: System, found: Tenant, *, now: datetime) -> Tenant:
        """The tenant that is known; that is ``found`` when none was."""
        first = insert_into(tenants, self._connection).values(
            system=str(system), id=found.id, name=found.name, known_since=now
        )
        self._connection.execute(first.on_conflict_do_nothing())
        return self.of(system) or found

    def accept(self, system: System, found: Tenant, *, now: datetime) -> None:
        """Replace the tenant that is known."""
        self.meet(system, found, now=now)
        self._connection.execute(
            update(tenants).where(tenants.c.system == str(system)).values(id=found.id, name=found.name, known_since=now)
        )
