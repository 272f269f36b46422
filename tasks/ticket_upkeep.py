"""What surrounds a ticket, kept as policy and its request have it: watcher, remote link, and what it says of the request.

The store notes what the issue shows of that (``Ticket.shown``). Where it should be otherwise, one call brings it there, at the
opening of the ticket or at the next look; where it is as it should be, there is no call. What the ticketing system refuses for
good is left, and said once: the ticket can do without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog

from access.failures import Failure, Permanent
from access.lifecycle import ClaimState, TicketState
from access.methods import Direction
from access.operations import Claim, Operation, Request, Ticket
from access.ticket_routes import TicketRoute
from store.unit_of_work import UnitOfWork
from tasks.services import Services
from tasks.ticket_comments import TicketCommenter
from tasks.ticket_text import TicketWriter
from ticketing.ports import Phase, TicketChanges, TicketProvider, TicketRef, TicketSnapshot

_log = structlog.get_logger(__name__)

#: Members of ``Ticket.shown``: whom we made a watcher, which state the remote link tells, until when the access lasts, the
#: values of fields that are templates, and what was said once when the ticket was made.
WATCHER, LINK, UNTIL, FIELDS, WARNINGS, STATE_NOW = "watcher", "link", "until", "fields", "warnings", "state_now"

#: States in which a ticket's text still tells of access that is to be given, or was.
_TELLING = (TicketState.OPEN, TicketState.ANSWERED, TicketState.VERIFIED)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A ticket with all that decides what surrounds it; ``line`` are the claims by which the access that it gives lasts."""

    ticket: Ticket
    ref: TicketRef
    operation: Operation
    request: Request
    route: TicketRoute
    line: Sequence[Claim]

    @property
    def shown(self) -> Mapping[str, Any]:
        """What the issue shows of what may change."""
        return self.ticket.shown or {}

    def record(self, work: UnitOfWork, change: str, now: datetime, **detail: object) -> None:
        """The audit row, and so the event, of something about the ticket."""
        work.audit.record(
            f"ticket.{change}",
            "ticket",
            self.ticket.id,
            now=now,
            request_id=self.request.id,
            key=self.ref.key,
            **detail,
        )


