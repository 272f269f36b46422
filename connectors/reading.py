"""What Provisor asks of a system to take a snapshot of it: the port that each reader implements.

A snapshot is made of *parts*, each one list of the system ("users", "groups", "members/<group>"). The engine (``tasks/sync.py``)
decides who reads which part when, and stores the rows; the reader knows how to read a part completely, in as few calls as the
service allows, and says so when it could not. Parts come in stages: a later stage is made from the resources of earlier
stages, which the engine hands back as a ``Catalogue``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from access.entitlements import ResourceKind, System


class AccountKind(StrEnum):
    """The kind of an account."""

    #: A JumpCloud user.
    USER = "user"
    #: A JumpCloud administrator: an account of its own, even when the same person is a user too.
    ADMIN = "admin"
    #: A person's Atlassian account.
    ATLASSIAN = "atlassian"
    #: An app's or a service's account.
    APP = "app"
    #: A portal customer.
    CUSTOMER = "customer"
    #: An account of a type that the service does not name.
    UNKNOWN = "unknown"


class AccountStatus(StrEnum):
    """Whether an account can be used."""

    ACTIVE = "active"
    #: Prepared, and not usable yet.
    STAGED = "staged"
    #: Locked after failed logins.
    LOCKED = "locked"
    #: Suspended, deactivated or inactive.
    SUSPENDED = "suspended"
    #: Deleted, and still in the list.
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account. ``email_source`` names the source of the address: profile, organization or provisor (our own record).

    ``attributes`` are the profile, without secrets.
    """

    id: str
    kind: AccountKind
    title: str
    status: AccountStatus
    username: str | None = None
    email: str | None = None
    email_source: str | None = None
    created_at: datetime | None = None
    last_active: datetime | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """One resource. The ``id`` of a project role is ``<project id>/<role id>``; ``parent`` is the project's id.

    ``attributes`` hold what matters for access: membership method, whether an identity provider owns it, lead, type, ….
    """

    kind: ResourceKind
    id: str
    name: str
    parent: str | None = None
    url: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


class PrincipalKind(StrEnum):
    """Who holds a grant."""

    ACCOUNT = "account"
    #: All members of a group hold the grant through the group.
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One direct grant: a principal holds a resource. ``since`` is there only when the service tells it."""

    kind: ResourceKind
    resource: str
    principal_kind: PrincipalKind
    principal: str
    since: datetime | None = None


Row = AccountRow | ResourceRow | GrantRow


@dataclass(frozen=True, slots=True)
class Part:
    """One list of the system. ``name`` is unique within the system and stable from snapshot to snapshot.

    ``about`` holds the ids that the reader needs, as plain strings, since any worker may read the part. The engine streams
    ``large`` lists; others are short enough to hold in memory while it checks them.
    """

    name: str
    about: Mapping[str, str] = field(default_factory=dict)
    large: bool = False


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """How to read one snapshot. Plain JSON inside: the run stores the plan, for all workers.

    With ``full`` the run reads every part; otherwise only ``touched`` parts, and keeps the others from the previous snapshot
    (a name that ends in ``/`` touches all parts that begin with it). ``method`` is a word for people. ``state`` is the
    reader's own (ids of reports, results of probes).
    """

    method: str
    full: bool = True
    touched: Sequence[str] = ()
    notes: Sequence[str] = ()
    state: Mapping[str, Any] = field(default_factory=dict)


class Catalogue(Protocol):
    """The resources of earlier stages of this run, with those of parts kept from the previous snapshot."""

    def resources(self, kind: ResourceKind) -> Iterator[ResourceRow]:
        """The resources of a kind."""
        ...

    def count(self, kind: ResourceKind) -> int:
        """How many there are."""
        ...


class Shifted(Exception):  # noqa: N818 - an event of reading, for the engine to act on
    """The list changed while it was read: the caller must drop the rows so far, and read the part again."""


class Incomplete(Exception):  # noqa: N818 - what a reader says of a list, not an error of the caller
    """The service does not give the list completely; one sentence why. The run fails and the old snapshot stays."""


class ChangesUnknown(Exception):  # noqa: N818 - an event of reading, for the reader to read everything
    """The system's logs do not tell what changed; a few words why."""


class Reader(Protocol):
    """Reads one system. Every method also raises the failure words of ``access.failures``."""

    @property
    def system(self) -> System:
        """The system it reads."""
        ...

    def prove(self) -> str:
        """Check the credential, and say whose it is. Raises ``CredentialRefused``."""
        ...

    def plan(self, *, previous: datetime | None, now: datetime) -> ReadPlan:
        """Decide how to read, after probes where needed.

        ``previous`` is when the run of the last complete snapshot began, None for a full pass.
        """
        ...

    def parts(self, plan: ReadPlan, stage: int, catalogue: Catalogue) -> Iterable[Part] | None:
        """The parts of a stage (from 0), all of them, whether touched or not; None when there are no more stages."""
        ...

    def read(self, plan: ReadPlan, part: Part) -> Iterator[Sequence[Row]]:
        """The rows of a part, in pages; a normal end means that the part is complete.

        Raises ``Shifted`` or ``Incomplete``. A part whose resource is gone by now is an empty list.
        """
        ...
