"""A unit of work: everything one change of state writes, in one transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from store.alarms import Alarms
from store.audit import Audit
from store.awaited_issues import AwaitedIssues
from store.claims import Claims
from store.credential_ends import CredentialEnds
from store.database import Database
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
from store.revision import REVISION, stored_revision
from store.seals import Seals
from store.snapshots import Snapshots
from store.sweep import Sweep
from store.sync_runs import SyncRuns
from store.tenants import Tenants
from store.ticket_comments import TicketComments
from store.tickets import Tickets

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

    requests = cached_property(lambda self: Requests(self._connection))
    operations = cached_property(lambda self: Operations(self._connection))
    claims = cached_property(lambda self: Claims(self._connection))
    tickets = cached_property(lambda self: Tickets(self._connection))
    ticket_comments = cached_property(lambda self: TicketComments(self._connection))
    outbox = cached_property(lambda self: Outbox(self._connection))
    audit = cached_property(lambda self: Audit(self._connection))
    restores = cached_property(lambda self: Restores(self._connection))
    inbox = cached_property(lambda self: Inbox(self._connection))
    intake_lease = cached_property(lambda self: IntakeLease(self._connection))
    dead_letters = cached_property(lambda self: DeadLetters(self._connection))
    known_emails = cached_property(lambda self: KnownEmails(self._connection))
    tenants = cached_property(lambda self: Tenants(self._connection))
    sweep = cached_property(lambda self: Sweep(self._connection))
    sync_runs = cached_property(lambda self: SyncRuns(self._connection))
    snapshots = cached_property(lambda self: Snapshots(self._connection))
    budgets = cached_property(lambda self: Budgets(self._connection))
    faults = cached_property(lambda self: Faults(self._connection))
    alarms = cached_property(lambda self: Alarms(self._connection))
    credential_ends = cached_property(lambda self: CredentialEnds(self._connection))
    awaited_issues = cached_property(lambda self: AwaitedIssues(self._connection))
    events = cached_property(lambda self: Events(self._connection))
    ledger = cached_property(lambda self: Ledger(self._connection))
    persons = cached_property(lambda self: Persons(self._connection))
    leavers = cached_property(lambda self: Leavers(self._connection))
    plans = cached_property(lambda self: Plans(self._connection))
    fuse = cached_property(lambda self: Fuse(self._connection))
    findings = cached_property(lambda self: Findings(self._connection))
    managed = cached_property(lambda self: ManagedResources(self._connection))
    digests = cached_property(lambda self: Digests(self._connection))
    seals = cached_property(lambda self: Seals(self._connection))

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