class TicketUpkeep:
    """Keeps what surrounds tickets."""

    def __init__(
        self, services: Services, provider: TicketProvider, comments: TicketCommenter, writer: TicketWriter
    ) -> None:
        self._services = services
        self._provider = provider
        self._comments = comments
        self._writer = writer

    def keep(self, ticket_id: str, seen: TicketSnapshot) -> None:
        """Bring what surrounds a ticket up to date. Raises no failure word: what fails now is tried at the next look."""
        kept = None if seen.phase is Phase.GONE else self._read(ticket_id, seen.ref)
        if kept is None:
            return
        if seen.unmapped and kept.ticket.unmapped != seen.status:
            self._tell_unmapped(kept, seen)
        if seen.phase is Phase.OPEN:
            self._tell_overdue(kept)
            self._keep_watcher(kept)
        self._keep_link(kept)
        if kept.line:
            self._keep_text(kept)

    def _read(self, ticket_id: str, ref: TicketRef) -> _Kept | None:
        with self._services.store.read() as work:
            ticket = work.tickets.get(ticket_id)
            operation = work.operations.get(ticket.operation_id) if ticket else None
            request = work.requests.get(operation.request_id) if operation else None
            if ticket is None or operation is None or request is None:
                return None
            route = self._writer.route(operation, self._services.policy_of(request.id, within=work))
            return _Kept(ticket, ref, operation, request, route, _line(work, operation, ticket))

    def _tell_unmapped(self, kept: _Kept, seen: TicketSnapshot) -> None:
        """Nothing says what the ticket's status means, so that its category decides: that is told once for each status."""
        ticket, now = kept.ticket, self._services.clock.now()
        with self._services.store.write() as work:
            known = work.tickets.was_unmapped(ticket.project, seen.status)
            work.tickets.set(ticket.id, unmapped=seen.status)
            if not known:
                kept.record(work, "unmapped", now, status=seen.status, counts_as=str(seen.phase))
        if not known:
            _log.warning("ticket.unmapped", ticket=kept.ref.key, status=seen.status, counts_as=str(seen.phase))

    def _tell_overdue(self, kept: _Kept) -> None:
        """The one event of a ticket that is open after the day by which it was to be done."""
        ticket, now = kept.ticket, self._services.clock.now()
        if ticket.due_on is None or ticket.overdue_at is not None or now.date() <= ticket.due_on:
            return
        due = ticket.due_on.isoformat()
        with self._services.store.write() as work:
            work.tickets.set(ticket.id, overdue_at=now)
            kept.record(work, "overdue", now, due=due)
        _log.warning("ticket.overdue", ticket=kept.ref.key, due=due)

    def _keep_watcher(self, kept: _Kept) -> None:
        person = kept.request.message.requested_by
        if kept.route.watch_requester and person:
            self._bring(kept, WATCHER, person, lambda provider: provider.watch(kept.ref, person))

    def _keep_link(self, kept: _Kept) -> None:
        link = self._writer.link(kept.operation, kept.ticket) if kept.route.remote_link else None
        if link is not None:
            self._bring(kept, LINK, link.summary, lambda provider: provider.link(kept.ref, link))

    def _keep_text(self, kept: _Kept) -> None:
        """Have text and fields tell until when the access lasts, and say so in one comment where they told something else."""
        operation, request, shown = kept.operation, kept.request, kept.shown
        until = _end_of(kept.line)
        if until is None or shown.get(UNTIL) == until.isoformat():
            return
        now = self._services.clock.now()
        with self._services.store.read() as work:
            earlier = [each for each in work.tickets.of_operation(operation.id) if each.id != kept.ticket.id]
        draft = self._writer.draft(
            operation,
            request,
            kept.ticket,
            replace(kept.line[0], ends_at=until),
            None,
            earlier=earlier,
            warnings=tuple(shown.get(WARNINGS, ())),
            state_now=shown.get(STATE_NOW),
            now=now,
        )
        fields = self._writer.templated(operation, request, draft)
        changes = TicketChanges(fields={} if fields == shown.get(FIELDS, {}) else fields)
        if shown.get(UNTIL) is not None:
            changes = replace(changes, summary=draft.summary, body=draft.body)
            self._owe_comment(kept, until, now)

        def update(provider: TicketProvider) -> None:
            if changes != TicketChanges():
                provider.update(kept.ref, changes)

        self._bring(kept, UNTIL, until.isoformat(), update, more={FIELDS: fields})

    def _owe_comment(self, kept: _Kept, until: datetime, now: datetime) -> None:
        before = datetime.fromisoformat(kept.shown[UNTIL])
        text = self._writer.changed(kept.operation, kept.request, kept.line[-1], until=until, before=before, now=now)
        with self._services.store.write() as work:
            work.ticket_comments.owe(kept.ticket.id, f"{kept.ticket.id}-until-{until:%Y%m%dT%H%M%S}", text, now=now)
        self._comments.say(kept.ticket, kept.ref, kept.operation.lane)

    def _bring(
        self,
        kept: _Kept,
        what: str,
        wanted: str,
        call: Callable[[TicketProvider], object],
        *,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Make the ``call`` unless the issue shows what is wanted already, and note that it does, with what is ``more``."""
        if kept.shown.get(what) == wanted:
            return
        try:
            call(self._provider.in_lane(kept.operation.lane))
        except Permanent as failure:
            _log.warning("ticket.left_without", ticket=kept.ref.key, what=what, why=str(failure))
        except Failure as failure:
            _log.info("ticket.upkeep_postponed", ticket=kept.ref.key, what=what, why=str(failure))
            return
        with self._services.store.write() as work:
            current = work.tickets.get(kept.ticket.id)
            shown = dict(current.shown or {}) if current else {}
            work.tickets.set(kept.ticket.id, shown=shown | {what: wanted} | dict(more or {}))


def _line(work: UnitOfWork, operation: Operation, ticket: Ticket) -> Sequence[Claim]:
    """The claims by which the access that the ticket gives lasts; none where its text does not tell that."""
    if operation.direction is Direction.TAKE or operation.claim_id is None or ticket.state not in _TELLING:
        return ()
    return [each for each in work.claims.line_of(operation.request_id) if each.state is not ClaimState.VOID]


def _end_of(line: Sequence[Claim]) -> datetime | None:
    """Until when the access lasts, or lasted where it ended early."""
    ends = [end for end in (line[-1].ends_at, line[-1].ended_at) if end is not None]
    return min(ends, default=None)
