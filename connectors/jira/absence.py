from __future__ import annotations

from collections.abc import Callable

from access.entitlements import ResourceKind
from connectors.jira.accounts import Accounts
from connectors.jira.client import API
from connectors.jira.permissions import ADMINISTER, OwnPermissions
from connectors.jira.projects import PROJECTS_A_PAGE, Projects
from connectors.jira.shapes import Group, ListedUser, PageBean, Project
from connectors.paging import FilteredList, OffsetList, Page, complete_ids
from connectors.ports import Target
from connectors.reading import Shifted
from httpclient import HttpClient

_GROUPS = f"{API}/group/bulk"
_USERS = f"{API}/users/search"

#: Most rows of a page of groups, and of accounts [spec].
_GROUPS_A_PAGE, _USERS_A_PAGE = 50, 1000

#: Every status of a project: from the archive and the trash it can come back with all its roles [docs].
_ANY_STATUS = ("live", "archived", "deleted")


class Absence:
    """Proves that something does not exist: a check of the credential, and a complete list without its id."""

    def __init__(self, client: HttpClient, accounts: Accounts, own: OwnPermissions, projects: Projects) -> None:
        self._client = client
        self._accounts = accounts
        self._own = own
        self._projects = projects

    def proof(self, target: Target) -> str | None:
        """The proof, in one sentence, that the target's account or thing does not exist; None when there is none."""
        self._accounts.check_credential()
        try:
            return self._of_account(target.account_id) or self._of_thing(target)
        except Shifted:  # A list that changed while it was read proves nothing.
            return None

    def _of_account(self, account_id: str | None) -> str | None:
        if account_id is None or self._accounts.by_id(account_id) is not None:
            return None
        users = FilteredList(page=self._users, size=_USERS_A_PAGE, key=lambda user: user.known_id)
        return _without(account_id, complete_ids(users), "accounts, deleted ones too,", f"account {account_id}")

    def _of_thing(self, target: Target) -> str | None:
        path = target.entitlement.path
        prove: dict[ResourceKind, Callable[..., str | None]] = {
            ResourceKind.GROUP: self._of_group,
            ResourceKind.PROJECT_ROLE: self._of_role,
        }
        kind = target.entitlement.kind
        return prove[kind](*path) if kind in prove else None

    def _of_group(self, group_id: str) -> str | None:
        groups = OffsetList(page=self._groups, size=_GROUPS_A_PAGE, key=lambda group: group.groupId.lower())
        return _without(group_id.lower(), complete_ids(groups), "groups", f"group {group_id}")

    def _of_role(self, project_id: str, role_id: str) -> str | None:
        """The role is gone with its project, or taken off the project's own list of roles. Only an administrator sees all."""
        if not self._own.held(ADMINISTER):
            return None
        projects = OffsetList(page=self._any_project, size=PROJECTS_A_PAGE, key=lambda project: project.id)
        listed = complete_ids(projects)
        if project_id not in listed:
            return _without(project_id, listed, "projects, live, archived and in the trash,", f"project {project_id}")
        roles = {str(each) for each in (self._projects.roles(project_id) or {}).values()}
        return _without(role_id, roles, f"roles of project {project_id}", f"role {role_id}")

    def _users(self, start: int) -> list[ListedUser]:
        params = {"startAt": start, "maxResults": _USERS_A_PAGE}
        return self._client.get(_USERS, params=params).read_as(list[ListedUser], what="users")

    def _groups(self, start: int) -> Page[Group]:
        params = {"startAt": start, "maxResults": _GROUPS_A_PAGE}
        found = self._client.get(_GROUPS, params=params).read_as(PageBean[Group], what="groups")
        return Page(found.values, found.total)

    def _any_project(self, start: int) -> Page[Project]:
        found = self._projects.page(start, statuses=_ANY_STATUS)
        return Page(found.values, found.total)


def _without(wanted: str, listed: frozenset[str] | set[str], what: str, which: str) -> str | None:
    """The proof that a complete list lacks an id. An empty list proves nothing: it is what a lost permission shows [observed]."""
    if not listed or wanted in listed:
        return None
    return f"Jira's complete list of {len(listed)} {what} does not have {which}."
