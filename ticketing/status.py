"""From a ticket's status to its phase."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, Self

from access.ticket_routes import StatusRules
from ticketing.names import folded
from ticketing.ports import Phase
from ticketing.status_words import CLOSED_CATEGORY, IN_PROGRESS_CATEGORY, OPEN_CATEGORIES, category_word

#: Names of statuses and resolutions that say "will not be done", as Jira ships them in English.
DECLINED = ("Won't Do", "Won't Fix", "Declined", "Rejected", "Cancelled", "Canceled", "Duplicate")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a status puts a ticket.

    ``unmapped`` says that nothing does: its category is none that we know, or rules name what is closed and leave it out.
    """

    phase: Phase
    in_progress: bool = False
    unmapped: bool = False


class StatusMaps(Protocol):
    """What statuses mean, kind of ticket by kind of ticket."""

    def of(self, project: str, *types: str) -> StatusMap:
        """The mapping for a project's kind of ticket, whose type goes by any of these ids and names."""
        ...


class StatusMap:
    """How statuses become phases.

    The category decides open or closed, since names are translated and edited; names decide only between done and declined.
    ``declined`` are the names, of a resolution or a status, that mean it will not be done; they are kept ready for
    comparing, in the order given. ``rules`` of a kind of ticket come before all that: each of their words is the id or name of
    a status, or a category (``category:done``). Of the resolution they decide only for a ticket that is closed.
    """

    def __init__(self, declined: Iterable[str] = DECLINED, rules: StatusRules | None = None) -> None:
        self.declined = tuple(folded(name) for name in declined)
        self._rules = rules or StatusRules()

    def of(self, project: str, *types: str) -> Self:
        """The same for every kind of ticket."""
        del project, types
        return self

    @property
    def refusals(self) -> tuple[str, ...]:
        """The names that mean "will not be done", those of the rules first, ready for comparing."""
        own = (*self._rules.rejected, *self._rules.rejected_resolutions)
        return (*(folded(word) for word in own), *self.declined)

    def phase(self, *, category: str | None, status: str, resolution: str | None, status_id: str = "") -> Phase:
        """The phase of a ticket. ``category`` is ``statusCategory.key``; one we do not know counts as open."""
        return self.standing(category=category, status=status, resolution=resolution, status_id=status_id).phase

    def standing(self, *, category: str | None, status: str, resolution: str | None, status_id: str = "") -> Standing:
        """The phase of a ticket, and how that is known. A name or id decides before a category does."""
        for words in ({status_id, folded(status)}, {category_word(category or "")}):
            found = self._by_rules(words - {""}, resolution)
            if found is not None:
                return found
        in_progress = category == IN_PROGRESS_CATEGORY
        if category == CLOSED_CATEGORY:
            declined = {folded(status), folded(resolution or "")}.intersection(self.declined)
            phase = self._resolved(resolution) or (Phase.DECLINED if declined else Phase.DONE)
            return Standing(phase, unmapped=bool(self._rules.done))
        return Standing(Phase.OPEN, in_progress, unmapped=category not in OPEN_CATEGORIES)

    def _by_rules(self, words: set[str], resolution: str | None) -> Standing | None:
        rules = self._rules
        if words & {folded(word) for word in rules.rejected}:
            return Standing(Phase.DECLINED)
        if words & {folded(word) for word in rules.done}:
            return Standing(self._resolved(resolution) or Phase.DONE)
        if words & {folded(word) for word in rules.in_progress}:
            return Standing(Phase.OPEN, in_progress=True)
        return None

    def _resolved(self, resolution: str | None) -> Phase | None:
        """What the resolution decides; None where it decides nothing."""
        name = folded(resolution or "")
        if not name:
            return None
        if name in {folded(word) for word in self._rules.rejected_resolutions}:
            return Phase.DECLINED
        if name in {folded(word) for word in self._rules.done_resolutions}:
            return Phase.DONE
        return None
