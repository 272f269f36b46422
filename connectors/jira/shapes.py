"""What Jira Cloud's answers look like, as far as they are used [spec]. Everything else in them is ignored."""

from __future__ import annotations

import re

from pydantic import BaseModel, TypeAdapter

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_|:\-]{1,128}")
_GROUP_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)

#: The account id of a damaged record, which names nobody [spec].
_NOBODY = "unknown"


def is_account_id(text: str) -> bool:
    """Whether the text could be an account id: opaque, up to 128 of letters, digits and ``_|:-`` [docs]."""
    return _ACCOUNT_ID.fullmatch(text) is not None and text != _NOBODY


def is_group_id(text: str) -> bool:
    """Whether the text has the form of a group id, a UUID."""
    return _GROUP_ID.fullmatch(text) is not None


class ApplicationRoles(BaseModel):
    """The products an account has access to; only filled when asked for with ``expand`` [spec]."""

    size: int = 0


class User(BaseModel):
    """A user: a person (``atlassian``), an app, or a portal customer. The address is absent or empty when hidden [docs]."""

    accountId: str
    accountType: str = "unknown"
    emailAddress: str | None = None
    displayName: str = ""
    active: bool = False
    applicationRoles: ApplicationRoles | None = None

    @property
    def is_person(self) -> bool:
        """Neither an app nor a portal customer."""
        return self.accountType == "atlassian"

    @property
    def usable(self) -> bool:
        """Active and somebody: a deleted account is inactive, a damaged one is ``unknown`` [spec]."""
        return self.active and self.accountId != _NOBODY and self.accountType != "unknown"

    @property
    def title(self) -> str:
        """What a person calls this user."""
        return self.displayName or self.emailAddress or self.accountId


class Group(BaseModel):
    """A group; only ``groupId`` stays the same when it is renamed [spec]."""

    name: str
    groupId: str


class GroupPage(BaseModel):
    """A page of ``/group/bulk``."""

    values: list[Group]


class PickedGroup(BaseModel):
    """A group as the picker offers it."""

    name: str
    groupId: str | None = None


class PickedGroups(BaseModel):
    """The answer of the group picker."""

    groups: list[PickedGroup]


class Project(BaseModel):
    """A project; ids are decimal strings."""

    id: str
    key: str
    name: str = ""


class ProjectPage(BaseModel):
    """A page of ``/project/search``; ``maxResults`` is the step the service really took."""

    values: list[Project]
    isLast: bool = True
    maxResults: int = 50
    total: int | None = None


class ActorUser(BaseModel):
    """The account behind a user actor."""

    accountId: str | None = None


class ActorGroup(BaseModel):
    """The group behind a group actor; the id can be missing for a group that was deleted [assumed]."""

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
    def groups(self) -> dict[str, str]:
        """Names of the groups in the role, by id."""
        found = [actor.actorGroup for actor in self.actors if actor.actorGroup is not None]
        return {group.groupId: group.name or group.groupId for group in found if group.groupId}


class Permission(BaseModel):
    """One permission of the caller."""

    havePermission: bool = False


class Permissions(BaseModel):
    """The caller's permissions by key."""

    permissions: dict[str, Permission]


USER = TypeAdapter(User)
USERS = TypeAdapter(list[User])
USER_GROUPS = TypeAdapter(list[Group])
GROUP_PAGE = TypeAdapter(GroupPage)
PICKED_GROUPS = TypeAdapter(PickedGroups)
PROJECT = TypeAdapter(Project)
PROJECT_PAGE = TypeAdapter(ProjectPage)
ROLE = TypeAdapter(Role)
#: Role name to an address that ends in the role's id; the address itself is never called.
ROLE_MAP = TypeAdapter(dict[str, str])
PERMISSIONS = TypeAdapter(Permissions)
