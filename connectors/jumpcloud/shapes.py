"""What JumpCloud's answers look like, as far as they are used. Unknown fields appear over time and are ignored [observed]."""

from __future__ import annotations

import re

from pydantic import AliasChoices, BaseModel, Field, TypeAdapter

_OBJECT_ID = re.compile(r"[0-9a-f]{24}")


def is_object_id(text: str) -> bool:
    """Whether the text has the form of every id there: 24 lower-case hex digits [observed]."""
    return _OBJECT_ID.fullmatch(text) is not None


class User(BaseModel):
    """A system user of v1. ``_id`` and ``id`` both come back, equal; only ``_id`` is in the spec [observed]."""

    id: str = Field(validation_alias=AliasChoices("_id", "id"))
    username: str | None = None
    email: str | None = None
    displayname: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    state: str | None = None
    suspended: bool | None = None
    account_locked: bool | None = None

    @property
    def title(self) -> str:
        """What a person calls this user."""
        parts = " ".join(part for part in (self.firstname, self.lastname) if part)
        return self.displayname or parts or self.username or self.email or self.id

    @property
    def active(self) -> bool:
        """Not suspended, staged or locked; records without a state are enabled [observed: a peer's reading]."""
        return self.state in {None, "", "ACTIVATED"} and not self.suspended and not self.account_locked


class Users(BaseModel):
    """The envelope of a v1 list [observed]."""

    results: list[User]


class Group(BaseModel):
    """A user group of v2."""

    id: str
    name: str
    membershipMethod: str | None = None

    @property
    def follows_a_rule(self) -> bool:
        """Whether JumpCloud itself computes the members. Missing, null and NOTSET count as static [assumed]."""
        return (self.membershipMethod or "").upper().startswith("DYNAMIC")


class GraphObject(BaseModel):
    """One end of a membership."""

    id: str
    type: str | None = None


class Organization(BaseModel):
    """An organization the credential belongs to."""

    displayName: str | None = None


class Organizations(BaseModel):
    """The envelope of ``GET /api/organizations`` [observed]."""

    results: list[Organization]


USER = TypeAdapter(User)
USERS = TypeAdapter(Users)
GROUP = TypeAdapter(Group)
GROUPS = TypeAdapter(list[Group])
GRAPH_OBJECTS = TypeAdapter(list[GraphObject])
ORGANIZATIONS = TypeAdapter(Organizations)
