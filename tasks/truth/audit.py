"""The audit itself: tickets, then the systems that they are about, then the logs for what is not as they say now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from access.clock import Clock
from access.entitlements import System
from access.failures import Failure
from access.ticket_mapping import Said, TicketMapping, read_ticket
from access.truth import Access, Judgement, Log, Reason, Statement, Verdict, unsaid
from access.truth_verdicts import instead, judge, needs_log
from connectors.history import AccessHistory, LogReading
from connectors.reading import Reader
from tasks.truth.meaning import Finding, Meaning, entitlement
from tasks.truth.picture import Picture, PictureTaker, SystemUnread, digest
from tasks.truth.report import Certificate, LeftOut, Line, SystemRead, TruthReport
from tasks.truth.tickets import Tickets, why_left_out
from tasks.truth.wanted import Wanted
from ticketing.closed_tickets import Closing, TicketArchive

#: How long before the first ticket the logs are read from: somebody may do what a ticket asks for before it is written.
_BEFORE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Sources:
    """What an audit reads: a reader and a log for each connected system, and the tickets' own system where there is one."""

    readers: Mapping[System, Reader]
    histories: Mapping[System, AccessHistory]
    archive: TicketArchive | None
    concurrency: int = 4


@dataclass(slots=True)
class _Read:
    """What was read, by system; ``gaps`` and ``log_gaps`` say why something was not."""

    pictures: dict[System, Picture] = field(default_factory=dict)
    gaps: dict[System, str] = field(default_factory=dict)
    logs: dict[System, LogReading] = field(default_factory=dict)
    log_gaps: dict[System, str] = field(default_factory=dict)


