from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from simulator.jira.issues import Issue


@dataclass(frozen=True, slots=True)
class Entry:
    """What the search index knows of an issue; times are seconds since 1970."""

    id: int
    key: str
    project_id: str
    type_id: str
    status_id: str
    resolution_id: str | None
    labels: tuple[str, ...]
    assignee: str | None
    reporter: str | None
    creator: str
    summary: str
    created: float
    updated: float
    resolved: float | None
    values: dict[str, Any]


def entry_of(issue: Issue) -> Entry:
    """Return the index entry of an issue as it is now."""
    return Entry(
        id=int(issue.id),
        key=issue.key,
        project_id=issue.project_id,
        type_id=issue.type_id,
        status_id=issue.status_id,
        resolution_id=issue.resolution_id,
        labels=tuple(issue.labels),
        assignee=issue.assignee,
        reporter=issue.reporter,
        creator=issue.creator,
        summary=issue.summary,
        created=issue.created,
        updated=issue.updated,
        resolved=issue.resolved,
        values=dict(issue.values),
    )


class SearchIndex:
    """The index that JQL reads: it sees writes late, unlike the issue store."""

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self.by_project: defaultdict[str, set[int]] = defaultdict(set)
        self.by_label: defaultdict[str, set[int]] = defaultdict(set)
        self._pending: list[tuple[float, int, Entry | None]] = []
        self._searches = 0

    def put(self, issue: Issue, *, seen_from: float, now: float) -> None:
        """Take in the present state of an issue."""
        self._write(int(issue.id), entry_of(issue), seen_from, now)

    def drop(self, issue: Issue, *, seen_from: float, now: float) -> None:
        """Forget a deleted issue."""
        self._write(int(issue.id), None, seen_from, now)

    def _write(self, number: int, entry: Entry | None, seen_from: float, now: float) -> None:
        self.catch_up(now)
        if seen_from <= now and not any(each[1] == number for each in self._pending):
            self._apply(number, entry)
        else:
            self._pending.append((seen_from, number, entry))

    def catch_up(self, now: float) -> None:
        """Let the writes that are old enough be seen."""
        if self._pending and min(each[0] for each in self._pending) <= now:
            due = [each for each in self._pending if each[0] <= now]
            self._pending = [each for each in self._pending if each[0] > now]
            for _, number, entry in due:
                self._apply(number, entry)

    def _apply(self, number: int, entry: Entry | None) -> None:
        old = self.entries.pop(number, None)
        if old is not None:
            self.by_project[old.project_id].discard(number)
            for label in old.labels:
                self.by_label[label.casefold()].discard(number)
        if entry is not None:
            self.entries[number] = entry
            self.by_project[entry.project_id].add(number)
            for label in entry.labels:
                self.by_label[label.casefold()].add(number)

    def unseen(self, *, flaps: bool) -> dict[int, Entry | None]:
        """Return the writes that are not in the index but that this search sees, when replicas disagree."""
        self._searches += 1
        if not flaps or self._searches % 2 == 0:
            return {}
        return {number: entry for _, number, entry in self._pending}

    def rebuild(self, issues: Iterable[Issue]) -> None:
        """Start again from these issues, without lag."""
        self.entries.clear()
        self.by_project.clear()
        self.by_label.clear()
        self._pending.clear()
        for issue in issues:
            self._apply(int(issue.id), entry_of(issue))
