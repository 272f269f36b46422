"""JumpCloud's lists: users, administrators, groups, applications and their connections, each read completely."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from access.failures import Permanent, Transient
from connectors.jumpcloud.client import PAGE, total_count
from connectors.jumpcloud.reading.account_rows import required_id
from connectors.jumpcloud.reading.json_fields import Record, record, text
from connectors.jumpcloud.shapes import ENVELOPED_RAW_ROWS, RAW_ROWS, RawRow
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
            key=_v1_key("user"),
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

        def page(skip: int) -> Page[RawRow]:
            params: Params = {"limit": PAGE, "skip": skip}
            call = Call(method="GET", route=ROLES, params=params, expects=frozenset({HTTPStatus.NOT_FOUND}))
            answer = self._client.send(call)
            return Page((), 0) if answer.status == HTTPStatus.NOT_FOUND else _enveloped(answer, "roles")

        return self._rows(OffsetList(page=page, size=PAGE, key=_v1_key("role")))

    def groups(self) -> Rows:
        """All user groups."""

        def page(skip: int) -> Page[RawRow]:
            params: Params = {"sort": "name", "limit": PAGE, "skip": skip}
            return _bare(self._client.send(Call(method="GET", route=GROUPS, params=params)), "groups")

        return self._rows(OffsetList(page=page, size=PAGE, key=_v1_key("group")))

    def count_groups(self) -> int | None:
        """How many user groups there are."""
        params: Params = {"limit": 1}
        return total_count(
            self._fetching.one(lambda: self._client.send(Call(method="GET", route=GROUPS, params=params)))
        )

    def members(self, group: str) -> Iterator[list[str]]:
        """The users who are directly in a group, neither sorted nor filtered [spec]; nobody when the group is gone."""
        return self._connected(MEMBERS, {"group": group}, GROUP, "user", {}, what="members")

    def bound_groups(self, application: str) -> Iterator[list[str]]:
        """The groups bound to an application."""
        return self._bound(application, "user_group")

    def bound_users(self, application: str) -> Iterator[list[str]]:
        """The users bound directly to an application."""
        return self._bound(application, "user")

    def bound_applications(self, group: str) -> Iterator[list[str]]:
        """The applications bound to a group."""
        params: Params = {"targets": "application"}
        return self._connected(GROUP_BINDINGS, {"group": group}, GROUP, "application", params, what="bindings")

    def _bound(self, application: str, targets: str) -> Iterator[list[str]]:
        path = {"application": application}
        params: Params = {"targets": targets}
        return self._connected(APPLICATION_BINDINGS, path, APPLICATION, targets, params, what="bindings")

    def _v1(self, route: str, fields: str, *, what: str, ascending: bool = True) -> Rows:
        def page(skip: int) -> Page[RawRow]:
            params: dict[str, str | int] = {"sort": "_id", "limit": PAGE, "skip": skip}
            if fields:
                params["fields"] = fields
            return _enveloped(self._client.send(Call(method="GET", route=route, params=params)), what)

        return self._rows(OffsetList(page=page, size=PAGE, key=_v1_key(what[:-1]), ascending=ascending))

    def _rows(self, whole: OffsetList[RawRow]) -> Rows:
        for rows in whole.read(self._fetching, ahead=True):
            yield [row for row in rows if row is not None]

    def _connected(
        self, route: str, path: Mapping[str, str], owner: str, kind: str, params: Params, *, what: str
    ) -> Iterator[list[str]]:
        """The ids at the other ends of the owner's connections that are of a kind."""

        def page(skip: int) -> Page[RawRow]:
            asked: Params = {**params, "limit": PAGE, "skip": skip}
            call = Call(method="GET", route=route, path=path, params=asked, expects=_NO_SUCH_ID)
            answer = self._client.send(call)
            if answer.status in _NO_SUCH_ID:
                self._require_gone(answer, call, owner)
                if skip:
                    raise Shifted("The owner of the list was deleted while the list was read.")
                return Page((), 0)
            return _bare(answer, what)

        whole = OffsetList(page=page, size=PAGE, key=_end_key(kind))
        for rows in whole.read(self._fetching, ahead=True):
            yield [end[1] for row in rows if (end := _end(row, kind)) and end[0] == kind]

    def _require_gone(self, answer: Response, call: Call, owner: str) -> None:
        """Make sure that the owner of a list is gone: a gateway may answer 404 too, so the owner itself must not be found."""
        found = self._client.send(Call(method="GET", route=owner, path=call.path, expects=_NO_SUCH_ID))
        if found.status in _NO_SUCH_ID:
            return
        if answer.status == HTTPStatus.NOT_FOUND:
            raise Transient(
                f"JumpCloud answered 404 to {call} though it knows the id.", status=404, trace_id=answer.trace_id
            )
        said = f": {answer.said}" if answer.said else ""
        raise Permanent(
            f"JumpCloud answered 400 to {call}{said}.",
            remedy="Report it: JumpCloud did not accept the request.",
            status=400,
            trace_id=answer.trace_id,
        )


def _enveloped(answer: Response, what: str) -> Page[RawRow]:
    found = answer.read_as(ENVELOPED_RAW_ROWS, what=what)
    return Page(found.results, found.totalCount)


def _bare(answer: Response, what: str) -> Page[RawRow]:
    rows = answer.read_as(RAW_ROWS, what=what)
    return Page(rows, total_count(answer))


def _v1_key(what: str) -> Callable[[RawRow], str | None]:
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
