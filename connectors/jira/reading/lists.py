"""The lists of a Jira site, each read completely in as few calls as the service allows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http import HTTPStatus

from access.failures import Transient
from connectors.jira.client import API
from connectors.jira.permissions import OwnPermissions
from connectors.jira.reading.shapes import (
    GROUPS,
    MEMBERS,
    NOBODY,
    PROJECTS,
    SITE_ROLES,
    USERS,
    ListedProject,
    ListedUser,
    Member,
    SiteRole,
)
from connectors.jira.shapes import USER_GROUPS, Group
from connectors.paging import FilteredList, OffsetList, Page
from connectors.reading import Incomplete, Shifted
from httpclient import Call, Fetcher, HttpClient, Response
from httpclient.calls import Params

MYSELF = f"{API}/myself"
_USERS = f"{API}/users/search"
_GROUPS = f"{API}/group/bulk"
_MEMBERS = f"{API}/group/member"
_PROJECTS = f"{API}/project/search"
_ROLES = f"{API}/role"
_GROUPS_OF = f"{API}/user/groups"

#: Most rows of a page [spec].
USER_PAGE, MEMBER_PAGE, PROJECT_PAGE = 1000, 50, 100
#: The largest page of groups is not published: so many are asked for, and the step is what comes.
_GROUPS_WANTED = 1000
#: What is asked for where that is refused; it is the default [spec].
_GROUPS_SURELY = 50


class _Gone(Exception):  # noqa: N818 - an event of reading
    """The thing a list belongs to is not there."""


class Lists:
    """Reads lists of one site. Never more calls in flight than ``fetching`` allows."""

    def __init__(self, client: HttpClient, fetching: Fetcher, own: OwnPermissions) -> None:
        self._client = client
        self._fetching = fetching
        self._own = own

    def users(self) -> Iterator[list[ListedUser]]:
        """Every account, each once: active, inactive, deleted, apps and customers.

        Pages are filtered after they were cut, so a short one is not the end; only one with nothing new is [observed].
        Raises ``Shifted``, and ``Incomplete`` when there is nobody.
        """
        users = FilteredList(page=self._user_page, size=USER_PAGE, key=_user_key)
        some = False
        for page in users.read(self._fetching):
            some = some or bool(page)
            yield page
        if not some:
            raise Incomplete(
                "Jira shows Provisor's account no users at all, although it is one itself. "
                "Give the account the global permission 'Browse users and groups'."
            )

    def groups(self) -> Iterator[list[Group]]:
        """Every group, system groups too. Raises ``Shifted``, and ``Incomplete`` when there is none: every site has some."""
        size = _GROUPS_WANTED
        asked = self._fetching.one(partial(self._group_answer, 0, size))
        if asked.status != HTTPStatus.OK:
            size = _GROUPS_SURELY
            asked = self._fetching.one(partial(self._group_answer, 0, size))
        first = _group_page(asked)

        def page(start: int) -> Page[Group]:
            return first if start == 0 else _group_page(self._group_answer(start, size))

        if not first.rows:
            raise Incomplete(
                "Jira shows Provisor's account no groups at all, although every site has some. "
                "Give the account the global permission 'Browse users and groups'."
            )
        yield from OffsetList(page=page, size=size, key=_group_key).read(self._fetching, ahead=True)

    def members(self, group_id: str) -> Iterator[list[Member]]:
        """A group's members, inactive ones too; nothing when the group is gone.

        Damaged records count, and name nobody. Raises ``Shifted``.
        """
        members = OffsetList(page=partial(self._member_page, group_id), size=MEMBER_PAGE, key=_member_key)
        begun = False
        try:
            for page in members.read(self._fetching, ahead=True):
                begun = True
                yield page
        except _Gone:
            if begun:
                raise Shifted("The group was deleted while it was read.") from None
            self._require_gone(group_id)

    def projects(self) -> Iterator[list[ListedProject]]:
        """Every live project with its lead. An empty list counts once Jira has just known us. Raises ``Shifted``."""
        some = False
        projects = OffsetList(page=self._project_page, size=PROJECT_PAGE, key=_project_key)
        for page in projects.read(self._fetching, ahead=True):
            some = some or bool(page)
            yield page
        if not some:
            self._fetching.one(partial(self._client.send, Call(method="GET", route=MYSELF)))

    def roles(self) -> list[SiteRole]:
        """Every role of the site: those shared by company-managed projects, and those of team-managed ones [spec]."""
        answer = self._fetching.one(partial(self._client.send, Call(method="GET", route=_ROLES)))
        return answer.read_as(SITE_ROLES, what="project roles")

    def groups_of(self, account_id: str) -> list[Group]:
        """The groups of one account, not paged [spec]; none when it is gone."""
        call = Call(method="GET", route=_GROUPS_OF, params={"accountId": account_id}, expects=frozenset({404}))
        answer = self._client.send(call)
        return answer.read_as(USER_GROUPS, what="an account's groups") if answer.status == HTTPStatus.OK else []

    def _user_page(self, start: int) -> list[ListedUser]:
        params: Params = {"startAt": start, "maxResults": USER_PAGE}
        answer = self._client.send(Call(method="GET", route=_USERS, params=params, expects=frozenset({409})))
        if answer.status == HTTPStatus.CONFLICT:  # it took more than ten seconds [spec]
            raise Transient("Jira took too long to list its users.", status=answer.status, trace_id=answer.trace_id)
        return answer.read_as(USERS, what="users")

    def _group_answer(self, start: int, size: int) -> Response:
        expects = frozenset({400}) if start == 0 and size > _GROUPS_SURELY else frozenset[int]()
        params = {"startAt": start, "maxResults": size}
        return self._client.send(Call(method="GET", route=_GROUPS, params=params, expects=expects))

    def _member_page(self, group_id: str, start: int) -> Page[Member]:
        params: Params = {
            "groupId": group_id,
            "includeInactiveUsers": "true",
            "startAt": start,
            "maxResults": MEMBER_PAGE,
        }
        answer = self._client.send(Call(method="GET", route=_MEMBERS, params=params, expects=frozenset({404})))
        if answer.status == HTTPStatus.NOT_FOUND:
            self._own.require_jiras_own(answer)
            raise _Gone
        page = answer.read_as(MEMBERS, what="members of a group")
        return Page(page.values, page.total)

    def _project_page(self, start: int) -> Page[ListedProject]:
        params: Params = {"startAt": start, "maxResults": PROJECT_PAGE, "expand": "lead", "orderBy": "key"}
        answer = self._client.send(Call(method="GET", route=_PROJECTS, params=params))
        page = answer.read_as(PROJECTS, what="projects")
        return Page(page.values, page.total)

    def _require_gone(self, group_id: str) -> None:
        """A 404 counts only when the list of groups agrees."""
        call = Call(method="GET", route=_GROUPS, params={"groupId": group_id, "maxResults": 1})
        answer = self._fetching.one(partial(self._client.send, call))
        if answer.read_as(GROUPS, what="a group").values:
            raise Transient(f"Jira lists group {group_id}, and says that it does not exist when asked for its members.")


def _group_page(answer: Response) -> Page[Group]:
    page = answer.read_as(GROUPS, what="groups")
    return Page(page.values, page.total)


def _group_key(group: Group) -> str | None:
    return group.groupId


def _user_key(user: ListedUser) -> str | None:
    return None if user.accountId == NOBODY else user.accountId


def _member_key(member: Member) -> str | None:
    return None if member.accountId == NOBODY else member.accountId


def _project_key(project: ListedProject) -> str | None:
    return project.id
