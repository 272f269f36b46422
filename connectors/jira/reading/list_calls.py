"""The lists of a Jira site, each read completely in as few calls as the service allows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from access.failures import CredentialRefused, Transient
from connectors.jira.client import API, MYSELF
from connectors.jira.projects import PROJECTS_A_PAGE, Projects
from connectors.jira.reading.required_permissions import lacks_scope
from connectors.jira.shapes import ApplicationRole, Group, ListedUser, PageBean, Project, SiteRole
from connectors.paging import FilteredList, OffsetList, Page
from connectors.reading import Incomplete, Shifted
from httpclient import Fetcher, HttpClient, Response
from httpclient.calls import Params

T = TypeVar("T")

_USERS = f"{API}/users/search"
_GROUPS = f"{API}/group/bulk"
_MEMBERS = f"{API}/group/member"
_ROLES = f"{API}/role"
_GROUPS_OF = f"{API}/user/groups"
_PRODUCTS = f"{API}/applicationrole"

#: Most rows of a page of accounts, and of a page of members [spec].
USERS_A_PAGE, MEMBERS_A_PAGE = 1000, 50
#: Jira does not publish the largest page of groups: Provisor asks for so many, and steps by what comes.
_GROUPS_WANTED = 1000
#: The default page of groups [spec], for a Jira that refuses more.
_GROUPS_BY_DEFAULT = 50

_BROWSE = "Give the account the global permission 'Browse users and groups'."


class _Gone(Exception):  # noqa: N818 - an event of reading
    """The thing a list belongs to is not there."""


class ListCalls:
    """Reads lists of one site. Never more calls in flight than ``fetching`` allows."""

    def __init__(self, client: HttpClient, fetching: Fetcher, projects: Projects) -> None:
        self._client = client
        self._fetching = fetching
        self._projects = projects

    def users(self) -> Iterator[list[ListedUser]]:
        """Every account, each once: active, inactive, deleted, apps and customers.

        Jira filters pages after cutting them, so a short page is not the end; a page without a new account is [observed].
        Raises ``Shifted``, and ``Incomplete`` when there is nobody.
        """
        users = FilteredList(page=self._user_page, size=USERS_A_PAGE, key=lambda user: user.known_id)
        some = False
        for page in users.read(self._fetching):
            some = some or bool(page)
            yield page
        if not some:
            raise Incomplete(f"Jira shows Provisor's account no users at all, although it is one itself. {_BROWSE}")

    def groups(self) -> Iterator[list[Group]]:
        """Every group, system groups too. Raises ``Shifted``, and ``Incomplete`` when there is none: every site has groups."""
        size = _GROUPS_WANTED
        asked = self._fetching.one(partial(self._group_answer, 0, size))
        if asked.status != HTTPStatus.OK:
            size = _GROUPS_BY_DEFAULT
            asked = self._fetching.one(partial(self._group_answer, 0, size))
        first = _group_page(asked)

        def page(start: int) -> Page[Group]:
            return first if start == 0 else _group_page(self._group_answer(start, size))

        if not first.rows:
            raise Incomplete(f"Jira shows Provisor's account no groups at all, although every site has some. {_BROWSE}")
        yield from OffsetList(page=page, size=size, key=lambda group: group.groupId).read(self._fetching, ahead=True)

    def product_groups(self) -> frozenset[str]:
        """The groups into which Jira puts new accounts of a product (``GET /applicationrole`` [spec]).

        Nothing where Jira does not show them to this account, or the token lacks the scope: a snapshot is complete without.
        """
        try:
            answer = self._fetching.one(partial(self._client.get, _PRODUCTS, expects={403}))
        except CredentialRefused as refusal:
            if not lacks_scope(refusal):
                raise
            return frozenset()
        if answer.status != HTTPStatus.OK:
            return frozenset()
        products = answer.read_as(list[ApplicationRole], what="the products of the site")
        return frozenset(group.groupId for product in products for group in product.defaultGroupsDetails)

    def members(self, group_id: str) -> Iterator[list[ListedUser]]:
        """A group's members, inactive ones too; nothing when the group is gone.

        Damaged records, which name nobody, are among them. Raises ``Shifted``.
        """
        page_at = partial(self._member_page, group_id)
        members = OffsetList(page=page_at, size=MEMBERS_A_PAGE, key=lambda member: member.known_id)
        begun = False
        try:
            for page in members.read(self._fetching, ahead=True):
                begun = True
                yield page
        except _Gone:
            if begun:
                raise Shifted("The group was deleted while it was read.") from None
            self._require_gone(group_id)

    def projects(self) -> Iterator[list[Project]]:
        """Every live project with its lead. Raises ``Shifted``.

        Jira also answers an unknown caller with an empty list [observed], so the reader then checks its credential again.
        """
        some = False
        projects = OffsetList(page=self._project_page, size=PROJECTS_A_PAGE, key=lambda project: project.id)
        for page in projects.read(self._fetching, ahead=True):
            some = some or bool(page)
            yield page
        if not some:
            self._fetching.one(partial(self._client.get, MYSELF))

    def roles(self) -> list[SiteRole]:
        """Every role of the site: those that company-managed projects share, and those of team-managed projects [spec]."""
        return self._fetching.one(partial(self._client.get, _ROLES)).read_as(list[SiteRole], what="project roles")

    def groups_of(self, account_id: str) -> list[Group]:
        """The groups of one account, not paged [spec]; none when the account is gone."""
        answer = self._client.get(_GROUPS_OF, params={"accountId": account_id}, expects={404})
        return answer.read_as(list[Group], what="an account's groups") if answer.status == HTTPStatus.OK else []

    def _user_page(self, start: int) -> list[ListedUser]:
        answer = self._client.get(_USERS, params={"startAt": start, "maxResults": USERS_A_PAGE}, expects={409})
        if answer.status == HTTPStatus.CONFLICT:  # it took more than ten seconds [spec]
            raise answer.failure(Transient, "Jira took too long to list its users.")
        return answer.read_as(list[ListedUser], what="users")

    def _group_answer(self, start: int, size: int) -> Response:
        expects = {400} if start == 0 and size > _GROUPS_BY_DEFAULT else ()
        return self._client.get(_GROUPS, params={"startAt": start, "maxResults": size}, expects=expects)

    def _member_page(self, group_id: str, start: int) -> Page[ListedUser]:
        which: Params = {"groupId": group_id, "includeInactiveUsers": "true"}
        answer = self._client.get(
            _MEMBERS, params={**which, "startAt": start, "maxResults": MEMBERS_A_PAGE}, expects={404}
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            raise _Gone
        return _page(answer.read_as(PageBean[ListedUser], what="members of a group"))

    def _project_page(self, start: int) -> Page[Project]:
        return _page(self._projects.page(start))

    def _require_gone(self, group_id: str) -> None:
        """Make sure that the list of groups agrees with the 404."""
        answer = self._fetching.one(partial(self._client.get, _GROUPS, params={"groupId": group_id, "maxResults": 1}))
        if answer.read_as(PageBean[Group], what="a group").values:
            raise Transient(f"Jira lists group {group_id}, and says that it does not exist when asked for its members.")


def _page(found: PageBean[T]) -> Page[T]:
    return Page(found.values, found.total)


def _group_page(answer: Response) -> Page[Group]:
    return _page(answer.read_as(PageBean[Group], what="groups"))
