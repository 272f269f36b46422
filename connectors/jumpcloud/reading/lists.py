"""JumpCloud's lists: users, administrators, groups and what hangs on them, each read completely."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, TypeAdapter

from access.failures import Permanent, Transient
from connectors.jumpcloud.client import PAGE, total_count
from connectors.jumpcloud.reading.json_values import Record, record, text
from connectors.jumpcloud.reading.people import known_id
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

#: Unknown ids give 404, by an assumption 400: both are looked into.
_NO_SUCH_ID = frozenset({400, 404})

Rows = Iterator[list[Record]]


class _Envelope(BaseModel):
    results: list[dict[str, Any] | None]
    totalCount: int | None = None  # noqa: N815 - the wire's name


_ENVELOPE = TypeAdapter(_Envelope)
_BARE = TypeAdapter(list[dict[str, Any] | None])

#: A row as it came; None is one that says nothing [observed].
_Sent = dict[str, Any] | None


class Lists:
    """Reads lists through one client, with the calls of one reader."""

    def __init__(self, client: HttpClient, fetching: Fetcher) -> None:
        self._client = client
        self._fetching = fetching

    def users(self, fields: str) -> Rows:
        """All system users, sorted by id: docs advise it strongly whenever a list is paged."""
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

    def search_page(self, body: Mapping[str, Any]) -> Page[_Sent]:
        """One page of the search; limit and skip are in the body [spec 2026-03]."""
        call = Call(
            method="POST",
            route=SEARCH,
            body={"sort": "_id", "limit": PAGE, "skip": 0, **body},
            endpoint_class="read",
        )
        return _enveloped(self._client.send(call), "users")

    def admins(self) -> Rows:
        """All administrators: not published, and used by JumpCloud's own clients [observed]. Sorting is [assumed]."""
        return self._v1(ADMINS, "", what="administrators", ascending=False)

    def applications(self, fields: str) -> Rows:
        """All applications."""
        return self._v1(APPLICATIONS, fields, what="applications")

    def roles(self) -> Rows:
        """All roles of administrators, in an envelope, unlike most of v2 [observed]; none where there is no such list."""

        def page(skip: int) -> Page[_Sent]:
            params: Params = {"limit": PAGE, "skip": skip}
            call = Call(method="GET", route=ROLES, params=params, expects=frozenset({HTTPStatus.NOT_FOUND}))
            answer = self._client.send(call)
            return Page((), 0) if answer.status == HTTPStatus.NOT_FOUND else _enveloped(answer, "roles")

        return self._rows(OffsetList(page=page, size=PAGE, key=_v1_key("role")))

    def groups(self) -> Rows:
        """All user groups."""

        def page(skip: int) -> Page[_Sent]:
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
        """The users who are directly in a group; neither sorted nor filtered [spec]. Nobody when the group is gone."""
        return self._connected(MEMBERS, {"group": group}, GROUP, "user", {}, what="members")

    def bound_groups(self, application: str) -> Iterator[list[str]]:
        """The groups that are bound to an application."""
        return self._bound(application, "user_group")

    def bound_users(self, application: str) -> Iterator[list[str]]:
        """The users who are bound to an application directly."""
        return self._bound(application, "user")

    def bound_applications(self, group: str) -> Iterator[list[str]]:
        """The applications that a group is bound to."""
        params: Params = {"targets": "application"}
        return self._connected(GROUP_BINDINGS, {"group": group}, GROUP, "application", params, what="bindings")

    def _bound(self, application: str, targets: str) -> Iterator[list[str]]:
        path = {"application": application}
        params: Params = {"targets": targets}
        return self._connected(APPLICATION_BINDINGS, path, APPLICATION, targets, params, what="bindings")

    def _v1(self, route: str, fields: str, *, what: str, ascending: bool = True) -> Rows:
        def page(skip: int) -> Page[_Sent]:
            params: dict[str, str | int] = {"sort": "_id", "limit": PAGE, "skip": skip}
            if fields:
                params["fields"] = fields
            return _enveloped(self._client.send(Call(method="GET", route=route, params=params)), what)

        return self._rows(OffsetList(page=page, size=PAGE, key=_v1_key(what[:-1]), ascending=ascending))

    def _rows(self, whole: OffsetList[_Sent]) -> Rows:
        for rows in whole.read(self._fetching, ahead=True):
            yield [row for row in rows if row is not None]

    def _connected(
        self, route: str, path: Mapping[str, str], owner: str, kind: str, params: Params, *, what: str
    ) -> Iterator[list[str]]:
        """The ids at the other ends of a thing's connections that are of a kind."""

        def page(skip: int) -> Page[_Sent]:
            asked: Params = {**params, "limit": PAGE, "skip": skip}
            call = Call(method="GET", route=route, path=path, params=asked, expects=_NO_SUCH_ID)
            answer = self._client.send(call)
            if answer.status in _NO_SUCH_ID:
                self._prove_gone(answer, call, owner)
                if skip:
                    raise Shifted("What the list belongs to went away while it was read.")
                return Page((), 0)
            return _bare(answer, what)

        whole = OffsetList(page=page, size=PAGE, key=_end_key(kind))
        for rows in whole.read(self._fetching, ahead=True):
            yield [end[1] for row in rows if (end := _end(row, kind)) and end[0] == kind]

    def _prove_gone(self, answer: Response, call: Call, owner: str) -> None:
        """A gateway may say 404 too: what a list belongs to is gone only when it cannot be read itself either."""
        if (
            self._client.send(Call(method="GET", route=owner, path=call.path, expects=_NO_SUCH_ID)).status
            in _NO_SUCH_ID
        ):
            return
        if answer.status == HTTPStatus.NOT_FOUND:
            raise Transient(
                f"JumpCloud answered 404 to {call} though it knows the id.", status=404, trace_id=answer.trace_id
            )
        said = f": {answer.said}" if answer.said else ""
        raise Permanent(
            f"JumpCloud answered 400 to {call}{said}.",
            remedy="Report it: JumpCloud did not take what Provisor asked for.",
            status=400,
            trace_id=answer.trace_id,
        )


def _enveloped(answer: Response, what: str) -> Page[_Sent]:
    found = answer.read_as(_ENVELOPE, what=what)
    return Page(found.results, found.totalCount)


def _bare(answer: Response, what: str) -> Page[_Sent]:
    rows = answer.read_as(_BARE, what=what)
    return Page(rows, total_count(answer))


def _v1_key(what: str) -> Callable[[_Sent], str | None]:
    return lambda row: None if row is None else known_id(row, what)


def _end_key(kind: str) -> Callable[[_Sent], str | None]:
    def key(row: _Sent) -> str | None:
        end = _end(row, kind)
        return None if end is None else f"{end[0]}/{end[1]}"

    return key


def _end(row: _Sent, kind: str) -> tuple[str, str] | None:
    """Type and id of the other end; None for a connection to nothing [observed]."""
    to = record(row or {}, "to")
    key = text(to, "id")
    return None if key is None else ((text(to, "type") or kind).lower(), key)
