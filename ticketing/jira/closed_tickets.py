"""Anybody's Jira issues, read: by JQL in pages of 100, and their histories in bulk."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from pydantic import Field

from access.failures import Permanent
from access.ticket_mapping import FieldPart
from httpclient import Call, HttpClient
from ticketing.adf.nodes import plain_text
from ticketing.closed_tickets import Closing, FieldName, FoundTicket, TicketPage
from ticketing.jira.responses import Named, NumericId, Person, Read, Status
from ticketing.ports import TicketRef
from ticketing.status import StatusMap
from ticketing.status_words import CLOSED_CATEGORY

_API = "/rest/api/3"
_SEARCH = f"{_API}/search/jql"
_FIELDS = f"{_API}/field"
_HISTORIES = f"{_API}/changelog/bulkfetch"

#: The most issues of a page, where fields are asked for [observed].
PAGE = 100
#: The most issues of one call for histories, and the most entries of its answer [spec].
_HISTORIES_OF, _ENTRIES = 1000, 10_000
#: The most calls for histories: each shows the entries of hundreds of tickets.
_MOST_HISTORY_CALLS = 4

_STATE = ("summary", "status", "resolution", "created", "resolutiondate", "statuscategorychangedate")
_CLOSED = "statusCategory = Done"
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'")
_ORDER = re.compile(r"\border\s+by\b", re.IGNORECASE)


class _Schema(Read):
    type: str = ""
    items: str | None = None


class _Field(Read):
    id: str
    name: str = ""
    schema_: _Schema | None = Field(default=None, alias="schema")


class _Issue(Read):
    id: NumericId
    key: str = ""
    fields: dict[str, Any] = Field(default_factory=dict)


class _Page(Read):
    issues: tuple[_Issue, ...] = ()
    next_page: str | None = Field(default=None, alias="nextPageToken")


class _Item(Read):
    field: str = ""
    before: str | None = Field(default=None, alias="from")
    after: str | None = Field(default=None, alias="to")


class _Entry(Read):
    id: str = ""
    author: Person | None = None
    created: datetime | int | None = None
    items: tuple[_Item, ...] = ()


class _History(Read):
    issue: str = Field(default="", alias="issueId")
    entries: tuple[_Entry, ...] = Field(default=(), alias="changeHistories")


class _Histories(Read):
    histories: tuple[_History, ...] = Field(default=(), alias="issueChangeLogs")
    next_page: str | None = Field(default=None, alias="nextPageToken")


class JiraTicketArchive:
    """The issues of one Jira site. ``site_url`` is the address that people use."""

    def __init__(self, client: HttpClient, *, site_url: str, statuses: StatusMap | None = None) -> None:
        self._client = client
        self._site_url = site_url.rstrip("/")
        self._statuses = statuses or StatusMap()

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()

    def field_names(self) -> Sequence[FieldName]:
        """Every field of the site (``GET /field``, not paged [spec])."""
        found = self._client.get(_FIELDS).read_as(list[_Field], what="the fields")
        return [FieldName(each.id, each.name, _type(each.schema_)) for each in found]

    def find(self, query: str, *, fields: Mapping[str, Sequence[str]]) -> Iterator[TicketPage]:
        """The issues of a JQL query whose status is of the category Done."""
        jql = closed_only(query)
        wanted = [*_STATE, *(ident for ids in fields.values() for ident in ids)]
        body: dict[str, Any] = {"jql": jql, "fields": list(dict.fromkeys(wanted)), "maxResults": PAGE}
        seen: set[str] = set()
        while True:
            page = self._read(_SEARCH, body, _Page, what="the tickets found")
            fresh = [self._found(issue, fields) for issue in page.issues if issue.id not in seen]
            yield TicketPage(fresh, last=page.next_page is None)
            seen.update(issue.id for issue in page.issues)
            if page.next_page is None:
                return
            if page.next_page == body.get("nextPageToken"):
                raise Permanent("Jira's search led back to the page it had shown.", remedy="Run it again.")
            body["nextPageToken"] = page.next_page

    def closings(self, ids: Sequence[str]) -> Mapping[str, Closing]:
        """Who closed the issues, by their histories of statuses; those of at most some thousand entries."""
        entries: dict[str, list[_Entry]] = {}
        calls = 0
        for start in range(0, len(ids), _HISTORIES_OF):
            body: dict[str, Any] = {
                "issueIdsOrKeys": list(ids[start : start + _HISTORIES_OF]),
                "fieldIds": ["status"],
                "maxResults": _ENTRIES,
            }
            while calls < _MOST_HISTORY_CALLS:
                calls += 1
                page = self._read(_HISTORIES, body, _Histories, what="the tickets' histories")
                for history in page.histories:
                    entries.setdefault(history.issue, []).extend(history.entries)
                if page.next_page is None:
                    break
                body["nextPageToken"] = page.next_page
        return {issue: _closing(found) for issue, found in entries.items()}

    def _read(self, route: str, body: Mapping[str, Any], model: type[_Page | _Histories], *, what: str) -> Any:
        """Read by a route that takes its question in a body: it changes nothing."""
        call = Call(method="POST", route=route, body=dict(body), endpoint_class="read")
        return self._client.send(call).read_as(model, what=what)

    def _found(self, issue: _Issue, fields: Mapping[str, Sequence[str]]) -> FoundTicket:
        values = issue.fields
        status = Status.model_validate(values.get("status") or {})
        resolution = Named.model_validate(values["resolution"]).name if values.get("resolution") else None
        closed = _moment(values.get("statuscategorychangedate")) or _moment(values.get("resolutiondate"))
        return FoundTicket(
            ref=TicketRef(issue.id, issue.key, f"{self._site_url}/browse/{quote(issue.key, safe='-')}"),
            summary=str(values.get("summary") or ""),
            status=status.name,
            resolution=resolution,
            phase=self._statuses.phase(category=status.category_key, status=status.name, resolution=resolution),
            created_at=_moment(values.get("created")),
            closed_at=closed if status.category_key == CLOSED_CATEGORY else None,
            fields={
                name: [part for ident in ids for part in parts_of(values.get(ident))] for name, ids in fields.items()
            },
        )


def closed_only(query: str) -> str:
    """A JQL query for those of its issues that are closed; in its own order, else those that were changed last first."""
    masked = _QUOTED.sub(lambda quoted: "x" * len(quoted[0]), query)
    order = _ORDER.search(masked)
    where, by = (query, "ORDER BY updated DESC") if order is None else (query[: order.start()], query[order.start() :])
    return f"({where.strip()}) AND {_CLOSED} {by}" if where.strip() else f"{_CLOSED} {by}"


def parts_of(value: Any) -> list[FieldPart]:
    """The values of a field as texts: options by their value, people by name, documents as plain text."""
    match value:
        case None | "":
            return []
        case list():
            return [part for each in value for part in parts_of(each)]
        case {"type": "doc"}:
            return [FieldPart(plain_text(value))]
        case {"accountId": str(account)}:
            return [FieldPart(str(value.get("displayName") or account), account, value.get("emailAddress") or None)]
        case {"value": str(text), "child": {"value": str(child)}}:
            return [FieldPart(f"{text} / {child}")]
        case {"value": str(text)} | {"name": str(text)} | {"key": str(text)}:
            return [FieldPart(text)]
        case str() | int() | float():
            return [FieldPart(str(value))]
        case _:
            return []


def _type(schema: _Schema | None) -> str:
    if schema is None:
        return ""
    return f"{schema.type} of {schema.items}" if schema.items else schema.type


def _moment(value: Any) -> datetime | None:
    """A time of Jira's, with an offset and no colon in it [spec]; in UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _closing(entries: Sequence[_Entry]) -> Closing:
    """The last change of status is the one that closed a closed issue."""
    moves = [entry for entry in entries if any(item.field == "status" for item in entry.items)]
    if not moves:
        return Closing(None, None)
    last = max(moves, key=lambda entry: int(entry.id) if entry.id.isdecimal() else 0)
    closed_by = last.author.name or last.author.account_id if last.author else None
    landed = next(item.after for item in last.items if item.field == "status")
    before = sum(1 for entry in moves if entry is not last and any(item.after == landed for item in entry.items))
    at = last.created if isinstance(last.created, datetime) else None
    return Closing(closed_by, at, before)
