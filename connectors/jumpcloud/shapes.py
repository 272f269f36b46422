"""What JumpCloud's answers look like, as far as Provisor uses them. JumpCloud adds fields over time [observed]."""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

from pydantic import AliasChoices, AliasPath, BaseModel, Field

T = TypeVar("T")

#: A row of a list as it came; None is an empty row [observed].
RawRow = dict[str, Any] | None

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")


def is_object_id(text: str) -> bool:
    """Whether the text has the form of every id there: 24 lower-case hex digits [observed]."""
    return _OBJECT_ID.fullmatch(text) is not None


def row_id(row: RawRow) -> str | None:
    """The id of a row of a list, None for an empty row; v1 has ``_id`` [spec]."""
    found = (row or {}).get("_id") or (row or {}).get("id")
    return found if isinstance(found, str) else None


class Envelope(BaseModel, Generic[T]):
    """A v1 list, and the few enveloped lists of v2 [observed]."""

    results: list[T]
    totalCount: int | None = None


class User(BaseModel):
    """A system user of v1. ``_id`` and an equal ``id`` both come [observed]; the spec has only ``_id``."""

    id: str = Field(validation_alias=AliasChoices("_id", "id"))
    username: str | None = None
    email: str | None = None
    displayname: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    state: str | None = None
    suspended: bool | None = None
    account_locked: bool | None = None
    externally_managed: bool | None = None
    external_source_type: str | None = None
    alternateEmail: str | None = None
    managedAppleId: str | None = None
    recovery_email: str | None = Field(None, validation_alias=AliasPath("recoveryEmail", "address"))

    @property
    def other_addresses(self) -> tuple[str, ...]:
        """The addresses in fields beside ``email`` [spec]."""
        return tuple(filter(None, (self.alternateEmail, self.managedAppleId, self.recovery_email)))

    @property
    def title(self) -> str:
        """What a person calls this user."""
        parts = " ".join(part for part in (self.firstname, self.lastname) if part)
        return self.displayname or parts or self.username or self.email or self.id

    @property
    def managed_by(self) -> str | None:
        """The directory that has the say about the account, by what JumpCloud calls it; None where JumpCloud has it [docs]."""
        return (self.external_source_type or "another directory") if self.externally_managed else None

    @property
    def is_suspended(self) -> bool:
        """Whether somebody shut the account: neither a lock, which ends by itself, nor an account that is staged."""
        return bool(self.suspended) or self.state == "SUSPENDED"

    @property
    def active(self) -> bool:
        """Not suspended, staged or locked; a record without a state is active [observed]."""
        return self.state in {None, "", "ACTIVATED"} and not self.suspended and not self.account_locked


class Group(BaseModel):
    """A user group of v2."""

    id: str
    name: str
    membershipMethod: str | None = None

    @property
    def follows_a_rule(self) -> bool:
        """Whether JumpCloud itself computes the members. Missing, null and NOTSET count as static [assumed]."""
        return (self.membershipMethod or "").upper().startswith("DYNAMIC")


class ActiveDirectory(BaseModel):
    """An Active Directory of the organization. ``useCase`` says which side has the say [spec]."""

    id: str
    domain: str | None = None
    useCase: str | None = None

    @property
    def name(self) -> str:
        """What people call it: ``DC=corp;DC=example`` is corp.example."""
        parts = [part.strip() for part in (self.domain or "").replace(",", ";").split(";")]
        return ".".join(part.partition("=")[2] or part for part in parts if part) or self.id


class Application(BaseModel):
    """An application of v1; ``label`` is what an administrator called it [observed]."""

    id: str = Field(validation_alias=AliasChoices("_id", "id"))
    name: str = ""
    displayName: str | None = None
    displayLabel: str | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        return self.displayLabel or self.displayName or self.name or self.id


class GraphObject(BaseModel):
    """One end of a membership."""

    id: str
    type: str | None = None


class Connection(BaseModel):
    """A membership, with its other end."""

    to: GraphObject


class Organization(BaseModel):
    """An organization of the credential."""

    id: str | None = Field(None, validation_alias=AliasChoices("_id", "id"))
    displayName: str | None = None
