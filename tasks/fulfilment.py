"""Fulfilment: carries operations out in committed steps, so that a kill between any two of them loses nothing.

For an operation by API: look (what is there now), commit the intent with what was seen, write, read back, commit what was
seen. The first look is committed before the write, so that after a crash it is still known whether the access was there
before. Only what is read back decides that an operation is done, never the response to the write.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

import structlog
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_exponential

from access.accounts import NoMatch
from access.failures import Failure, Transient, Unknown, Unseen, asked_wait
from access.faults import Phase
from access.guard import Barred, ByPerson, Facts, Guarded
from access.ledger import Cause, SeenBy
from access.lifecycle import STANDING, OperationState
from access.methods import Direction, Method
from access.operations import Operation
from access.proof import REPEATABLE, Verdict
from access.retry import GiveUp
from connectors.ports import Connector, Observation, Target
from httpclient import read_again, shared_reads
from store.outbox import Topic
from store.unit_of_work import UnitOfWork
from tasks import ledger, settlement
from tasks.attempts import attempt, next_try
from tasks.blocked_removals import BlockedRemovals
from tasks.faults import Row
from tasks.feeding import Feeding
from tasks.guard import facts_now, rule_on, target_of
from tasks.lateness import end_too_late, is_too_late, next_moment, raise_if_late
from tasks.looks import look, look_twice, proven_gone, verdict_on
from tasks.planning import Planner
from tasks.postponement import hold_operation, put_back
from tasks.preconditions import NotWanted, NotYet, objection
from tasks.propagation import NotPassedOn, NotYetPassedOn, Propagation
from tasks.services import Services
from tasks.taking_up import mark_beside, take_up
from tasks.ticket_opener import TicketOpener

_log = structlog.get_logger(__name__)

T = TypeVar("T")


class _End(Protocol):
    """A way for an operation to end that changed nothing."""

    def __call__(self, work: UnitOfWork, operation: Operation, why: str, /, *, now: datetime) -> None: ...


#: A removal whose access was not looked at before the write: what its claim gave is taken whatever a look shows.
_UNREAD = Observation(present=False, evidence="It was not read before the write")


@dataclass(frozen=True, slots=True)
class _Intended:
    """An operation whose write is to be sent, as the store has it by now; ``wrote_before`` is when it was sent before."""

    connector: Connector
    operation: Operation
    target: Target
    wrote_before: datetime | None


@dataclass(frozen=True, slots=True)
class _Sent:
    """An operation whose write was sent; ``unanswered`` is why it is not known what came of that."""

    connector: Connector
    operation: Operation
    target: Target
    accepted_at: datetime | None
    unanswered: Unknown | None


class Fulfilment:
    """Carries requests and operations out."""

    def __init__(self, services: Services, ticket_opener: TicketOpener) -> None:
        self._services = services
        self._ticket_opener = ticket_opener
        feeding = Feeding(services)
        self._propagation = Propagation(services, feeding)
        self._planner = Planner(services, feeding)
        self._blocked = BlockedRemovals(services, self._done)

    def fulfil(self, request_id: str) -> None:
        """Plan a request that is due, and carry its first operation out, with those of other grants to the same person."""
        with shared_reads():
            begun = self._planner.plan(request_id)
            if begun is None:
                return
            beside = mark_beside(self._services, begun.operation)
            with self._services.under_way.also([(Topic.REQUEST, each) for each in beside]):
                planned = (begun, *map(self._planner.plan, beside))
                prepared = [self._prepare(each.operation, each.facts) for each in planned if each is not None]
                self._carry_out(prepared)

    def operate(self, operation_id: str) -> None:
        """Go on with an operation that is due."""
        operation = take_up(self._services, operation_id)
        if operation is not None:
            self._carry_out([self._prepare(operation)])

    def _carry_out(self, prepared: Sequence[_Intended | None]) -> None:
        """Send the writes that are to be sent, and then read back what they changed: one read may serve several."""
        intended = [each for each in prepared if each is not None]
        sent = [self._attempt(each.operation, partial(self._send, each)) for each in intended]
        with shared_reads():
            for each in sent:
                if each is not None:
                    self._attempt(each.operation, partial(self._confirm, each))

    def _prepare(self, operation: Operation, facts: Facts | None = None) -> _Intended | None:
        """Bring an operation, leased to us, as far as it goes without a write by API; the write, where one is to be sent.

        ``facts`` are those of a plan that was made a moment ago, of which the guard was asked then.
        """
        return self._attempt(operation, lambda: self._go_on(operation, facts))

    def _attempt(self, operation: Operation, do: Callable[[], T]) -> T | None:
        with structlog.contextvars.bound_contextvars(request_id=operation.request_id, operation_id=operation.id):
            return attempt("operation", do, lambda failure: self._put_back(operation, failure))

    def _go_on(self, operation: Operation, facts: Facts | None) -> _Intended | None:
        if operation.state is OperationState.BLOCKED:
            self._blocked.look_at(operation)
            return None
        too_late = facts is None and is_too_late(self._services, operation)
        if too_late and operation.before is None:
            end_too_late(self._services, operation)  # Nothing was ever sent: no fault keeps it from ending.
            return None
        by_ticket = operation.via is Method.TICKET
        row = self._ticket_opener.row(operation) if by_ticket else Row.of_operation(operation)
        if (fault := self._services.faults.held(row)) is not None and hold_operation(
            self._services, operation, row, fault
        ):
            return None
        if too_late:
            end_too_late(self._services, operation)
        elif by_ticket:
            self._ticket_opener.open(operation)
        elif operation.via is Method.PROPAGATION:
            self._by_propagation(operation)
        else:
            return self._by_api(operation, facts)
        return None

    def _by_propagation(self, operation: Operation) -> None:
        match self._propagation.go_on(operation):
            case NotPassedOn(why=why):
                self._hand_over(operation, why)
            case NotYetPassedOn(evidence=evidence):
                self._look_again(operation, evidence)

    def _put_back(self, operation: Operation, failure: Failure) -> None:
        """The attempt at the operation ended in ``failure``: try it again later, or give it to a person."""
        with self._services.store.read() as work:
            current = work.operations.get(operation.id)
        if current is None or current.fence != operation.fence:
            return
        if current.state is OperationState.BLOCKED:
            self._blocked.stay(current, current.error or str(failure), missing=current.missing)
            return
        if current.via is Method.TICKET:
            self._ticket_opener.put_back(current, failure)
            return
        tries = max(current.tries, operation.tries + 1)
        keep = current.before is not None
        self._retry(current, failure, Phase.READ, tries=tries, wrote_at=current.wrote_at, keep=keep)

    def _by_api(self, operation: Operation, facts: Facts | None) -> _Intended | None:
        """Look, and commit the intent to write unless the look proves that there is nothing to write, or not yet."""
        connector = self._services.connector(operation.system, operation.lane)
        seen = _UNREAD if self._goes_unread(operation) else look(connector, operation)
        as_wanted = seen is not _UNREAD and (seen.gone or seen.shows(operation.direction))
        if as_wanted:
            match verdict_on(self._services, operation, seen):
                case Verdict.DONE:
                    self._was_read(operation)
                    self._done(operation, seen)
                    return None
                case Verdict.LOOK_AGAIN:
                    self._was_read(operation)
                    look_twice(self._services, operation)
                    return None
        elif seen.missing and operation.direction is Direction.TAKE:
            self._blocked.block(operation, f"It cannot be seen: {seen.evidence}", seen.missing)
            return None
        elif self._may_still_show(operation):
            self._was_read(operation)
            self._look_again(operation, seen.evidence)
            return None
        facts = facts or self._facts_that_allow(connector, operation, seen)
        if facts is None:
            return None
        self._was_read(operation)
        if operation.accepted_at is not None and not as_wanted:
            unseen = Transient(
                f"Written {operation.tries} times, and {operation.system} does not show it: {seen.evidence}."
            )
            verdict = next_try(
                self._services, unseen, tries=operation.tries, first_tried_at=operation.first_tried_at, bounded=True
            )
            if isinstance(verdict, GiveUp):
                self._hand_over(operation, verdict.reason)
                return None
        return self._intend(connector, operation, seen, facts)

    def _goes_unread(self, operation: Operation) -> bool:
        """Whether it is the first try to take away what a claim of ours gave, which is sent whatever a look would show."""
        if (
            operation.direction is Direction.GIVE
            or operation.before is not None
            or operation.entitlement.kind not in REPEATABLE
        ):
            return False
        with self._services.store.read() as work:
            standing = work.claims.on(operation.access_key, states=STANDING)
        return any(claim.starts_at is not None and not claim.pre_existing for claim in standing)

    def _was_read(self, operation: Operation) -> None:
        """All was answered that has to be read before the change: no fault keeps others from that."""
        self._services.faults.passed(Row.of_operation(operation), Phase.READ)

    def _facts_that_allow(self, connector: Connector, operation: Operation, seen: Observation) -> Facts | None:
        """Ask the guard with today's facts, and return them; None where it is against it: a person takes over, or nobody.

        A removal whose thing is missing ends with the proof that the thing is gone, or is blocked as one that cannot be seen.
        """
        with shared_reads(anew=operation.tries > 0 or operation.error is not None):
            found = connector.find_entitlement(operation.entitlement)
            if isinstance(found, NoMatch) and seen is _UNREAD:
                seen = look(connector, operation)
            if isinstance(found, NoMatch) and operation.direction is Direction.TAKE and not seen.present:
                self._settle_missing(connector, operation, found.sentence(), seen)
                return None
            # Of a thing that is missing the write tells why it cannot be done.
            thing = None if isinstance(found, NoMatch) else found
            facts = facts_now(self._services, connector, operation, thing=thing)
        ruling = rule_on(self._services, operation, facts)
        if ruling is not None:
            self._obey(operation, ruling)
        return facts if ruling is None else None

    def _settle_missing(self, connector: Connector, operation: Operation, why: str, seen: Observation) -> None:
        """A removal whose thing or account is missing is done where that is proven to be gone, and else blocked."""
        seen = seen if seen.gone else proven_gone(connector, Target.of(operation), seen)
        if seen.gone:
            self._done(operation, seen)
        else:
            self._blocked.block(operation, f"It cannot be seen: {why}", seen.missing)

    def _obey(self, operation: Operation, ruling: ByPerson | Barred) -> None:
        """What only a person may change is handed over; what the guard bars has failed."""
        if isinstance(ruling, ByPerson):
            self._hand_over(operation, ruling.why, why=ruling.why)
            return
        with self._services.store.write(holding=operation.access_key) as work:
            settlement.given_up(work, operation, ruling.why, now=self._services.clock.now())

    def _send(self, intended: _Intended) -> _Sent | None:
        """Send a write; None where it did not happen, and what follows from that is settled."""
        connector, operation, target = intended.connector, intended.operation, intended.target
        wrote_before = intended.wrote_before
        accepted_at = operation.accepted_at
        unanswered: Unknown | None = None
        try:
            if operation.direction is Direction.GIVE:
                made = connector.give(target)
                if made is not None and operation.account_id is None:
                    operation = self._learn_account(operation, made)
                    target = Target.of(operation)
            else:
                connector.take(target)
            accepted_at = self._services.clock.now()
            self._services.faults.passed(Row.of_operation(operation), Phase.READ, Phase.WRITE)
        except Unknown as unknown:
            _log.warning("write.unknown", why=str(unknown))
            unanswered = unknown
        except Guarded as guarded:
            self._obey(replace(operation, wrote_at=wrote_before), guarded.ruling)
            return None
        except Failure as failure:
            if isinstance(failure, Unseen) and operation.direction is Direction.TAKE:
                self._settle_missing(connector, operation, str(failure), look(connector, operation))
                return None
            # After a ``Transient`` the write may still take effect. Keep the access until the system has been read again.
            keep = wrote_before is not None or isinstance(failure, Transient)
            self._retry(operation, failure, Phase.WRITE, tries=operation.tries, wrote_at=wrote_before, keep=keep)
            return None
        return _Sent(connector, operation, target, accepted_at, unanswered)

    def _confirm(self, sent: _Sent) -> None:
        """Read back what was written, and commit what was seen."""
        operation, accepted_at = sent.operation, sent.accepted_at
        try:
            seen = self._read_back(sent.connector, operation, sent.target)
            if seen.missing and operation.direction is Direction.TAKE and accepted_at is not None:
                # No look came before a removal sent unread: that its account is gone may show only now.
                seen = proven_gone(sent.connector, sent.target, seen)
        except Failure as failure:
            what = f"it could not be read back: {failure}"
            self._look_again(operation, what, (failure, Phase.READ), accepted_at=accepted_at)
            return
        heard = accepted_at is not None or operation.direction is Direction.GIVE
        if heard and seen.shows(operation.direction):
            self._done(operation, seen)
        else:
            fault = None if sent.unanswered is None else (sent.unanswered, Phase.WRITE)
            self._look_again(operation, seen.evidence, fault, accepted_at=accepted_at)

    def _learn_account(self, operation: Operation, account_id: str) -> Operation:
        """Keep the account that the system made, or named, for an address: a search may not find it."""
        with self._services.store.write(holding=operation.access_key) as work:
            work.operations.learn_account(operation, account_id)
            work.claims.learn_account(operation.request_id, account_id, proven=True)
        return replace(operation, account_id=account_id)

    def _may_still_show(self, operation: Operation) -> bool:
        """Whether we wrote so recently that the system may not show the write yet.

        A removal that was not accepted is sent again at once: it may not have been sent at all, and is safe to repeat.
        """
        if operation.direction is Direction.TAKE and operation.accepted_at is None:
            return False
        wrote = operation.wrote_at
        return wrote is not None and self._services.clock.now() < wrote + self._services.options.visible_within

    def _intend(self, connector: Connector, operation: Operation, seen: Observation, facts: Facts) -> _Intended | None:
        """Commit that we are about to write, and what was there before; None when the write is not wanted now."""
        now = self._services.clock.now()
        target = target_of(self._services, operation, facts)
        intent: dict[str, Any] = {
            "before": operation.before or ("unread" if seen is _UNREAD else "present" if seen.present else "absent"),
            "wrote_at": now,
            "tries": operation.tries + 1,
            "first_tried_at": operation.first_tried_at or now,
            "there_at": now if seen.present else operation.there_at,
        }
        with self._services.store.write(holding=operation.access_key) as work:
            match objection(work, operation):
                case NotWanted(why=why):
                    self._drop(work, operation, why, now=now)
                    return None
                case NotYet(why=why):
                    self._defer(work, operation, why, now=now)
                    return None
                case Barred(why=why):
                    self._drop(work, operation, why, now=now, end=settlement.given_up)
                    return None
            lease_until = now + self._services.options.lease
            work.operations.settle(operation.id, fence=operation.fence, lease_until=lease_until, **intent)
            if operation.direction is Direction.GIVE and operation.before is None and not seen.present:
                ledger.lost(work, operation.access_key, seen_by=SeenBy.LOOK, now=now)
            if operation.direction is Direction.TAKE and target.terms.keeps_last:
                # Of two who leave at once, the one whose intent is committed second counts the first as gone.
                target = replace(target, leaving=work.operations.leaving(operation))
        return _Intended(connector, replace(operation, **intent), target, operation.wrote_at)

    def _drop(
        self, work: UnitOfWork, operation: Operation, why: str, *, now: datetime, end: _End = settlement.dropped
    ) -> None:
        """End the operation once no write of ours can show any more: an earlier try that failed may still take effect."""
        if operation.before is None or operation.wrote_at is not None:
            end(work, operation, why, now=now)
            return
        until = now + self._services.options.look_again
        work.operations.settle(operation.id, fence=operation.fence, wrote_at=now, due_at=until, error=why)

    def _defer(self, work: UnitOfWork, operation: Operation, why: str, *, now: datetime) -> None:
        """Let the other operations at the access go first, and come back."""
        until = now + self._services.options.look_again
        work.operations.settle(operation.id, fence=operation.fence, state=str(OperationState.READY), due_at=until)
        _log.info("operation.deferred", why=why, until=until)

    def _read_back(self, connector: Connector, operation: Operation, target: Target) -> Observation:
        """What the system shows after the write, given a moment to show it."""
        wanted = operation.direction.wants_present
        retrying = Retrying(
            stop=stop_after_delay(self._services.options.read_back),
            wait=wait_exponential(multiplier=0.05, max=0.5),
            retry=retry_if_result(lambda seen: seen.present is not wanted),
            before_sleep=lambda _: read_again(),
        )
        try:
            return retrying(connector.observe, target)
        except RetryError as exhausted:
            seen: Observation = exhausted.last_attempt.result()
            return seen

    def _done(self, operation: Operation, seen: Observation) -> None:
        now = self._services.clock.now()
        # The first look is committed before the first write: without one, we have written nothing.
        was_there = operation.before is None
        with self._services.store.write(holding=operation.access_key) as work:
            wake_ups = settlement.done(work, operation, seen, was_there=was_there, now=now)
        self._services.publisher.send(wake_ups)

    def _look_again(
        self,
        operation: Operation,
        what: str,
        fault: tuple[Failure, Phase] | None = None,
        *,
        accepted_at: datetime | None = None,
    ) -> None:
        """Written, and not seen yet: look again soon. It is written again only when this write can show no more.

        ``fault`` is what kept the write from being answered or seen, and in which phase.
        """
        due = self._services.clock.now() + self._services.options.look_again
        why = f"Written, and not seen yet: {what}."
        with self._services.store.write() as work:
            if fault is not None:
                failure, phase = fault
                due = max(due, self._services.clock.now() + asked_wait(failure))
                due = self._services.faults.met(work, Row.of_operation(operation), failure, phase, otherwise=due)
            else:
                ledger.waits_for(work, operation, Cause.UNSEEN, now=self._services.clock.now())
            work.operations.settle(
                operation.id,
                fence=operation.fence,
                due_at=next_moment(self._services, operation, until=due, within=work),
                error=why,
                accepted_at=accepted_at or operation.accepted_at,
            )
            raise_if_late(self._services, work, operation, why=why)
        _log.info("operation.unseen", why=why, until=due)

    def _retry(
        self,
        operation: Operation,
        failure: Failure,
        phase: Phase,
        *,
        tries: int,
        wrote_at: datetime | None,
        keep: bool,
    ) -> None:
        """Put the operation back with the time of its next try, or hand it to a person when the service refuses it for good.

        The operation keeps the access to itself when ``keep`` is set, or while a write of it may still take effect.
        """
        # What the service answers to a look is no refusal of the change.
        final = phase is Phase.WRITE or failure.status is None
        verdict = next_try(self._services, failure, tries=tries, first_tried_at=operation.first_tried_at, final=final)
        if isinstance(verdict, GiveUp):
            self._hand_over(operation, verdict.reason)
            return
        state = OperationState.RUNNING if keep or wrote_at is not None else OperationState.READY
        put_back(
            self._services,
            operation,
            failure,
            Row.of_operation(operation),
            phase,
            tries=tries,
            until=verdict.at,
            state=str(state),
            wrote_at=wrote_at,
        )

    def _hand_over(self, operation: Operation, reason: str, *, why: str | None = None) -> None:
        """An operation that cannot be automated becomes one by ticket. ``why`` is a clause for whoever gets the ticket."""
        now = self._services.clock.now()
        why = why or f"the API could not do it: {reason}"
        handed_over = replace(operation, via=Method.TICKET, why=why, error=reason, tries=0, first_tried_at=None)
        with self._services.store.write() as work:
            work.operations.settle(
                operation.id,
                fence=operation.fence,
                via=str(Method.TICKET),
                why=why,
                error=reason,
                tries=0,
                first_tried_at=None,
                wrote_at=operation.wrote_at,
                lease_until=now + self._services.options.lease,
            )
            work.audit.record(
                "operation.handed_over", "operation", operation.id, now=now, request_id=operation.request_id, why=why
            )
        _log.warning("operation.handed_over", why=why)
        self._prepare(handed_over)
