"""JumpCloud's lists: users, administrators, groups, applications and their connections, each read completely."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from access.failures import Permanent, Transient
from connectors.jumpcloud.client import PAGE, total_count
from connectors.jumpcloud.reading.json_fields import Record, record, text
from connectors.jumpcloud.reading.snapshot_rows import required_id
from connectors.jumpcloud.shapes import Envelope, RawRow
from connectors.paging import OffsetList, Page
from connectors.reading import Shifted
from httpclient import Call, Fetcher, HttpClient, Response
from httpclient.calls import Params

USERS = "/api/systemusers"
SEARCH = "/api/search/systemusers"
ADMINS = "/api/users"
APPLICATIONS = "/api/applications"
APPLICATION = "/api/applications/{application}"
ROLES = "/api/v2/roles"
GROUPS = "/api/v2/usergroups"
GROUP = "/api/v2/usergroups/{group}"
MEMBERS = "/api/v2/usergroups/{group}/members"
GROUP_BINDINGS = "/api/v2/usergroups/{group}/associations"
APPLICATION_BINDINGS = "/api/v2/applications/{application}/associations"

#: Unknown ids give 404, perhaps 400 [assumed]; after either Provisor reads the owner of the list.
_NO_SUCH_ID = frozenset({400, 404})

Rows = Iterator[list[Record]]


class ListCalls:
    """Reads lists through one client, with the calls of one reader."""

    def __init__(self, client: HttpClient, fetching: Fetcher) -> None:
        self._client = client
        self._fetching = fetching

    def users(self, fields: str) -> Rows:
        """All system users, sorted by id, without which pages may miss or repeat rows [docs]."""
        return self._v1(USERS, fields, what="users")

    def search(self, fields: str) -> Rows:
        """All system users, by the search."""
        whole = OffsetList(
            page=lambda skip: self.search_page({"fields": fields, "skip": skip}),
            size=PAGE,
            key=_row_key("user"),
            ascending=True,
        )
        return self._rows(whole)

    def search_page(self, body: Mapping[str, Any]) -> Page[RawRow]:
        """One page of the search; limit and skip are in the body [spec]."""
        call = Call(
            method="POST",
            route=SEARCH,
            body={"sort": "_id", "limit": PAGE, "skip": 0, **body},
            endpoint_class="read",
        )
        return _enveloped(self._client.send(call), "users")

    def admins(self) -> Rows:
        """All administrators, by an unpublished call of JumpCloud's own clients [observed]. Sorting is [assumed]."""
        return self._v1(ADMINS, "", what="administrators", ascending=False)

    def applications(self, fields: str) -> Rows:
        """All applications."""
        return self._v1(APPLICATIONS, fields, what="applications")

    def roles(self) -> Rows:
        """All roles of administrators, in an envelope, unlike most of v2 [observed]; none where JumpCloud has no such list."""

        def rows(answer: Response) -> Page[RawRow]:
            return Page((), 0) if answer.status == HTTPStatus.NOT_FOUND else _enveloped(answer, "roles")

        return self._list(ROLES, {}, rows, "role", expects={HTTPStatus.NOT_FOUND})

    def groups(self) -> Rows:
        """All user groups."""
        return self._list(GROUPS, {"sort": "name"}, partial(_bare, what="groups"), "group")

    def count_groups(self) -> int | None:
        """How many user groups there are."""
        return total_count(self._fetching.one(partial(self._client.get, GROUPS, params={"limit": 1})))

    def members(self, group: str) -> Iterator[list[str]]:
        """The users who are directly in a group, neither sorted nor filtered [spec]; nobody when the group is gone."""
        return self._connected(MEMBERS, GROUP, {"group": group}, "user", {}, what="members")

    def bound_groups(self, application: str) -> Iterator[list[str]]:
        """The groups bound to an application."""
        return self._bound(APPLICATION_BINDINGS, APPLICATION, {"application": application}, "user_group")

    def bound_users(self, application: str) -> Iterator[list[str]]:
        """The users bound directly to an application."""
        return self._bound(APPLICATION_BINDINGS, APPLICATION, {"application": application}, "user")

    def bound_applications(self, group: str) -> Iterator[list[str]]:
        """The applications bound to a group."""
        return self._bound(GROUP_BINDINGS, GROUP, {"group": group}, "application")

    def _v1(self, route: str, fields: str, *, what: str, ascending: bool = True) -> Rows:
        params: Params = {"sort": "_id", "fields": fields} if fields else {"sort": "_id"}
        return self._list(route, params, partial(_enveloped, what=what), what[:-1], ascending=ascending)

    def _list(
        self,
        route: str,
        params: Params,
        rows: Callable[[Response], Page[RawRow]],
        what: str,
        *,
        ascending: bool = False,
        expects: Collection[int] = (),
    ) -> Rows:
        """The list at a route; ``rows`` reads a page, and ``what`` names a row for errors."""

        def page(skip: int) -> Page[RawRow]:
            return rows(self._client.get(route, params={**params, "limit": PAGE, "skip": skip}, expects=expects))

        return self._rows(OffsetList(page=page, size=PAGE, key=_row_key(what), ascending=ascending))

    def _rows(self, whole: OffsetList[RawRow]) -> Rows:
        for rows in whole.read(self._fetching, ahead=True):
            yield [row for row in rows if row is not None]

    def _bound(self, route: str, owner: str, path: Mapping[str, str], kind: str) -> Iterator[list[str]]:
        return self._connected(route, owner, path, kind, {"targets": kind}, what="bindings")

    def _connected(
        self, route: str, owner: str, path: Mapping[str, str], kind: str, params: Params, *, what: str
    ) -> Iterator[list[str]]:
        """The ids at the other ends of the owner's connections that are of a kind."""

        def page(skip: int) -> Page[RawRow]:
            asked: Params = {**params, "limit": PAGE, "skip": skip}
            answer = self._client.get(route, path=path, params=asked, expects=_NO_SUCH_ID)
            if answer.status in _NO_SUCH_ID:
                self._require_gone(answer, route, owner, path)
                if skip:
                    raise Shifted("The owner of the list was deleted while the list was read.")
                return Page((), 0)
            return _bare(answer, what)

        whole = OffsetList(page=page, size=PAGE, key=_end_key(kind))
        for rows in whole.read(self._fetching, ahead=True):
            yield [end[1] for row in rows if (end := _end(row, kind)) and end[0] == kind]

    def _require_gone(self, answer: Response, route: str, owner: str, path: Mapping[str, str]) -> None:
        """Make sure that the owner of a list is gone: a gateway may answer 404 too, so the owner itself must not be found."""
        if self._client.get(owner, path=path, expects=_NO_SUCH_ID).status in _NO_SUCH_ID:
            return
        if answer.status == HTTPStatus.NOT_FOUND:
            raise answer.failure(Transient, f"JumpCloud answered 404 to GET {route} though it knows the id.")
        raise answer.failure(
            Permanent,
            f"JumpCloud answered 400 to GET {route}{answer.quoted}.",
            remedy="Report it: JumpCloud did not accept the request.",
        )


def _enveloped(answer: Response, what: str) -> Page[RawRow]:
    found = answer.read_as(Envelope[RawRow], what=what)
    return Page(found.results, found.totalCount)


def _bare(answer: Response, what: str) -> Page[RawRow]:
    rows = answer.read_as(list[RawRow], what=what)
    return Page(rows, total_count(answer))


def _row_key(what: str) -> Callable[[RawRow], str | None]:
    return lambda row: None if row is None else required_id(row, what)


def _end_key(kind: str) -> Callable[[RawRow], str | None]:
    def key(row: RawRow) -> str | None:
        end = _end(row, kind)
        return None if end is None else f"{end[0]}/{end[1]}"

    return key


def _end(row: RawRow, kind: str) -> tuple[str, str] | None:
    """Type and id of the other end; None for a connection to nothing [observed]."""
    to = record(row or {}, "to")
    key = text(to, "id")
    return None if key is None else ((text(to, "type") or kind).lower(), key)
