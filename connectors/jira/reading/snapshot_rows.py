"""Rows of a snapshot, made of the answers of Jira and of the organization."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from access.entitlements import ResourceKind
from connectors.atlassian.shapes import DirectoryGroup, DirectoryPerson
from connectors.jira.groups import is_system_group
from connectors.jira.shapes import Group, ListedUser, Project
from connectors.reading import (
    AccountKind,
    AccountRow,
    AccountStatus,
    GrantRow,
    PrincipalKind,
    ResourceRow,
)

_log = structlog.get_logger(__name__)

#: Our own record of the address of an account id, None when there is none.
AddressOf = Callable[[str], str | None]

#: The name of a deleted account [assumed]; an empty name means the same.
_FORMER = frozenset({"", "former user"})

#: Attributes that the reader itself reads again: whether a project's roles are its own, whether a group's members came
#: with the organization's people, and whether the organization's directories show the group.
TEAM_MANAGED = "team_managed"
MEMBERS_KNOWN = "members_from_organization"
LISTED = "in_directory"

_KINDS = {"atlassian": AccountKind.ATLASSIAN, "app": AccountKind.APP, "customer": AccountKind.CUSTOMER}


@dataclass(frozen=True, slots=True)
class DirectoryFacts:
    """What the organization says about an account. Provisor holds these while it reads Jira's own list."""

    email: str | None
    status: str | None
    closed: bool
    last_active: datetime | None
    managed: bool | None
    source: str | None
    groups: tuple[str, ...] = ()


def directory_facts(person: DirectoryPerson, groups: tuple[str, ...]) -> DirectoryFacts:
    """The facts about a person of the directory, who is in ``groups``."""
    return DirectoryFacts(
        email=person.email or None,
        status=person.status,
        closed=person.accountStatus == "closed",
        last_active=person.last_active,
        managed=None if person.claimStatus is None else person.claimStatus == "managed",
        source=person.managementSource,
        groups=groups,
    )


@dataclass(frozen=True, slots=True)
class AccountRows:
    """Makes the rows of accounts. ``skip_customers`` leaves portal customers out."""

    address_of: AddressOf
    skip_customers: bool

    def of(self, users: Sequence[ListedUser], known: Mapping[str, DirectoryFacts]) -> list[AccountRow]:
        """The accounts of a page, with what the organization knows of each. Leaves out damaged records without an id [spec]."""
        damaged = sum(user.known_id is None for user in users)
        if damaged:
            why = "their records are damaged and have no account id"
            _log.warning("jira.accounts_left_out", count=damaged, why=why)
        return [
            _account_row(user, known.get(user.accountId), self.address_of)
            for user in users
            if user.known_id is not None and not (self.skip_customers and user.accountType == "customer")
        ]


def _account_row(user: ListedUser, known: DirectoryFacts | None, address_of: AddressOf) -> AccountRow:
    """The account, with the first address that its profile, the organization or our own record shows."""
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


def _address(user: ListedUser, known: DirectoryFacts | None, address_of: AddressOf) -> tuple[str | None, str | None]:
    if user.emailAddress:
        return user.emailAddress, "profile"
    if known is not None and known.email:
        return known.email, "organization"
    ours = address_of(user.accountId)
    return (ours, "provisor") if ours else (None, None)


def _status(user: ListedUser, known: DirectoryFacts | None) -> AccountStatus:
    if user.active:
        return AccountStatus.ACTIVE
    former = not user.emailAddress and (user.displayName or "").casefold() in _FORMER
    return AccountStatus.DELETED if former or (known is not None and known.closed) else AccountStatus.SUSPENDED


def group_row(
    group: Group,
    directory: DirectoryGroup | None = None,
    *,
    members_known: bool = False,
    product_groups: Collection[str] = (),
) -> ResourceRow:
    """The group, with its owner where the organization tells the owner; whether new accounts of a product are put into it."""
    attributes: dict[str, Any] = {"system": True} if is_system_group(group.name) else {}
    if group.groupId in product_groups:
        attributes["of_product"] = True
    if directory is not None:
        attributes |= {
            LISTED: True,
            MEMBERS_KNOWN: members_known,
            "external_synced": directory.externalSynced,
            "managed_by": directory.managedBy,
            "modifiable": directory.modifiable,
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


def project_row(project: Project, *, site: str, participants: bool) -> ResourceRow:
    """The project. With ``participants`` the row says whether the roles of the project name everyone who can enter."""
    attributes: dict[str, Any] = {
        "key": project.key,
        "type": project.projectTypeKey,
        "style": project.style,
        TEAM_MANAGED: project.is_team_managed,
        "private": project.isPrivate,
        "lead": project.lead_id,
        "lead_name": project.lead_name,
        **(_participants(project) if participants else {}),
    }
    return ResourceRow(
        kind=ResourceKind.PROJECT,
        id=project.id,
        name=project.name or project.key,
        url=f"{site}/browse/{project.key}",
        attributes={name: value for name, value in attributes.items() if value is not None},
    )


def _participants(project: Project) -> Mapping[str, Any]:
    """Whether only holders of a role, themselves or through a group, can enter the project [docs]."""
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
