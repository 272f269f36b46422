"""What Provisor asks of a system when it takes a snapshot of it: the port each reader implements.

A snapshot is made of *parts*, each one list of the system ("users", "groups", "members/<group>"). The engine (``tasks/sync.py``)
decides which parts are read when and by whom, and stores their rows; the reader knows how to read a part completely, in as
few calls as the service allows, and says so when it could not. Parts come in stages: the parts of a later stage are made
from what an earlier one found, which the engine hands back as a ``Catalogue``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from access.entitlements import ResourceKind, System


class AccountKind(StrEnum):
    """What sort of account it is."""

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
    #: An account of a type the service does not name.
    UNKNOWN = "unknown"


class AccountStatus(StrEnum):
    """Whether an account can be used."""

    ACTIVE = "active"
    #: Made, and not to be used yet.
    STAGED = "staged"
    #: Locked after failed logins.
    LOCKED = "locked"
    #: Suspended, deactivated or inactive.
    SUSPENDED = "suspended"
    #: Deleted, and still listed.
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account. ``email_source`` says who showed the address: profile, organization or provisor (our own record).

    ``attributes`` is the profile, as far as it is about the person and holds no secret.
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


class ThingKind(StrEnum):
    """A kind of resource in a snapshot: those of entitlements, and projects, which roles are roles of."""

    GROUP = "group"
    PROJECT = "project"
    PROJECT_ROLE = "project-role"
    APPLICATION = "application"
    ADMIN_ROLE = "admin-role"

    @property
    def resource_kind(self) -> ResourceKind | None:
        """The kind of entitlement it carries; None for a project itself."""
        return None if self is ThingKind.PROJECT else ResourceKind(self.value)


@dataclass(frozen=True, slots=True)
class ResourceRow:
    """One resource. The ``id`` of a project role is ``<project id>/<role id>``; ``parent`` is the project's id.

    ``attributes`` hold what matters for access: membership method, whether an identity provider owns it, lead, type, ….
    """

    kind: ThingKind
    id: str
    name: str
    parent: str | None = None
    url: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


class PrincipalKind(StrEnum):
    """Who holds a grant."""

    ACCOUNT = "account"
    #: Everybody in a group holds it through the group.
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One direct grant: a principal holds a resource. ``since`` only when the service itself says since when."""

    kind: ThingKind
    resource: str
    principal_kind: PrincipalKind
    principal: str
    since: datetime | None = None


Row = AccountRow | ResourceRow | GrantRow


@dataclass(frozen=True, slots=True)
class Part:
    """One list of the system. ``name`` is unique within the system and stable from snapshot to snapshot.

    ``about`` is what the reader needs to read it (ids), plain strings, since any worker may be the one to read it.
    ``large`` lists are streamed; the others are short enough to be held while they are checked.
    """

    name: str
    about: Mapping[str, str] = field(default_factory=dict)
    large: bool = False


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """How one snapshot will be read. Plain JSON inside: it is stored with the run, for all workers.

    ``full`` is whether every part is read; otherwise only ``touched`` parts are, and what the previous snapshot had is kept
    for the others (a name ending in ``/`` touches all parts that begin with it). ``method`` is a word for people.
    ``state`` is the reader's own (ids of reports, results of probes).
    """

    method: str
    full: bool = True
    touched: Sequence[str] = ()
    notes: Sequence[str] = ()
    state: Mapping[str, Any] = field(default_factory=dict)


class Catalogue(Protocol):
    """What the earlier stages of this run found (parts kept from the previous snapshot included)."""

    def resources(self, kind: ThingKind) -> Iterator[ResourceRow]:
        """The resources of a kind."""
        ...

    def count(self, kind: ThingKind) -> int:
        """How many there are."""
        ...


class Shifted(Exception):  # noqa: N818 - an event of reading, for the engine to act on
    """The list changed while it was read: what was yielded must be forgotten, and the part read again."""


class Incomplete(Exception):  # noqa: N818 - what a reader says of a list, not an error of the caller
    """The list cannot be had completely; one sentence why. The run fails and the old snapshot stays."""


class ChangesUnknown(Exception):  # noqa: N818 - an event of reading, for the reader to read everything
    """The system's logs do not tell what changed; a few words why."""


class Reader(Protocol):
    """Reads one system. Besides what is named here, every method raises the failure words of ``access.failures``."""

    @property
    def system(self) -> System:
        """The system it reads."""
        ...

    def prove(self) -> str:
        """Prove the credential good, and say whose it is. Raises ``CredentialRefused``."""
        ...

    def plan(self, *, previous: datetime | None, now: datetime) -> ReadPlan:
        """Decide how to read, probing what has to be probed.

        ``previous`` is when the run behind the last complete snapshot began, None for a full pass.
        """
        ...

    def parts(self, plan: ReadPlan, stage: int, catalogue: Catalogue) -> Iterable[Part] | None:
        """The parts of a stage (from 0), all of them, whether touched or not; None when there are no more stages."""
        ...

    def read(self, plan: ReadPlan, part: Part) -> Iterator[Sequence[Row]]:
        """The rows of a part, in pages; ending normally means that it is complete.

        Raises ``Shifted`` or ``Incomplete``. A part whose resource is gone since is an empty list.
        """
        ...
