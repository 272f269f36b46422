"""What the organization's answers look like, as far as Provisor uses them [spec]. Everything else in them is ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AliasPath, AwareDatetime, BaseModel, BeforeValidator, Field

T = TypeVar("T")


def _bare_id(value: object) -> object:
    """Ids of groups come bare or as resource names (``ari:cloud:identity::group/<id>``): examples have both [spec]."""
    return value.rpartition("/")[2] if isinstance(value, str) else value


GroupId = Annotated[str, BeforeValidator(_bare_id)]


class Links(BaseModel):
    """Where the next page is: a cursor (v2) or an address (v1); absent or null at the end [spec]."""

    next: str | None = None


class Page(BaseModel, Generic[T]):
    """A page of a search or of the events."""

    data: list[T]
    links: Links | None = None


class Item(BaseModel, Generic[T]):
    """One record."""

    data: T


class ProductRoles(BaseModel):
    """What a person may do in one product; ``resourceOwner`` names the product, or the platform."""

    resourceOwner: str = ""
    roles: list[str] = []


class ProductAccess(BaseModel):
    """A product that a person can use."""

    lastActiveTimestamp: AwareDatetime | None = None


class PersonGroup(BaseModel):
    """A group that a person is in."""

    id: GroupId


class DirectoryPerson(BaseModel):
    """A person in a directory of the organization, or managed by the organization."""

    accountId: str
    email: str | None = None
    name: str | None = None
    accountStatus: str | None = None
    status: str | None = None
    claimStatus: str | None = None
    membershipStatus: str | None = None
    managementSource: str | None = None
    productAccess: list[ProductAccess] | None = None
    groups: list[PersonGroup] | None = None

    @property
    def last_active(self) -> datetime | None:
        """When the person last used any product; the organization may tell up to a day late [docs]."""
        times = [one.lastActiveTimestamp for one in self.productAccess or [] if one.lastActiveTimestamp is not None]
        return max(times, default=None)

    @property
    def group_ids(self) -> frozenset[str]:
        """The groups the person is in."""
        return frozenset(group.id for group in self.groups or [])


class DirectoryGroup(BaseModel):
    """A group of a directory; ``members`` is the number of its members, only when ``expand`` asks for it."""

    id: GroupId
    name: str = ""
    externalSynced: bool | None = None
    managedBy: str | None = None
    modifiable: bool | None = Field(None, validation_alias=AliasPath("managementAccess", "modifiable"))
    members: int | None = Field(None, validation_alias=AliasPath("counts", "users"))

    @property
    def is_external(self) -> bool:
        """Whether an identity provider fills the group."""
        return bool(self.externalSynced) or self.managedBy == "external"


class EventSubject(BaseModel):
    """What an event is about."""

    id: str
    type: str = ""


class EventActor(BaseModel):
    """Who did it."""

    id: str = ""
    name: str = ""


class EventFacts(BaseModel):
    """What happened when, and when the organization logged it."""

    action: str = ""
    time: AwareDatetime | None = None
    actor: EventActor | None = None
    processedAt: AwareDatetime | None = None
    context: list[EventSubject] | None = None


class Event(BaseModel):
    """An entry of the organization's audit log."""

    id: str
    attributes: EventFacts
