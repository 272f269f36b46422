from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any
from uuid import UUID

from simulator.jira.index import Entry, SearchIndex
from simulator.jira.jql.matching import Matching, canonical, conjuncts
from simulator.jira.jql.names import Names
from simulator.jira.jql.parser import parse
from simulator.jira.jql.syntax import Clause, JqlError, Order, Query, Value

TOKEN_SECONDS = 7 * 86_400
"""Tokens die after 7 days [docs]."""
TOKENS_KEPT = 2_000

UNBOUNDED = "Unbounded JQL queries are not allowed here. Add a search restriction to the query."


@dataclass(frozen=True, slots=True)
class Cursor:
    """The rest of a result."""

    ids: list[int]
    offset: int
    jql: str
    expires: float


class Cursors:
    """What `nextPageToken` stands for; the oldest are forgotten when there are too many."""

    def __init__(self) -> None:
        self._cursors: OrderedDict[str, Cursor] = OrderedDict()
        self._made = 0

    def add(self, cursor: Cursor) -> str:
        """Keep the rest of a result and give its token."""
        self._made += 1
        token = "Ch0j" + UUID(int=self._made << 64 | cursor.offset).hex
        self._cursors[token] = cursor
        if len(self._cursors) > TOKENS_KEPT:
            self._cursors.popitem(last=False)
        return token

    def get(self, token: str, now: float) -> Cursor | None:
        """Return what a token stands for, unless it is unknown or too old."""
        cursor = self._cursors.get(token)
        return cursor if cursor is not None and cursor.expires > now else None


@dataclass(frozen=True, slots=True)
class Search:
    """One search over the index for one caller."""

    index: SearchIndex
    names: Names
    projects: set[str]
    """Ids of the projects that the caller sees."""
    hidden: set[int]
    """Ids of the issues that no search of the caller finds."""
    now: float
    zone: tzinfo
    strict: bool
    flaps: bool

    def run(self, jql: str, fresh: dict[int, Entry | None]) -> list[int]:
        """Return the ids of all matches in order; `fresh` entries count instead of the indexed ones (None: deleted).

        Raises JqlError.
        """
        query = parse(jql)
        if query.where is None:
            raise JqlError(UNBOUNDED)
        _check_order(query.order)
        self.index.catch_up(self.now)
        matching = Matching(self.names, self.now, self.zone, self.strict)
        test = matching.test(query.where)
        changed = {**self.index.unseen(flaps=self.flaps), **fresh}
        entries = self.index.entries
        found = [entries[each] for each in self._candidates(query, matching) - changed.keys() if test(entries[each])]
        found += [entry for entry in changed.values() if entry is not None and test(entry)]
        return [entry.id for entry in _ordered([each for each in found if self._shows(each)], query.order)]

    def _shows(self, entry: Entry) -> bool:
        return entry.project_id in self.projects and entry.id not in self.hidden

    def _candidates(self, query: Query, matching: Matching) -> set[int]:
        """Return the smallest set of issues that one of the necessary clauses allows."""
        assert query.where is not None
        best: set[int] | None = None
        for clause in conjuncts(query.where):
            allowed = self._allowed(clause, matching)
            if allowed is not None and (best is None or len(allowed) < len(best)):
                best = allowed
        return set(self.index.entries) if best is None else best & self.index.entries.keys()

    def _allowed(self, clause: Clause, matching: Matching) -> set[int] | None:
        if clause.operator not in {"=", "in"} or not all(isinstance(each, Value) for each in clause.operands):
            return None
        texts = [each.text for each in clause.operands if isinstance(each, Value)]
        name = canonical(clause.field)
        if name == "labels":
            return {each for text in texts for each in self.index.by_label.get(text.casefold(), ())}
        if name in {"key", "project"}:
            ids = {each for operand in clause.operands for each in matching.ids(name, operand) if each}
            if name == "key":
                return {int(each) for each in ids}
            return {number for each in ids for number in self.index.by_project.get(each, ())}
        return None


RANKS: dict[str, Callable[[Entry], Any]] = {
    "created": lambda entry: entry.created,
    "updated": lambda entry: entry.updated,
    "resolved": lambda entry: entry.resolved or 0.0,
    "priority": lambda entry: -int(entry.values.get("priority") or 0),
    "key": lambda entry: (entry.key.rpartition("-")[0], int(entry.key.rpartition("-")[2])),
    "summary": lambda entry: entry.summary.casefold(),
    "status": lambda entry: entry.status_id,
    "assignee": lambda entry: entry.assignee or "~",
}
DESCENDING = {"created", "updated", "resolved", "priority"}
"""Fields that ORDER BY sorts downwards when the query gives no direction."""


def _check_order(order: tuple[Order, ...]) -> None:
    for part in order:
        if canonical(part.field) not in RANKS:
            raise JqlError(f"Field '{part.field}' does not exist or this field cannot be viewed by anonymous users.")


def _ordered(found: list[Entry], order: tuple[Order, ...]) -> list[Entry]:
    found.sort(key=lambda entry: entry.id, reverse=True)
    for part in reversed(order):
        name = canonical(part.field)
        descending = part.direction == "desc" if part.direction else name in DESCENDING
        found.sort(key=RANKS[name], reverse=descending)
    return found
