"""A unit of work: everything one change of state writes, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store.database import Database
from store.revision import REVISION, stored_revision

if TYPE_CHECKING:
    from store.alarms import Alarms
    from store.audit import Audit
    from store.awaited_issues import AwaitedIssues
    from store.claims import Claims
    from store.credential_ends import CredentialEnds
    from store.dead_letters import DeadLetters
    from store.digests import Digests
    from store.events import Events
    from store.faults import Faults
    from store.findings import Findings
    from store.fuse import Fuse
    from store.inbox import Inbox
    from store.intake_lease import IntakeLease
    from store.known_emails import KnownEmails
    from store.leavers import Leavers
    from store.ledger import Ledger
    from store.managed import ManagedResources
    from store.operations import Operations
    from store.outbox import Outbox
    from store.persons import Persons
    from store.plans import Plans
    from store.rate_budgets import Budgets
    from store.requests import Requests
    from store.restores import Restores
    from store.seals import Seals
    from store.snapshots import Snapshots
    from store.sweep import Sweep
    from store.sync_runs import SyncRuns
    from store.tenants import Tenants
    from store.ticket_comments import TicketComments
    from store.tickets import Tickets

#: The modules of parts that are not called as they are.
_MODULES = {"budgets": "rate_budgets"}

#: The class of SQLSTATEs for what is more than the server can ever hold (PostgreSQL's appendix A).
_LIMIT_OF_THE_SERVER = "54"


class UnitOfWork:
    """The store's tables within one transaction. Each is made when it is first asked for: most transactions need a few."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The connection of the transaction, for queries that read more than one table."""
        return self._connection

    requests: Requests
    operations: Operations
    claims: Claims
    tickets: Tickets
    ticket_comments: TicketComments
    outbox: Outbox
    audit: Audit
    restores: Restores
    inbox: Inbox
    intake_lease: IntakeLease
    dead_letters: DeadLetters
    known_emails: KnownEmails
    tenants: Tenants
    sweep: Sweep
    sync_runs: SyncRuns
    snapshots: Snapshots
    budgets: Budgets
    faults: Faults
    alarms: Alarms
    credential_ends: CredentialEnds
    awaited_issues: AwaitedIssues
    events: Events
    ledger: Ledger
    persons: Persons
    leavers: Leavers
    plans: Plans
    fuse: Fuse
    findings: Findings
    managed: ManagedResources
    digests: Digests
    seals: Seals

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Make a part, of the class that its annotation names; most commands need few of their modules."""
            kind = type(self).__annotations__.get(name)
            if kind is None:
                raise AttributeError(name)
            part = getattr(import_module(f"store.{_MODULES.get(name, name)}"), kind)(self._connection)
            setattr(self, name, part)
            return part

    def require_own_revision(self) -> None:
        """Raise ``OtherRevision`` when another version of Provisor has migrated the store."""
        found = stored_revision(self._connection)
        if found != REVISION:
            raise OtherRevision(
                f"Another version of Provisor has migrated the store to {found}; this version needs {REVISION}."
            )


class Conflict(Exception):  # noqa: N818 - an event between writers, for the caller to act on
    """The database refused the change: somebody else was first, or the step is not one of the lifecycle."""


class Unavailable(Exception):  # noqa: N818 - an event, for the caller to wait out
    """The database did not do it, and another try may succeed. Nothing was changed.

    Every error of the database is one of these, except a violated constraint (``Conflict``) and a refused value (SQLSTATE
    class 22, ``DataError``, and class 54, such as a key that no index holds): a missing table, right or server says nothing
    about the message or the work at hand.
    """


class OtherRevision(Unavailable):
    """Another version of Provisor has migrated the store: this process must judge and begin nothing more."""


class Store:
    """The durable state. Leaving ``write()`` by an exception rolls everything back."""

    def __init__(self, database: Database) -> None:
        self.database = database

    @contextmanager
    def write(self, *, holding: str | None = None) -> Iterator[UnitOfWork]:
        """One transaction. ``holding`` locks the access of this key, whose fate depends on all its claims.

        Raises ``Conflict`` when a constraint of the database refuses it, ``Unavailable`` for any other fault of the database.
        """
        try:
            with self.database.write(holding=holding) as connection:
                work = UnitOfWork(connection)
                yield work
                work.audit.flush()
        except IntegrityError as exc:
            with self.read() as work:  # A constraint of another version's store is no verdict either.
                work.require_own_revision()
            raise Conflict(str(exc.orig)) from exc
        except (DBAPIError, PoolTimeout) as exc:
            if _refuses_value(exc):
                raise
            raise _unavailable(exc) from exc

    def now(self) -> datetime:
        """The time of the database. Raises ``Unavailable``."""
        try:
            return self.database.now()
        except (DBAPIError, PoolTimeout) as exc:
            raise _unavailable(exc) from exc

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        """A transaction for reading only."""
        try:
            with self.database.read() as connection:
                yield UnitOfWork(connection)
        except (DBAPIError, PoolTimeout) as exc:
            if _refuses_value(exc):
                raise
            raise _unavailable(exc) from exc


def _refuses_value(exc: Exception) -> bool:
    """Whether the database will never take what it was given."""
    state = getattr(exc.orig, "sqlstate", None) if isinstance(exc, DBAPIError) else None
    return isinstance(exc, DataError) or (state or "").startswith(_LIMIT_OF_THE_SERVER)


def _unavailable(exc: Exception) -> Unavailable:
    """The error without its statement and values, which may be anybody's data."""
    return Unavailable(str(exc.orig if isinstance(exc, DBAPIError) else exc))
