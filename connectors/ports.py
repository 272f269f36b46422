"""What Provisor asks of a system it provisions: the port each connector implements."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol, Self

from access.accounts import Account, NoMatch, Subject
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.guard import NO_TERMS, Facts, Terms
from access.methods import Direction
from access.operations import Operation


@dataclass(frozen=True, slots=True)
class Target:
    """What one operation changes. ``account_id`` is None only until the account of ``email`` exists.

    ``products`` are the Jira products of a new account, ``terms`` what policy says of the change. ``facts`` are what the
    caller read for the guard in this very attempt; without them the connector reads them before it gives or takes.
    ``leaving`` are other accounts that the entitlement is being taken from: none of them is one that keeps it.
    """

    entitlement: EntitlementRef
    account_id: str | None
    email: str | None = None
    products: tuple[str, ...] = ()
    terms: Terms = NO_TERMS
    facts: Facts | None = None
    leaving: Collection[str] = ()

    @classmethod
    def of(cls, operation: Operation, terms: Terms = NO_TERMS, facts: Facts | None = None) -> Self:
        """The target of an operation."""
        return cls(operation.entitlement, operation.account_id, operation.email, operation.products, terms, facts)


@dataclass(frozen=True, slots=True)
class Observation:
    """What the system itself shows about a target: the proof of an operation.

    ``evidence`` is one sentence about what was read. ``account_id`` names the account when an email address found it, and
    ``email_shown`` says that the account shows that address.
    ``missing`` names what the system does not show at all, the account or the thing that the access is to ("project 10001"):
    that alone is no proof that the access is gone. ``gone`` says that this is proven.
    """

    present: bool
    evidence: str
    account_id: str | None = None
    email_shown: bool = False
    missing: str | None = None
    gone: bool = False

    def shows(self, direction: Direction) -> bool:
        """Whether the access is as an operation of this direction wants it."""
        return self.present is direction.wants_present and not (self.missing and direction is Direction.TAKE)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an account holds, for the ticket that asks a person to deprovision it.

    ``complete`` is False when all of it would have cost too many calls; ``note`` then says what is missing.
    """

    groups: Sequence[str] = field(default_factory=tuple)
    project_roles: Sequence[str] = field(default_factory=tuple)
    complete: bool = True
    note: str = ""


class Connector(Protocol):
    """What one system can do. Every method may raise the failure words of ``access.failures`` and nothing else."""

    @property
    def system(self) -> System:
        """The system it speaks to."""
        ...

    def automates(self, kind: ResourceKind, direction: Direction) -> bool:
        """Whether the API can do this at all; everything else becomes a ticket."""
        ...

    def find_account(self, subject: Subject) -> Account | NoMatch:
        """The one account that the subject names."""
        ...

    def is_own(self, account_id: str) -> bool:
        """Whether it is the account that Provisor itself uses."""
        ...

    def find_entitlement(self, ref: EntitlementRef) -> Entitlement | NoMatch:
        """The one entitlement that the reference names by id or name, and whether only a person can change it."""
        ...

    def why_by_person(self, ref: EntitlementRef) -> str | None:
        """A clause on why only a person can change an entitlement, named by ids; None when the API can, or when it is missing."""
        ...

    def is_last_holder(self, ref: EntitlementRef, account_id: str, *, leaving: Collection[str] = ()) -> bool:
        """Whether the account holds the entitlement, and no other usable account does; False where that cannot be read.

        Those ``leaving`` are about to lose it, and count for nobody.
        """
        ...

    def observe(self, target: Target) -> Observation:
        """Whether the account has the entitlement now, read from the system itself.

        A resource or account that is not there makes an observation (not present, ``missing``), never a failure.
        """
        ...

    def proof_of_gone(self, target: Target) -> str | None:
        """The proof, in one sentence, that the account or the resource of a target that is missing does not exist any more.

        None when it exists after all, or when only its absence can be seen.
        """
        ...

    def give(self, target: Target) -> str | None:
        """Give the access. Safe to repeat; access that is there already is no failure.

        Returns the id of the account that the system itself named for the address of a new account, else None.

        Raises ``Guarded`` for what the guard bars, or leaves to a person, from what the system shows then.
        """
        ...

    def take(self, target: Target) -> None:
        """Take the access away. Safe to repeat; access that is gone already is no failure.

        Raises ``Guarded`` for what the guard leaves to a person, from what the system shows then.
        """
        ...

    def holdings(self, account_id: str) -> Holdings:
        """What the account holds, for the text of a deprovisioning ticket."""
        ...
