"""The rows of the report of users and user groups, found by the names in its header."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.jumpcloud.reading.json_fields import Record, text
from connectors.jumpcloud.reading.report_client import ReportUnusable
from connectors.jumpcloud.shapes import is_object_id

#: One line at a time: a report may be large.
_LINE = re.compile(r"[^\n]*\n|[^\n]+")

#: Names of the id columns without punctuation: first those of the documentation ("user object id", "user group object id"
#: [docs]), then spellings of other JumpCloud lists [assumed].
_USER_COLUMNS = ("userobjectid", "userid", "systemuserid", "systemuserobjectid")
_GROUP_COLUMNS = ("usergroupobjectid", "groupobjectid", "usergroupid", "groupid")


@dataclass(frozen=True, slots=True)
class ReportSummary:
    """The groups of a report, and how many members it shows of each."""

    members: Mapping[str, int]
    groups: frozenset[str] = field(default_factory=frozenset)


def memberships(content: Any) -> Iterator[tuple[str | None, str]]:
    """User and group ids of the rows; no user for a group without members. Leaves out users without groups.

    Raises ``ReportUnusable`` when the columns hold no ids.
    """
    for row in _table(content):
        group, user = _cell(row, _GROUP_COLUMNS), _cell(row, _USER_COLUMNS)
        if group is not None:
            yield user, group


def summary(content: Any) -> ReportSummary:
    """Count the members of each group. Raises ``ReportUnusable`` when the report contradicts itself."""
    members: Counter[str] = Counter()
    empty: set[str] = set()
    for user, group in memberships(content):
        if user is None:
            empty.add(group)
        else:
            members[group] += 1
    if empty & members.keys():
        raise ReportUnusable("the report calls a group empty and names its members")
    return ReportSummary(members, frozenset(empty | members.keys()))


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
        raise ReportUnusable("the report is not a table")
    lines = csv.reader(one.group() for one in _LINE.finditer(content.removeprefix("\ufeff")))
    header = [_plain(name) for name in next(lines, [])]
    try:
        yield from _checked(dict(zip(header, line, strict=True)) for line in lines if line)
    except (ValueError, csv.Error) as exc:
        raise ReportUnusable("a line of the report does not fit its header") from exc


def _checked(rows: Iterator[Record]) -> Iterator[Record]:
    known = False
    for row in rows:
        if not known and not (set(_USER_COLUMNS) & row.keys() and set(_GROUP_COLUMNS) & row.keys()):
            raise ReportUnusable("the report has no ids")
        known = True
        yield row
    if not known:
        raise ReportUnusable("the report is empty")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _cell(row: Record, names: tuple[str, ...]) -> str | None:
    """The id in the first of these columns that exists; None for words like "no users"."""
    name = next((name for name in names if name in row), "")
    value = text(row, name)
    return value if value is not None and is_object_id(value.lower()) else None
