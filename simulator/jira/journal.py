from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Named:
    """What a journal entry is about: an account, group, project, role or issue."""

    kind: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened; Jira's audit log and the organization's events are two views of it.

    `actor` is an account id, or `""` for the system. `at` is seconds since 1970.
    """

    number: int
    at: float
    actor: str
    action: str
    object: Named
    target: Named | None = None
    changes: tuple[tuple[str, str, str], ...] = field(default=())
    """Field, before, after."""


class Journal:
    """Everything that happened in the world after it was seeded, oldest first."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.entries: list[Entry] = []

    def kept(self, lost_every: int) -> list[Entry]:
        """Return the entries that logs have, where every so many of them one is lost; 0 loses none."""
        return [entry for entry in self.entries if not lost_every or entry.number % lost_every]

    def note(
        self,
        action: str,
        about: Named,
        *,
        actor: str = "",
        target: Named | None = None,
        changes: tuple[tuple[str, str, str], ...] = (),
    ) -> Entry:
        """Add an entry; `action` is a verb such as `group_member_added`."""
        entry = Entry(len(self.entries) + 1, self._now(), actor, action, about, target, changes)
        self.entries.append(entry)
        return entry
