"""What Jira Cloud's answers look like, as far as Provisor uses them [spec]. Everything else in them is ignored."""

from __future__ import annotations

import re
from typing import Any, Generic, TypeVar

from pydantic import AliasPath, AwareDatetime, BaseModel, Field

T = TypeVar("T")

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_|:\-]{1,128}")
_GROUP_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

#: The account id of a damaged record, which names nobody [spec].
NOBODY = "unknown"


def is_account_id(text: str) -> bool:
    """Whether the text could be an account id: opaque, up to 128 of letters, digits and ``_|:-`` [docs]."""
    return _ACCOUNT_ID.fullmatch(text) is not None and text != NOBODY


def is_group_id(text: str) -> bool:
    """Whether the text has the form of a group id, a UUID."""
    return _GROUP_ID.fullmatch(text) is not None


class PageBean(BaseModel, Generic[T]):
    """A page of an offset list. ``maxResults`` is the step that was really taken; ``total`` and ``isLast`` may be absent."""

    values: list[T]
    total: int | None = None
    isLast: bool | None = None
    maxResults: int = 50

    def ends(self, start: int) -> bool:
        """Whether no page follows this one, which begins at ``start``: it is empty, or says so, or reaches the total."""
        reached = self.total is not None and start + len(self.values) >= self.total
        return not self.values or (reached if self.isLast is None else self.isLast)


class User(BaseModel):
    """A user: a person (``atlassian``), an app, or a portal customer. The address is absent or empty when hidden [docs].

    ``products`` is the number of products the account has access to; only when ``expand`` asks for it [spec].
    """

    accountId: str
    accountType: str = "unknown"
    emailAddress: str | None = None
    displayName: str | None = None
    active: bool = False
    products: int = Field(0, validation_alias=AliasPath("applicationRoles", "size"))

    @property
    def is_person(self) -> bool:
        """Neither an app nor a portal customer."""
        return self.accountType == "atlassian"

    @property
    def usable(self) -> bool:
        """Active and somebody: a deleted account is inactive, a damaged one is ``unknown`` [spec]."""
        return self.active and self.accountId != NOBODY and self.accountType != "unknown"

    @property
    def title(self) -> str:
        """What a person calls this user."""
        return self.displayName or self.emailAddress or self.accountId


class ListedUser(User):
    """A user in the lists of accounts and of group members, where a damaged record may lack its id [spec]."""

    accountId: str = NOBODY
    appType: str | None = None
    timeZone: str | None = None
    locale: str | None = None

    @property
    def known_id(self) -> str | None:
        """The account id, None for a damaged record."""
        return None if self.accountId == NOBODY else self.accountId


class Group(BaseModel):
    """A group; only ``groupId`` stays the same when somebody renames the group [spec]."""

    name: str
    groupId: str


class PickedGroup(BaseModel):
    """A group as the picker offers it."""

    name: str
    groupId: str | None = None


class PickedGroups(BaseModel):
    """The answer of the group picker: some of the groups that it found, which are ``total`` [spec]."""

    groups: list[PickedGroup]
    total: int = 0


class Project(BaseModel):
    """A project; ids are decimal strings. The lead is there only when ``expand`` asks for it [spec]."""

    id: str
    key: str
    name: str = ""
    projectTypeKey: str | None = None
    style: str | None = None
    simplified: bool = False
    isPrivate: bool | None = None
    lead_id: str | None = Field(None, validation_alias=AliasPath("lead", "accountId"))
    lead_name: str | None = Field(None, validation_alias=AliasPath("lead", "displayName"))

    @property
    def is_team_managed(self) -> bool:
        """Whether its roles are its own."""
        return self.style == "next-gen" or (self.style is None and self.simplified)


class ActorUser(BaseModel):
    """The account behind a user actor."""

    accountId: str | None = None


class ActorGroup(BaseModel):
    """The group behind a group actor; the id can be missing for a deleted group [assumed]."""

    name: str | None = None
    groupId: str | None = None


class Actor(BaseModel):
    """Who is in a project role: a user or a group."""

    displayName: str = ""
    actorUser: ActorUser | None = None
    actorGroup: ActorGroup | None = None


class Role(BaseModel):
    """A project role with its actors; not paged [spec]."""

    id: int
    name: str = ""
    actors: list[Actor] = []

    def has_user(self, account_id: str) -> bool:
        """Whether the account is in the role itself, not through a group."""
        return any(actor.actorUser is not None and actor.actorUser.accountId == account_id for actor in self.actors)

    @property
    def user_ids(self) -> list[str]:
        """The accounts that are in the role themselves."""
        users = [actor.actorUser for actor in self.actors if actor.actorUser is not None]
        return [user.accountId for user in users if user.accountId]

    @property
    def groups(self) -> dict[str, str]:
        """Names of the groups in the role, by id."""
        found = [actor.actorGroup for actor in self.actors if actor.actorGroup is not None]
        return {group.groupId: group.name or group.groupId for group in found if group.groupId}


class SiteRole(BaseModel):
    """A role as ``/role`` lists it: one that all company-managed projects share, or, with a scope, a project's own [spec]."""

    id: int
    name: str = ""
    scope: dict[str, Any] | None = None
    project_id: str | None = Field(None, validation_alias=AliasPath("scope", "project", "id"))


class Permission(BaseModel):
    """One permission of the caller."""

    havePermission: bool = False


class Permissions(BaseModel):
    """The caller's permissions by key."""

    permissions: dict[str, Permission]


class AuditItem(BaseModel):
    """What an audit record is about."""

    id: str | None = None
    typeName: str | None = None
    parentId: str | None = None


class AuditedValue(BaseModel):
    """A value of an audit record, before and after; of a role the account ids in it, with commas between [assumed]."""

    fieldName: str = ""
    changedFrom: str | None = None
    changedTo: str | None = None


class ApplicationRole(BaseModel):
    """A product of the site, with the groups into which new accounts of it are put."""

    defaultGroupsDetails: list[Group] = []


class AuditRecord(BaseModel):
    """A record of Jira's audit log."""

    id: int | str | None = None
    summary: str = ""
    category: str = ""
    created: AwareDatetime | None = None
    authorAccountId: str | None = None
    objectItem: AuditItem | None = None
    associatedItems: list[AuditItem] | None = None
    changedValues: list[AuditedValue] = []

    @property
    def items(self) -> list[AuditItem]:
        """Everything the record is about."""
        return [*([self.objectItem] if self.objectItem else []), *(self.associatedItems or [])]


class AuditPage(BaseModel):
    """A page of ``/auditing/record``, newest first."""

    records: list[AuditRecord]
    total: int = 0


class TenantInfo(BaseModel):
    """The answer of ``/_edge/tenant_info``."""

    cloudId: str
