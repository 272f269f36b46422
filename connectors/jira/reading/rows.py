"""From what Jira and the organization say to the rows of a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from access.entitlements import ResourceKind
from connectors.atlassian.shapes import DirectoryGroup, DirectoryPerson
from connectors.jira.groups import SYSTEM_GROUPS
from connectors.jira.reading.shapes import ListedProject, ListedUser
from connectors.jira.shapes import Group
from connectors.reading import (
    AccountKind,
    AccountRow,
    AccountStatus,
    GrantRow,
    PrincipalKind,
    ResourceRow,
)

#: Our own record of the address of an account id, None when there is none.
AddressOf = Callable[[str], str | None]

#: Roles of apps, which show in lists of roles and are nobody's business [observed].
_INTERNAL_ROLE = "atlassian-addons"
_SYSTEM_GROUP = "atlassian-addons"

#: What a deleted account is called [assumed]; an empty name is the same.
_FORMER = frozenset({"", "former user"})

#: Keys of attributes that the reader itself looks at again: whether a project's roles are its own, whether a group's members
#: came with the organization's people, and whether its directories show it.
TEAM_MANAGED = "team_managed"
MEMBERS_KNOWN = "members_from_organization"
LISTED = "in_directory"

_KINDS = {"atlassian": AccountKind.ATLASSIAN, "app": AccountKind.APP, "customer": AccountKind.CUSTOMER}


@dataclass(frozen=True, slots=True)
class Known:
    """What the organization says about an account, as far as it is kept while Jira's own list is read."""

    email: str | None
    status: str | None
    closed: bool
    last_active: datetime | None
    managed: bool | None
    source: str | None
    groups: tuple[str, ...] = ()


def known_of(person: DirectoryPerson, groups: tuple[str, ...]) -> Known:
    """What is kept of a person of the directory, who is in ``groups``."""
    return Known(
        email=person.email or None,
        status=person.status,
        closed=person.accountStatus == "closed",
        last_active=person.last_active,
        managed=None if person.claimStatus is None else person.claimStatus == "managed",
        source=person.managementSource,
        groups=groups,
    )


def account_row(user: ListedUser, known: Known | None, address_of: AddressOf) -> AccountRow:
    """The account. Its address is the first that profile, organization or our own record shows."""
    email, source = _address(user, known, address_of)
    attributes: dict[str, Any] = {
        "time_zone": user.timeZone,
        "locale": user.locale,
        "app_type": user.appType,
        "organization_status": known.status if known else None,
        "managed": known.managed if known else None,
        "management_source": known.source if known else None,
    }
    return AccountRow(
        id=user.accountId,
        kind=_KINDS.get(user.accountType, AccountKind.UNKNOWN),
        title=user.displayName or email or user.accountId,
        status=_status(user, known),
        email=email,
        email_source=source,
        last_active=known.last_active if known else None,
        attributes={name: value for name, value in attributes.items() if value is not None},
    )


def _address(user: ListedUser, known: Known | None, address_of: AddressOf) -> tuple[str | None, str | None]:
    if user.emailAddress:
        return user.emailAddress, "profile"
    if known is not None and known.email:
        return known.email, "organization"
    ours = address_of(user.accountId)
    return (ours, "provisor") if ours else (None, None)


def _status(user: ListedUser, known: Known | None) -> AccountStatus:
    if user.active:
        return AccountStatus.ACTIVE
    former = not user.emailAddress and (user.displayName or "").casefold() in _FORMER
    return AccountStatus.DELETED if former or (known is not None and known.closed) else AccountStatus.SUSPENDED


def group_row(group: Group, directory: DirectoryGroup | None = None, *, members_known: bool = False) -> ResourceRow:
    """The group; with the organization's word on who owns it, where there is one."""
    name = group.name.casefold()
    attributes: dict[str, Any] = {}
    if name in SYSTEM_GROUPS or name.startswith(_SYSTEM_GROUP):
        attributes["system"] = True
    if directory is not None:
        access = directory.managementAccess
        attributes |= {
            LISTED: True,
            MEMBERS_KNOWN: members_known,
            "external_synced": directory.externalSynced,
            "managed_by": directory.managedBy,
            "modifiable": None if access is None else access.modifiable,
        }
    return ResourceRow(
        kind=ResourceKind.GROUP,
        id=group.groupId,
        name=group.name,
        attributes={name: value for name, value in attributes.items() if value is not None},
    )


def member_row(group_id: str, account_id: str) -> GrantRow:
    """An account is in a group."""
    return GrantRow(ResourceKind.GROUP, group_id, PrincipalKind.ACCOUNT, account_id)


def project_row(project: ListedProject, *, site: str, participants: bool) -> ResourceRow:
    """The project. With ``participants`` it says whether its roles are all there is to know about who can enter."""
    attributes: dict[str, Any] = {
        "key": project.key,
        "type": project.projectTypeKey,
        "style": project.style,
        TEAM_MANAGED: project.is_team_managed,
        "private": project.isPrivate,
        "lead": project.lead.accountId if project.lead else None,
        "lead_name": project.lead.displayName if project.lead else None,
        **(_participants(project) if participants else {}),
    }
    return ResourceRow(
        kind=ResourceKind.PROJECT,
        id=project.id,
        name=project.name or project.key,
        url=f"{site}/browse/{project.key}",
        attributes={name: value for name, value in attributes.items() if value is not None},
    )


def _participants(project: ListedProject) -> Mapping[str, Any]:
    """Whether those who have a role, themselves or through a group, are all who can enter [docs: access levels]."""
    if not project.is_team_managed:
        why = "The permission scheme of the project may let in people who have no role."
    elif not project.isPrivate:
        why = "The project is open or limited: everyone who can use the site enters without a role."
    else:
        return {"participants_complete": True}
    return {"participants_complete": False, "participants_note": why}


def role_row(project_id: str, role_id: str, name: str) -> ResourceRow:
    """A role of a project."""
    return ResourceRow(
        kind=ResourceKind.PROJECT_ROLE, id=role_path(project_id, role_id), name=name or role_id, parent=project_id
    )


def role_path(project_id: str, role_id: str) -> str:
    """The id of a project role."""
    return f"{project_id}/{role_id}"


def is_internal_role(name: str) -> bool:
    """Whether it is a role of Jira's apps."""
    return name.casefold().startswith(_INTERNAL_ROLE)
