"""Fulfilment: carry operations out, one step of one operation at a time, so that a kill between any two loses nothing.

For an operation by API: look (what is there now), commit the intent with what was seen, write, read back, commit what was
seen. The look before the write is committed before the write, so that after a crash it is still known whether the access
was there already; the read back decides what is done, never the answer to the write.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import structlog
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_exponential

from access.failures import CredentialRefused, Failure, Transient, Unknown
from access.lifecycle import OperationState
from access.methods import Direction, Method
from access.operations import Operation
from access.provisioning import Provisioning
from access.retry import GiveUp, RetryAt, decide
from connectors.ports import Connector, Observation, Target
from store.leases import LeaseLost
from store.rows import operation_of
from store.unit_of_work import Conflict, Unavailable, UnitOfWork
from tasks import settlement
from tasks.faults import fault
from tasks.planning import Planner
from tasks.preconditions import NotWanted, NotYet, objection
from tasks.services import Services
from tasks.targets import target_of
from tasks.ticket_opener import TicketOpener

_log = structlog.get_logger(__name__)


class Fulfilment:
    """Carries requests and operations out."""

    def __init__(self, services: Services, desk: TicketOpener) -> None:
        self._services = services
        self._desk = desk
        self._planner = Planner(services)

    def fulfil(self, request_id: str) -> None:
        """Plan a request that is due, and carry its operations out as far as they go now."""
        self._carry_on(self._planner.plan(request_id))

    def operate(self, operation_id: str) -> None:
        """Go on with an operation that is due, and with those that follow it."""
        self._carry_on(self._begin(operation_id))

    def _carry_on(self, operation: Operation | None) -> None:
        while operation is not None:
            with structlog.contextvars.bound_contextvars(request_id=operation.request_id, operation_id=operation.id):
                following = self._safely(operation)
            operation = None if following is None else self._begin(following)

    def _safely(self, operation: Operation) -> str | None:
        try:
            return self._carry_out(operation)
        except LeaseLost:
            _log.warning("operation.taken_over", why="its lease ran out and another worker has it now")
        except Unavailable:
            raise  # Nothing can be written about it either: the operation is found again when its lease has run out.
        except Exception as exc:  # noqa: BLE001 - whatever it is, it must neither repeat for ever nor lose the work
            _log.exception("operation.broke")
            return self._after_breaking(operation, exc)
        return None

    def _after_breaking(self, operation: Operation, exc: Exception) -> str | None:
        """A fault of our own is one more failed try: counted, and in the end for a person."""
        try:
            with self._services.store.read() as work:
                now_is = work.operations.get(operation.id)
            if now_is is None or now_is.fence != operation.fence:
                return None
            if now_is.via is Method.TICKET:
                self._desk.put_back(now_is, fault(exc), ours=True)
                return None
            return self._retry(
                now_is, fault(exc), tries=max(now_is.tries, operation.tries + 1), wrote_at=now_is.wrote_at, keep=True
            )
        except LeaseLost:
            return None

    def _begin(self, operation_id: str) -> Operation | None:
        """Lease an operation, unless another is at the same access: then it waits a moment."""
        if self._services.mode is not Provisioning.ON:
            return None
        now = self._services.clock.now()
        try:
            with self._services.store.write() as work:
                operation = work.operations.get(operation_id)
                if operation is None or operation.due_at is None or operation.due_at > now:
                    return None
                if (
                    operation.state is OperationState.READY
                    and work.operations.busy_at(operation.access_key) is not None
                ):
                    self._wait_a_moment(work, operation_id, now=now)
                    return None
                row = work.operations.lease(
                    operation_id,
                    states=(OperationState.READY, OperationState.RUNNING),
                    now=now,
                    lasting=self._services.options.lease,
                    state=str(OperationState.RUNNING),
                )
                return None if row is None else operation_of(row)
        except Conflict:
            # Another operation began on this access in the same moment: it hurries this one when it ends.
            with self._services.store.write() as work:
                self._wait_a_moment(work, operation_id, now=now)
            return None

    def _wait_a_moment(self, work: UnitOfWork, operation_id: str, *, now: datetime) -> None:
        work.operations.step(
            operation_id,
            to=OperationState.READY,
            states=(OperationState.READY,),
            due_at=now + self._services.options.busy,
            dispatched_until=None,
        )

    def _carry_out(self, operation: Operation) -> str | None:
        """One operation, as far as it goes now; the id of the one that may begin next."""
        if operation.via is Method.TICKET:
            return self._desk.open(operation)
        target = target_of(operation)
        wanted = operation.direction.wants_present
        try:
            connector = self._services.connector(operation.system, operation.lane)
            seen = connector.observe(target)
        except Failure as failure:
            tried = operation.before is not None
            return self._retry(operation, failure, tries=operation.tries + 1, wrote_at=operation.wrote_at, keep=tried)
        if seen.present is wanted:
            return self._done(operation, seen)
        if self._may_still_show(operation):
            return self._look_again(operation, seen.evidence)
        if operation.wrote_at is not None:
            unseen = Transient(
                f"Written {operation.tries} times, and {operation.system} does not show it: {seen.evidence}."
            )
            if isinstance(self._verdict(operation, unseen, tries=operation.tries), GiveUp):
                return self._retry(operation, unseen, tries=operation.tries, wrote_at=operation.wrote_at)
        intended = self._intend(operation, seen)
        if intended is None:
            return None
        return self._write_and_check(connector, intended, target, wrote_before=operation.wrote_at)

    def _write_and_check(
        self, connector: Connector, operation: Operation, target: Target, *, wrote_before: datetime | None
    ) -> str | None:
        try:
            # What the answer says of the access before is not believed: "already so" may be our own first try, unanswered.
            self._write(connector, operation, target)
        except Unknown as unknown:
            _log.warning("write.unknown", why=str(unknown))
        except Failure as failure:
            # Not known to have happened; whether it will is not certain either, so the access stays ours until we looked.
            keep = wrote_before is not None or isinstance(failure, Transient)
            return self._retry(operation, failure, tries=operation.tries, wrote_at=wrote_before, keep=keep)
        try:
            seen = self._read_back(connector, operation, target)
        except Failure as failure:
            asked = failure.retry_after if isinstance(failure, Transient) else None
            return self._look_again(operation, f"it could not be read back: {failure}", wait=asked)
        if seen.present is not operation.direction.wants_present:
            return self._look_again(operation, seen.evidence)
        return self._done(operation, seen)

    def _may_still_show(self, operation: Operation) -> bool:
        """Whether a write of ours may have happened that the system does not show yet."""
        wrote = operation.wrote_at
        return wrote is not None and self._services.clock.now() < wrote + self._services.options.visible_within

    def _intend(self, operation: Operation, seen: Observation) -> Operation | None:
        """Commit that we are about to write, and what was there before; None when the write is no longer wanted."""
        now = self._services.clock.now()
        before = operation.before or ("present" if seen.present else "absent")
        with self._services.store.write(holding=operation.access_key) as work:
            match objection(work, operation):
                case NotWanted(why=why):
                    self._drop(work, operation, why, now=now)
                    return None
                case NotYet(why=why):
                    self._yield(work, operation, why, now=now)
                    return None
            work.operations.settle(
                operation.id,
                fence=operation.fence,
                before=before,
                wrote_at=now,
                tries=operation.tries + 1,
                first_tried_at=operation.first_tried_at or now,
                lease_until=now + self._services.options.lease,
            )
        return replace(
            operation,
            before=before,
            wrote_at=now,
            tries=operation.tries + 1,
            first_tried_at=operation.first_tried_at or now,
        )

    def _drop(self, work: UnitOfWork, operation: Operation, why: str, *, now: datetime) -> None:
        """Drop it, once no write of it can show any more: an earlier one that failed may have happened all the same."""
        if operation.before is None or operation.wrote_at is not None:
            settlement.dropped(work, operation, why, now=now)
            return
        until = now + self._services.options.look_again
        work.operations.settle(operation.id, fence=operation.fence, wrote_at=now, due_at=until, error=why)

    def _yield(self, work: UnitOfWork, operation: Operation, why: str, *, now: datetime) -> None:
        """Let others at the access first, and come back."""
        until = now + self._services.options.look_again
        work.operations.settle(operation.id, fence=operation.fence, state=str(OperationState.READY), due_at=until)
        _log.info("operation.yields", why=why, until=until)

    @staticmethod
    def _write(connector: Connector, operation: Operation, target: Target) -> None:
        if operation.direction is Direction.GIVE:
            connector.give(target)
        else:
            connector.take(target)

    def _read_back(self, connector: Connector, operation: Operation, target: Target) -> Observation:
        """What the system shows after the write, given a moment to show it."""
        wanted = operation.direction.wants_present
        retry_policy = Retrying(
            stop=stop_after_delay(self._services.options.read_back),
            wait=wait_exponential(multiplier=0.05, max=0.5),
            retry=retry_if_result(lambda seen: seen.present is not wanted),
        )
        try:
            return retry_policy(connector.observe, target)
        except RetryError as exhausted:
            seen: Observation = exhausted.last_attempt.result()
            return seen

    def _done(self, operation: Operation, seen: Observation) -> str | None:
        now = self._services.clock.now()
        with self._services.store.write(holding=operation.access_key) as work:
            # What the first look saw was committed before the first write: without it, nothing here is by us.
            return settlement.done(work, operation, seen, was_there=operation.before is None, now=now)

    def _look_again(self, operation: Operation, what: str, *, wait: timedelta | None = None) -> str | None:
        """Written, and not seen yet: look again soon; it is only written again once it can no longer appear."""
        due = self._services.clock.now() + max(self._services.options.look_again, wait or timedelta(0))
        why = f"Written, and not seen yet: {what}."
        with self._services.store.write() as work:
            work.operations.settle(operation.id, fence=operation.fence, due_at=due, error=why)
        _log.info("operation.unseen", why=why, until=due)
        return None

    def _verdict(self, operation: Operation, failure: Failure, *, tries: int) -> RetryAt | GiveUp:
        now = self._services.clock.now()
        first = operation.first_tried_at or now
        return decide(
            failure,
            tries=tries,
            first_tried_at=first,
            now=now,
            limits=self._services.options.retry,
        )

    def _retry(
        self, operation: Operation, failure: Failure, *, tries: int, wrote_at: datetime | None, keep: bool = False
    ) -> str | None:
        """Put the operation back with the time of its next try, or hand it to a person when there is none.

        It keeps the access to itself while a write of it may still take effect, or ``keep`` is set.
        """
        now = self._services.clock.now()
        verdict = self._verdict(operation, failure, tries=tries)
        if isinstance(verdict, GiveUp):
            return self._hand_over(operation, verdict.reason)
        if isinstance(failure, Transient) and not failure.counted:
            tries = max(0, tries - 1)
        with self._services.store.write() as work:
            work.operations.settle(
                operation.id,
                fence=operation.fence,
                state=str(OperationState.RUNNING if keep or wrote_at is not None else OperationState.READY),
                wrote_at=wrote_at,
                tries=tries,
                first_tried_at=operation.first_tried_at or now,
                due_at=verdict.at,
                error=str(failure),
            )
            work.audit.record(
                "operation.retry",
                "operation",
                operation.id,
                now=now,
                request_id=operation.request_id,
                failure=failure.word,
                why=str(failure),
                tries=tries,
            )
        level = _log.error if isinstance(failure, CredentialRefused) else _log.warning
        level("operation.retry", failure=failure.word, why=str(failure), tries=tries, until=verdict.at)
        return None

    def _hand_over(self, operation: Operation, reason: str) -> str | None:
        """What cannot be automated becomes a ticket."""
        now = self._services.clock.now()
        why = f"the API could not do it: {reason}"
        with self._services.store.write() as work:
            work.operations.settle(
                operation.id,
                fence=operation.fence,
                via=str(Method.TICKET),
                why=why,
                error=reason,
                tries=0,
                first_tried_at=None,
                lease_until=now + self._services.options.lease,
            )
            work.audit.record(
                "operation.handed_over", "operation", operation.id, now=now, request_id=operation.request_id, why=why
            )
        _log.warning("operation.handed_over", why=why)
        return self._desk.open(
            replace(operation, via=Method.TICKET, why=why, error=reason, tries=0, first_tried_at=None)
        )
