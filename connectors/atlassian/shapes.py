"""What the organization's answers look like, as far as Provisor uses them [spec]. Everything else in them is ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, TypeAdapter

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


class ProductAccess(BaseModel):
    """A product that a person can use."""

    id: str | None = None
    key: str | None = None
    lastActiveTimestamp: AwareDatetime | None = None


class PersonGroup(BaseModel):
    """A group that a person is in."""

    id: GroupId
    name: str | None = None


class DirectoryPerson(BaseModel):
    """A person in a directory of the organization, or managed by the organization."""

    accountId: str
    email: str | None = None
    name: str | None = None
    accountStatus: str | None = None
    membershipStatus: str | None = None
    status: str | None = None
    claimStatus: str | None = None
    managementSource: str | None = None
    addedToOrg: str | None = None
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


class ManagementAccess(BaseModel):
    """What the key may do with a group."""

    readable: bool | None = None
    modifiable: bool | None = None
    deletable: bool | None = None


class GroupCounts(BaseModel):
    """The number of members of a group; only when ``expand`` asks for it."""

    users: int | None = None


class DirectoryGroup(BaseModel):
    """A group of a directory."""

    id: GroupId
    name: str = ""
    externalSynced: bool | None = None
    managedBy: str | None = None
    managementAccess: ManagementAccess | None = None
    counts: GroupCounts | None = None

    @property
    def is_external(self) -> bool:
        """Whether an identity provider fills the group."""
        return bool(self.externalSynced) or self.managedBy == "external"


class EventSubject(BaseModel):
    """What an event is about."""

    id: str
    type: str = ""


class EventFacts(BaseModel):
    """What happened, and when the organization logged it."""

    action: str = ""
    time: AwareDatetime | None = None
    processedAt: AwareDatetime | None = None
    context: list[EventSubject] | None = None


class Event(BaseModel):
    """An entry of the organization's audit log."""

    id: str
    attributes: EventFacts


class WorkspaceFacts(BaseModel):
    """Where a product is."""

    hostUrl: str | None = None
    typeKey: str | None = None


class Workspace(BaseModel):
    """A product at an address; ``id`` is the resource name (ARI)."""

    id: str
    attributes: WorkspaceFacts = WorkspaceFacts()


class OrganizationFacts(BaseModel):
    """An organization's name."""

    name: str = ""


class OrganizationRecord(BaseModel):
    """An organization."""

    id: str
    attributes: OrganizationFacts = OrganizationFacts()


class OrganizationAnswer(BaseModel):
    """The answer of ``/v1/orgs/{orgId}``."""

    data: OrganizationRecord


PEOPLE = TypeAdapter(Page[DirectoryPerson])
DIRECTORY_GROUPS = TypeAdapter(Page[DirectoryGroup])
EVENTS = TypeAdapter(Page[Event])
WORKSPACES = TypeAdapter(Page[Workspace])
ORGANIZATION = TypeAdapter(OrganizationAnswer)