class TruthAudit:
    """Says of closed tickets whether they are true. Nothing is written.

    ``calls`` are those made so far, by system; ``progress`` is told in a few words what is read.
    """

    def __init__(
        self,
        sources: Sources,
        clock: Clock,
        calls: Callable[[], Mapping[str, int]],
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._calls = calls
        self._progress = progress

    def run(self, tickets: Tickets, mapping: TicketMapping) -> TruthReport:
        """Read what the tickets are about, and say of each whether it is true."""
        began = self._clock.now()
        closed = [ticket for ticket in tickets.found if why_left_out(ticket) is None]
        said = {ticket.ref.id: read_ticket(mapping, ticket.fields) for ticket in closed}
        read = _Read()
        self._take_pictures(list(said.values()), mapping, read)
        meaning = Meaning(mapping, read.pictures, read.gaps, connected=tuple(self._sources.readers))
        findings = [finding for ticket in closed for finding in meaning.of(ticket, said[ticket.ref.id])]
        self._read_logs(findings, read)
        lines = self._with_closings(_Judge(findings, read, meaning).lines())
        left_out = [
            LeftOut(ticket.ref.key, ticket.ref.url, ticket.status, why)
            for ticket in tickets.found
            if (why := why_left_out(ticket)) is not None
        ]
        certificate = Certificate(
            began_at=began,
            ended_at=self._clock.now(),
            source=tickets.source,
            tickets=len(tickets.found),
            more_tickets=tickets.more,
            ticket_pages=tickets.pages,
            tickets_sha256=digest(f"{each.ref.key} {each.closed_at} {said.get(each.ref.id)}" for each in tickets.found),
            systems=[_system_read(system, read) for system in self._sources.readers],
            lists=[line for picture in read.pictures.values() for line in picture.lists],
            calls=dict(self._calls()),
        )
        return TruthReport(lines, left_out, certificate)

    def _take_pictures(self, said: Sequence[Said], mapping: TicketMapping, read: _Read) -> None:
        """Read the systems that tickets name something of."""
        texts = {text for each in said for text in each.things}
        for system, reader in self._sources.readers.items():
            wanted = Wanted(system, texts, kinds=mapping.kinds, called=mapping.called)
            if not wanted.anything:
                continue
            try:
                taker = PictureTaker(
                    reader, self._clock, concurrency=self._sources.concurrency, progress=self._progress
                )
                read.pictures[system] = taker.take(wanted)
            except SystemUnread as unread:
                read.gaps[system] = str(unread)

    def _read_logs(self, findings: Sequence[Finding], read: _Read) -> None:
        """Read the logs of the systems where something is not as a ticket says, once each."""
        first: dict[System, datetime] = {}
        for each in findings:
            if (
                each.system is None
                or each.statement is None
                or each.now is None
                or not needs_log(each.statement, each.now)
            ):
                continue
            begin = min(each.statement.created or each.statement.closed, each.statement.closed)
            first[each.system] = min(first.get(each.system, begin), begin)
        for system, begin in first.items():
            self._progress(f"{system.label}: its log")
            try:
                read.logs[system] = self._sources.histories[system].read(begin - _BEFORE)
            except Failure as failure:
                read.log_gaps[system] = f"the log of {system.label} could not be read ({failure})"

    def _with_closings(self, lines: Sequence[Line]) -> list[Line]:
        """The lines, with who closed the tickets that are not as they say."""
        asked = list(dict.fromkeys(each.ticket_id for each in lines if each.judgement.as_said is False))
        archive = self._sources.archive
        closings: Mapping[str, Closing] = {}
        if archive is not None and asked:
            try:
                closings = archive.closings(asked)
            except Failure:
                closings = {}  # Who closed a ticket is said in addition: the verdict does not hang on it.
        return [
            replace(each, closed_by=closing.by, reopened=closing.reopened)
            if (closing := closings.get(each.ticket_id)) is not None
            else each
            for each in lines
        ]


class _Judge:
    """Judges findings by what was read."""

    def __init__(self, findings: Sequence[Finding], read: _Read, meaning: Meaning) -> None:
        self._findings = findings
        self._read = read
        self._meaning = meaning
        self._statements: dict[tuple[System, Access], list[Statement]] = defaultdict(list)
        for each in findings:
            if each.statement is not None and each.system is not None:
                self._statements[each.system, each.statement.access].append(each.statement)
        self._asked: dict[System, frozenset[Access]] = {
            system: frozenset(access for of, access in self._statements if of is system) for system in System
        }

        self._logs = {
            system: reading.log.with_actors(partial(meaning.title, system)) for system, reading in read.logs.items()
        }

    def lines(self) -> list[Line]:
        """A line for each finding."""
        return [self._line(finding) for finding in self._findings]

    def _line(self, finding: Finding) -> Line:
        ref = entitlement(finding.system, finding.resource) if finding.system and finding.resource else None
        return Line(
            ticket=finding.ticket.ref.key,
            ticket_id=finding.ticket.ref.id,
            url=finding.ticket.ref.url,
            action=finding.said.action,
            person=finding.person,
            thing=finding.thing,
            closed_at=finding.ticket.closed_at,
            end=finding.said.end,
            judgement=finding.judgement or self._judged(finding),
            system=None if finding.system is None else str(finding.system),
            account=None if finding.account is None else finding.account.id,
            account_title=None if finding.account is None else finding.account.title,
            entitlement=None if ref is None else str(ref),
            named=None if finding.resource is None else finding.resource.title,
        )

    def _judged(self, finding: Finding) -> Judgement:
        system, statement, now = finding.system, finding.statement, finding.now
        assert system is not None
        assert statement is not None
        assert now is not None
        others = [each for each in self._statements[system, statement.access] if each.ticket != statement.ticket]
        if needs_log(statement, now) and system in self._read.log_gaps:
            why = self._read.log_gaps[system]
            return unsaid(
                Reason.LOG_UNREADABLE, f"It is not as the ticket says now. Whether it was, {why}.", as_said=False
            )
        log = self._logs.get(system, Log())
        judged = judge(statement, now, log, others=others, names=finding.names)
        if judged.verdict is Verdict.NOT_TRUE and judged.reason is Reason.NEVER_DONE:
            return self._instead(system, statement, log, judged)
        return judged

    def _instead(self, system: System, statement: Statement, log: Log, judged: Judgement) -> Judgement:
        """What was done in place of what the ticket says, where the log shows it."""
        change = instead(statement, log, self._asked[system])
        if change is None:
            return judged
        done = "was given" if change.present else "lost"
        who = self._meaning.title(system, change.principal)
        what = self._meaning.thing_title(system, change.kind, change.resource)
        other_person = change.principal != statement.access.account
        because = f"{judged.because} At {change.at:%Y-%m-%d %H:%M} UTC {who} {done} {what} instead."
        reason = Reason.OTHER_PERSON if other_person else Reason.OTHER_RESOURCE
        return replace(judged, reason=reason, because=because, by=change.by)


def _system_read(system: System, read: _Read) -> SystemRead:
    picture, reading = read.pictures.get(system), read.logs.get(system)
    log = {}
    if reading is not None:
        log = {"pages": reading.pages, "entries": reading.entries}
    return SystemRead(
        system=str(system),
        credential_of="" if picture is None else picture.credential_of,
        method="" if picture is None else picture.method,
        notes=() if picture is None else picture.notes,
        gap=read.gaps.get(system) or (None if picture is not None else "No ticket names anything of it."),
        log_pages=log.get("pages", 0),
        log_entries=log.get("entries", 0),
        log_reaches=None if reading is None else reading.reaches,
        log_note=read.log_gaps.get(system, "" if reading is None else reading.note),
    )
