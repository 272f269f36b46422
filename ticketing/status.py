"""From a ticket's status to its phase."""

from __future__ import annotations

from collections.abc import Iterable

from ticketing.ports import Phase

#: Names of statuses and resolutions that say "will not be done", as Jira ships them in English.
DECLINED = ("Won't Do", "Won't Fix", "Declined", "Rejected", "Cancelled", "Canceled", "Duplicate")

#: The status category of everything that is closed, in every workflow and language [observed].
CLOSED_CATEGORY = "done"


def folded(name: str) -> str:
    """A name for comparing: without regard to case, spacing and the shape of the apostrophe."""
    return " ".join(name.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").casefold().split())


class StatusMap:
    """How statuses become phases.

    The category decides open or closed, since names are translated and edited; names decide only between done and declined.
    ``declined`` are the names, of a resolution or a status, that mean it will not be done; they are kept ready for
    comparing, in the order given.
    """

    def __init__(self, declined: Iterable[str] = DECLINED) -> None:
        self.declined = tuple(folded(name) for name in declined)

    def phase(self, *, category: str | None, status: str, resolution: str | None) -> Phase:
        """The phase of a ticket. ``category`` is ``statusCategory.key``; one we do not know counts as open."""
        if category != CLOSED_CATEGORY:
            return Phase.OPEN
        names = {folded(status), folded(resolution or "")}
        return Phase.DECLINED if names.intersection(self.declined) else Phase.DONE
