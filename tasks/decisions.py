"""What a person decides about work that does not go on, or shall not: to try again, to cancel, to settle. All are audited."""

from __future__ import annotations

from datetime import datetime

from access import actors
from access.clock import Clock
from access.ledger import Ended
from access.lifecycle import ENDS, ClaimState, OperationState, RequestState
from access.methods import Direction
from access.operations import Claim, Operation, Purpose, Request
from access.remedies import WithRemedy
from store.unit_of_work import Store, UnitOfWork
from tasks import claims, ledger, settlement
from tasks.revocation import withdraw


class NotPossible(WithRemedy, Exception):  # noqa: N818 - an answer to the person, not an error
    """The decision cannot be carried out: ``what`` keeps it from that, and the ``remedy``."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


class Decisions:
    """Carries decisions out; ``by`` names who makes them. All raise ``NotPossible``."""

    def __init__(self, store: Store, clock: Clock, *, by: str) -> None:
        self._store = store
        self._clock = clock
        self._by = by

    def retry(self, request_id: str, *, reason: str) -> None:
        """Try now what waits or is blocked of a request, or of the end of its claim."""
        now = self._clock.now()
        with self._store.write() as work:
            request = work.requests.get(request_id)
            retried = [
                each for each in work.operations.of_request(request_id) if self._retry(work, each, reason, now=now)
            ]
            undecided = request is not None and (
                request.state in (RequestState.RECEIVED, RequestState.PLANNED) or _is_undecided(request)
            )
            if undecided:
                work.requests.set(request_id, due_at=now, dispatched_until=None)
            if not retried and not undecided:
                raise NotPossible("Nothing waits or is blocked of such a request.", _SEE)
            self._record(work, "request.retried", request_id, request_id, reason)

    def retry_operation(self, operation_id: str, *, reason: str) -> None:
        """Try an operation now that waits or is blocked."""
        now = self._clock.now()
        with self._store.write() as work:
            operation = self._operation(work, operation_id)
            if not self._retry(work, operation, reason, now=now):
                raise NotPossible(f"The operation is {operation.state}: there is nothing to try.", _SEE)
            self._record(work, "operation.retried", operation.id, operation.request_id, reason)

    def retry_claim(self, claim_id: str, *, reason: str) -> None:
        """Try now to give, or to take away, what a claim is about."""
        with self._store.read() as work:
            claim = self._claim(work, claim_id)
        if claim.state is ClaimState.ENDING and claim.ended_by is not None:
            self.retry_operation(claim.ended_by, reason=reason)
        elif claim.state is ClaimState.PENDING:
            self.retry(claim.request_id, reason=reason)
        else:
            raise NotPossible(f"The claim is {claim.state}: there is nothing to try.", _SEE)

    def cancel(self, request_id: str, *, reason: str) -> None:
        """Call back a request that is not done. Its ticket is closed."""
        now, why = self._clock.now(), self._said(reason)
        with self._store.read() as work:
            request = work.requests.get(request_id)
            operations = work.operations.of_request(request_id, purpose=Purpose.REQUEST)
        if request is None:
            raise NotPossible("There is no such request.", "See 'provisor requests list'.")
        with self._store.write(holding=operations[-1].access_key if operations else None) as work:
            operations = work.operations.of_request(request_id, purpose=Purpose.REQUEST)
            request = work.requests.get(request_id)
            if request is None or request.state in ENDS["request"]:
                state = "gone" if request is None else request.state
                raise NotPossible(f"The request is {state} already.", "To take access away, send a request to revoke.")
            for operation in operations:
                self._may_be_cancelled(work, operation)
            withdraw(work, request_id, why=why, now=now)
            self._record(work, "request.cancelled", request_id, request_id, reason)

    def cancel_operation(self, operation_id: str, *, reason: str) -> None:
        """Call back the request that an operation belongs to."""
        with self._store.read() as work:
            operation = self._operation(work, operation_id)
        if operation.purpose is not Purpose.REQUEST:
            raise NotPossible("It takes away what a claim gave whose time is up.", "Use 'provisor operations settle'.")
        self.cancel(operation.request_id, reason=reason)

    def cancel_claim(self, claim_id: str, *, reason: str) -> None:
        """End a claim now: what it gave is taken away, or is not given."""
        with self._store.read() as work:
            claim = self._claim(work, claim_id)
        if claim.state is ClaimState.PENDING:
            self.cancel(claim.request_id, reason=reason)
            return
        now = self._clock.now()
        with self._store.write(holding=claim.access_key) as work:
            claim = self._claim(work, claim_id)
            if claim.state is not ClaimState.ACTIVE:
                raise NotPossible(f"The claim is {claim.state} already.", _SEE)
            claims.end_now(work, claim, now=now)
            self._record(work, "claim.cancelled", claim.id, claim.request_id, reason)

    def settle_account(self, request_id: str, account_id: str, *, reason: str) -> None:
        """Say which account a request means whose account is not proven. Raises ``NotPossible`` for any other request.

        The request is planned again for this account, which has to exist.
        """
        now = self._clock.now()
        with self._store.write() as work:
            request = work.requests.get(request_id)
            if request is None or not _is_undecided(request):
                raise NotPossible("It is no request that waits for somebody to say which account it means.", _SEE)
            work.requests.set(request_id, settled_account=account_id, due_at=now, dispatched_until=None)
            self._record(work, "request.settled", request_id, request_id, reason, account=account_id)

    def settle(self, claim_id: str, *, reason: str) -> None:
        """End a claim whose access nobody can take away or see.

        The removal is dropped when no other claim waits for it, and the request for it counts as called back.
        """
        with self._store.read() as work:
            claim = self._claim(work, claim_id)
        with self._store.write(holding=claim.access_key) as work:
            claim = self._claim(work, claim_id)
            operation = self._blocked_removal_of(work, claim)
            if operation is None:
                raise NotPossible(
                    f"The claim is {claim.state}, and only one whose removal is blocked is settled.",
                    "See 'provisor claims list --state ending'.",
                )
            self._end(work, claim, reason)
            if not work.claims.ended_by(operation.id):
                self._drop(work, operation, reason)

    def settle_operation(self, operation_id: str, *, reason: str) -> None:
        """End a blocked removal, and all claims that were to end with it, as they are."""
        with self._store.read() as work:
            operation = self._operation(work, operation_id)
        with self._store.write(holding=operation.access_key) as work:
            operation = self._operation(work, operation_id)
            if operation.state is not OperationState.BLOCKED:
                raise NotPossible(
                    f"The operation is {operation.state}, and only a removal that is blocked is settled.", _SEE
                )
            for claim in work.claims.ended_by(operation.id):
                self._end(work, claim, reason)
            self._record(work, "operation.settled", operation.id, operation.request_id, reason)
            self._drop(work, operation, reason)

    def _retry(self, work: UnitOfWork, operation: Operation, reason: str, *, now: datetime) -> bool:
        if operation.state is OperationState.BLOCKED:
            settlement.resume(work, operation, why=self._said(reason), now=now, retried_at=now)
            return True
        # An operation that is leased has no due time in the future; one that waits for another has none at all.
        waits = operation.state in (OperationState.READY, OperationState.RUNNING) and operation.due_at is not None
        if waits:
            work.operations.set(operation.id, due_at=now, dispatched_until=None)
        return waits

    @staticmethod
    def _may_be_cancelled(work: UnitOfWork, operation: Operation) -> None:
        """Raise ``NotPossible`` where something would be left behind."""
        if operation.direction is Direction.TAKE and work.claims.ended_by(operation.id):
            raise NotPossible(
                "It takes away what claims gave that are over: that is not undone.", "Use 'provisor claims settle'."
            )
        if operation.state is OperationState.RUNNING:
            raise NotPossible(
                "A worker is at it, and may have changed the access already.", "Send a request for the contrary."
            )

    def _end(self, work: UnitOfWork, claim: Claim, reason: str) -> None:
        self._record(work, "claim.settled", claim.id, claim.request_id, reason)
        ledger.close(work, claim.access_key, ended=Ended.SETTLED, now=self._clock.now())
        claims.end(work, claim, why=self._said(reason), now=self._clock.now())

    def _drop(self, work: UnitOfWork, operation: Operation, reason: str) -> None:
        now, why = self._clock.now(), self._said(reason)
        settlement.drop(work, operation, why=why, now=now)
        if operation.purpose is Purpose.REQUEST:
            settlement.finish(work, operation.request_id, RequestState.WITHDRAWN, now=now, reason=why)

    @staticmethod
    def _operation(work: UnitOfWork, operation_id: str) -> Operation:
        found = work.operations.get(operation_id)
        if found is None:
            raise NotPossible("There is no such operation.", "See 'provisor operations list'.")
        return found

    @staticmethod
    def _claim(work: UnitOfWork, claim_id: str) -> Claim:
        found = work.claims.get(claim_id)
        if found is None:
            raise NotPossible("There is no such claim.", "See 'provisor claims list'.")
        return found

    @staticmethod
    def _blocked_removal_of(work: UnitOfWork, claim: Claim) -> Operation | None:
        if claim.state is not ClaimState.ENDING or claim.ended_by is None:
            return None
        operation = work.operations.get(claim.ended_by)
        return operation if operation is not None and operation.state is OperationState.BLOCKED else None

    def _said(self, reason: str) -> str:
        return f"{self._by}: {reason}"

    def _record(
        self, work: UnitOfWork, event: str, entity_id: str, request_id: str, reason: str, **detail: str
    ) -> None:
        entity, now = event.partition(".")[0], self._clock.now()
        work.audit.record(
            event,
            entity,
            entity_id,
            now=now,
            request_id=request_id,
            reason=reason,
            actor=actors.operator(self._by),
            **detail,
        )


def _is_undecided(request: Request) -> bool:
    """Whether the request waits for a decision of whose access it means: none of its operations waits."""
    return request.state is RequestState.BLOCKED and request.due_at is not None


_SEE = "See 'provisor waiting' for what waits."
