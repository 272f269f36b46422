"""The report of users to user groups: ordered, made meanwhile, and read by its header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter

from connectors.jumpcloud.reading.json_values import Record, records, text
from connectors.jumpcloud.shapes import is_object_id
from httpclient import Call, Fetcher, HttpClient, Response

_ORDER = "/insights/directory/v1/reports/{type}"
_REPORTS = "/insights/directory/v1/reports"
_CONTENT = "/insights/directory/v1/reports/{report}/artifacts/{artifact}/content"
_TYPE = "users-to-user-groups"

#: Lines one after the other, never all of them at once: a report may be large.
_LINE = re.compile(r"[^\n]*\n|[^\n]+")

_LIST = TypeAdapter(list[dict[str, Any]])
_ONE = TypeAdapter(dict[str, Any])

#: Names of the id columns, letters and digits only: the documented ones first ("user object id", "user group object id"
#: [docs]), then spellings that other lists of JumpCloud use [assumed].
_USER_COLUMNS = ("userobjectid", "userid", "systemuserid", "systemuserobjectid")
_GROUP_COLUMNS = ("usergroupobjectid", "groupobjectid", "usergroupid", "groupid")


class Unusable(Exception):  # noqa: N818 - what became of a report, for the reader to read in another way
    """The report cannot be believed or was not made; a few words why."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One form of a finished report."""

    report: str
    id: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What is known of a report after it was gone through: its groups and how many members it shows of each."""

    members: Mapping[str, int]
    groups: frozenset[str] = field(default_factory=frozenset)


_NOT_IN_THE_PLAN = 402


class Reports:
    """Orders, watches and fetches reports. ``client`` is that of Directory Insights."""

    def __init__(self, client: HttpClient, fetching: Fetcher) -> None:
        self._client = client
        self._fetching = fetching

    def order(self) -> str:
        """Order the report; its id. Raises ``Unusable`` where the plan has none, and ``Permanent`` where the role has none."""
        answer = self._send(
            Call(method="POST", route=_ORDER, path={"type": _TYPE}, body={}, expects=frozenset({_NOT_IN_THE_PLAN}))
        )
        if answer.status == _NOT_IN_THE_PLAN:
            raise Unusable(f"it was refused ({answer.status})")
        document = answer.read_as(_ONE, what="a report")
        ordered = text(document, "id")
        if ordered is None:
            raise Unusable("JumpCloud did not say which report it makes")
        return ordered

    def made(self, report: str) -> Artifact | None:
        """The finished report, None while it is being made. Raises ``Unusable`` when it will never be."""
        answer = self._send(Call(method="GET", route=_REPORTS, params={"sort": "CREATED_AT"}))
        rows = answer.read_as(_LIST, what="reports")
        found: Record = next((row for row in rows if row.get("id") == report), {})
        status = (text(found, "status") or "").upper()
        if status in {"FAILED", "DELETED"}:
            raise Unusable(f"the report was {status.lower()}")
        if status != "COMPLETED":
            return None  # a report that is not listed yet is one that is being made
        forms = {(text(one, "format") or "").upper(): text(one, "id") for one in records(found, "artifacts")}
        chosen = forms.get("CSV") or forms.get("JSON")
        if chosen is None:
            raise Unusable("the finished report has no content")
        return Artifact(report, chosen)

    def content(self, artifact: Artifact) -> Any:
        """The report itself: text or parsed JSON. Raises ``Permanent`` when it is too large to be held."""
        path = {"report": artifact.report, "artifact": artifact.id}
        return self._send(Call(method="GET", route=_CONTENT, path=path)).body

    def _send(self, call: Call) -> Response:
        return self._fetching.one(lambda: self._client.send(call))


def memberships(content: Any) -> Iterator[tuple[str | None, str]]:
    """User and group ids of the rows; no user in the row of a group without members. Rows of users without groups are left out.

    Raises ``Unusable`` when ids are not among the columns.
    """
    for row in _table(content):
        group, user = _cell(row, _GROUP_COLUMNS), _cell(row, _USER_COLUMNS)
        if group is not None:
            yield user, group


def summary(content: Any) -> Summary:
    """Go through a report. Raises ``Unusable`` when it makes no sense."""
    members: Counter[str] = Counter()
    empty: set[str] = set()
    for user, group in memberships(content):
        if user is None:
            empty.add(group)
        else:
            members[group] += 1
    if empty & members.keys():
        raise Unusable("the report calls a group empty and names its members")
    return Summary(members, frozenset(empty | members.keys()))


def members_of(content: Any, wanted: str) -> set[str]:
    """The members the report shows of one group."""
    return {user for user, group in memberships(content) if group == wanted and user is not None}


def _table(content: Any) -> Iterator[Record]:
    if isinstance(content, list):
        rows = ({_plain(name): value for name, value in row.items()} for row in content if isinstance(row, dict))
        yield from _checked(rows)
        return
    if isinstance(content, dict):
        yield from _table(content.get("results") or content.get("data") or [])
        return
    if not isinstance(content, str) or content.lstrip().startswith("<"):
        raise Unusable("the report is not a table")
    lines = csv.reader(one.group() for one in _LINE.finditer(content.removeprefix("\ufeff")))
    header = [_plain(name) for name in next(lines, [])]
    try:
        yield from _checked(dict(zip(header, line, strict=True)) for line in lines if line)
    except (ValueError, csv.Error) as exc:
        raise Unusable("a line of the report does not fit its header") from exc


def _checked(rows: Iterator[Record]) -> Iterator[Record]:
    known = False
    for row in rows:
        if not known and not (set(_USER_COLUMNS) & row.keys() and set(_GROUP_COLUMNS) & row.keys()):
            raise Unusable("the report has no ids")
        known = True
        yield row
    if not known:
        raise Unusable("the report is empty")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _cell(row: Record, names: tuple[str, ...]) -> str | None:
    """The id in the first of these columns that is there; words like "no users" are none."""
    name = next((name for name in names if name in row), "")
    value = text(row, name)
    return value if value is not None and is_object_id(value.lower()) else None
