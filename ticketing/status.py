"""From a ticket's status to its phase."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ticketing.ports import Phase

#: Names of statuses and resolutions that say "will not be done", as Jira ships them in English.
DECLINED = ("Won't Do", "Won't Fix", "Declined", "Rejected", "Cancelled", "Canceled", "Duplicate")

#: The status category of everything that is closed, in every workflow and language [observed].
CLOSED_CATEGORY = "done"


def folded(name: str) -> str:
    """A name for comparing: without regard to case, spacing and the shape of the apostrophe."""
    return " ".join(name.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").casefold().split())


@dataclass(frozen=True, slots=True)
class StatusMap:
    """How statuses become phases.

    The category decides open or closed, since names are translated and edited; names decide only between done and declined.
    ``declined`` are the names, of a resolution or a status, that mean it will not be done; ``projects`` replaces them for
    a project by its key.
    """

    declined: Iterable[str] = DECLINED
    projects: Mapping[str, Iterable[str]] = field(default_factory=dict)

    def declined_names(self, project: str) -> tuple[str, ...]:
        """The names that mean "will not be done" in this project, ready for comparing, in the order given."""
        return tuple(folded(name) for name in self.projects.get(project, self.declined))

    def phase(self, *, category: str | None, status: str, resolution: str | None, project: str) -> Phase:
        """The phase of a ticket. ``category`` is ``statusCategory.key``; one we do not know counts as open."""
        if category != CLOSED_CATEGORY:
            return Phase.OPEN
        said = {folded(status), folded(resolution or "")}
        return Phase.DECLINED if said.intersection(self.declined_names(project)) else Phase.DONE
