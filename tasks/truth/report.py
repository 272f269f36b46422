"""What an audit found: a line for each thing that a ticket says, the totals by ticket, and the certificate of what was read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from access.methods import Direction
from access.truth import Judgement, Reason, Verdict
from tasks.truth.picture import ListRead, digest


@dataclass(frozen=True, slots=True)
class Line:
    """One statement of a ticket, and what is said of it.

    ``person`` and ``thing`` are the ticket's words; ``account`` and ``entitlement`` what they were found to mean, None where
    they were not found. ``closed_by`` is asked for only where it is not so now.
    """

    ticket: str
    ticket_id: str
    url: str
    action: Direction | None
    person: str
    thing: str
    closed_at: datetime | None
    end: datetime | None
    judgement: Judgement
    system: str | None = None
    account: str | None = None
    account_title: str | None = None
    entitlement: str | None = None
    named: str | None = None
    closed_by: str | None = None
    reopened: int = 0


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A ticket that says nothing that could be true or not, and why."""

    ticket: str
    url: str
    status: str
    why: str


@dataclass(frozen=True, slots=True)
class SystemRead:
    """How a system was read: as whom, by which method, and with what it is missing. ``gap`` is why it was not read at all."""

    system: str
    credential_of: str = ""
    method: str = ""
    notes: Sequence[str] = ()
    gap: str | None = None
    log_pages: int = 0
    log_entries: int = 0
    log_reaches: datetime | None = None
    log_note: str = ""


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was read for an audit. ``calls`` are those to each system; ``tickets_sha256`` is of what the tickets said."""

    began_at: datetime
    ended_at: datetime
    source: str
    tickets: int
    more_tickets: bool
    ticket_pages: int
    tickets_sha256: str
    systems: Sequence[SystemRead]
    lists: Sequence[ListRead]
    calls: Mapping[str, int]

    @property
    def sha256(self) -> str:
        """The digest over all lists and over the tickets: the same again when nothing that was read has changed."""
        lists = [f"{each.system} {each.name} {each.rows} {each.sha256} {each.gap or ''}" for each in self.lists]
        return digest([*lists, f"tickets {self.tickets} {self.tickets_sha256}"])


@dataclass(frozen=True, slots=True)
class TruthReport:
    """What an audit found."""

    lines: Sequence[Line]
    left_out: Sequence[LeftOut]
    certificate: Certificate
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """The verdict on each ticket: of several statements the one that weighs most."""
        found: dict[str, Verdict] = {}
        rank = list(Verdict)
        for line in self.lines:
            verdict = line.judgement.verdict
            found[line.ticket] = min(found.get(line.ticket, verdict), verdict, key=rank.index)
        return found

    @property
    def totals(self) -> Mapping[Verdict, int]:
        """How many tickets have each verdict."""
        counted = Counter(self.verdicts.values())
        return {verdict: counted[verdict] for verdict in _SHOWN}

    @property
    def unsaid_because(self) -> Mapping[Reason, int]:
        """Of how many tickets it cannot be said for which reason, the most frequent first; a ticket may have several."""
        pairs = {
            (line.ticket, line.judgement.reason) for line in self.lines if line.judgement.verdict is Verdict.UNSAID
        }
        return dict(Counter(reason for _, reason in sorted(pairs)).most_common())

    @property
    def not_so_now(self) -> int:
        """How many tickets of which it cannot be said have something that is not as they say now."""
        return len({line.ticket for line in self.lines if _open_question(line)})


def _open_question(line: Line) -> bool:
    return line.judgement.verdict is Verdict.UNSAID and line.judgement.as_said is False


#: The order in which totals are shown.
_SHOWN = (Verdict.TRUE, Verdict.NOT_TRUE, Verdict.ENDED, Verdict.NO_LONGER, Verdict.UNSAID)
