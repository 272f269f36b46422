"""What the lists a snapshot is made of look like, as far as they are used [spec]. Everything else in them is ignored."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, TypeAdapter

from connectors.jira.shapes import Group

#: The account id of a damaged record, which names nobody [spec].
NOBODY = "unknown"


class ListedUser(BaseModel):
    """An account as ``/users/search`` lists it; what the profile hides is absent or empty [docs]."""

    accountId: str = NOBODY
    accountType: str = "unknown"
    appType: str | None = None
    emailAddress: str | None = None
    displayName: str | None = None
    active: bool = False
    timeZone: str | None = None
    locale: str | None = None


class Member(BaseModel):
    """A member of a group."""

    accountId: str = NOBODY
    accountType: str = "unknown"


class MemberPage(BaseModel):
    """A page of ``/group/member``."""

    values: list[Member]
    total: int | None = None


class GroupPage(BaseModel):
    """A page of ``/group/bulk``."""

    values: list[Group]
    total: int | None = None


class Lead(BaseModel):
    """Who leads a project."""

    accountId: str | None = None
    displayName: str | None = None


class ListedProject(BaseModel):
    """A project as ``/project/search`` lists it; ``lead`` only because it is asked for."""

    id: str
    key: str
    name: str = ""
    projectTypeKey: str | None = None
    style: str | None = None
    simplified: bool = False
    isPrivate: bool | None = None
    lead: Lead | None = None

    @property
    def is_team_managed(self) -> bool:
        """Whether its roles are its own."""
        return self.style == "next-gen" or (self.style is None and self.simplified)


class ListedProjectPage(BaseModel):
    """A page of ``/project/search``."""

    values: list[ListedProject]
    total: int | None = None


class ScopeProject(BaseModel):
    """The project that a role belongs to."""

    id: str


class Scope(BaseModel):
    """Where a role of a team-managed project belongs."""

    project: ScopeProject | None = None


class SiteRole(BaseModel):
    """A role as ``/role`` lists it: shared by all company-managed projects, or with the scope of one team-managed."""

    id: int
    name: str = ""
    scope: Scope | None = None

    @property
    def project_id(self) -> str | None:
        """The one project it belongs to."""
        return self.scope.project.id if self.scope is not None and self.scope.project is not None else None


class AuditItem(BaseModel):
    """What an audit record is about."""

    id: str | None = None
    typeName: str | None = None
    parentId: str | None = None


class AuditRecord(BaseModel):
    """A record of Jira's audit log."""

    summary: str = ""
    category: str = ""
    objectItem: AuditItem | None = None
    associatedItems: list[AuditItem] | None = None

    @property
    def items(self) -> list[AuditItem]:
        """Everything it is about."""
        return [*([self.objectItem] if self.objectItem else []), *(self.associatedItems or [])]


class AuditPage(BaseModel):
    """A page of ``/auditing/record``, newest first."""

    records: list[AuditRecord]
    total: int = 0


class TenantInfo(BaseModel):
    """The answer of ``/_edge/tenant_info``."""

    cloudId: str


USERS = TypeAdapter(list[ListedUser])
GROUPS = TypeAdapter(GroupPage)
MEMBERS = TypeAdapter(MemberPage)
PROJECTS = TypeAdapter(ListedProjectPage)
SITE_ROLES = TypeAdapter(list[SiteRole])
AUDIT = TypeAdapter(AuditPage)
TENANT: TypeAdapter[Any] = TypeAdapter(TenantInfo)
