"""What a person decides about removals that cannot go on by themselves. Each decision is audited.

To try again, to end the claim, or whose access is meant.
"""

from __future__ import annotations

from access.clock import Clock
from access.lifecycle import ClaimState, OperationState, RequestState
from access.operations import Claim, Operation, Purpose, Request
from store.unit_of_work import Store, UnitOfWork
from tasks import claims, settlement


class Decisions:
    """Carries decisions out; ``by`` names who makes them."""

    def __init__(self, store: Store, clock: Clock, *, by: str) -> None:
        self._store = store
        self._clock = clock
        self._by = by

    def retry(self, request_id: str, *, reason: str) -> bool:
        """Try again what is blocked of a request or of the end of its claim; whether anything was."""
        now = self._clock.now()
        with self._store.write() as work:
            blocked = self._blocked(work, request_id)
            for operation in blocked:
                settlement.resume(work, operation, why=self._said(reason), now=now, retried_at=now)
            request = work.requests.get(request_id)
            undecided = request is not None and _is_undecided(request)
            if undecided:
                work.requests.set(request_id, due_at=now, dispatched_until=None)
            if blocked or undecided:
                self._record(work, "request.retried", request_id, request_id, reason)
        return bool(blocked or undecided)

    def settle_account(self, request_id: str, account_id: str, *, reason: str) -> bool:
        """Say which account a request means whose account is not proven; whether it was such a request.

        The request is planned again for this account, which has to exist.
        """
        now = self._clock.now()
        with self._store.write() as work:
            request = work.requests.get(request_id)
            if request is None or not _is_undecided(request):
                return False
            work.requests.set(request_id, settled_account=account_id, due_at=now, dispatched_until=None)
            self._record(work, "request.settled", request_id, request_id, reason, account=account_id)
        return True

    def settle(self, claim_id: str, *, reason: str) -> bool:
        """End a claim whose access nobody can take away or see; whether it was such a claim.

        The removal is dropped when no other claim waits for it, and the request for it counts as called back.
        """
        now = self._clock.now()
        with self._store.read() as work:
            claim = work.claims.get(claim_id)
        if claim is None:
            return False
        with self._store.write(holding=claim.access_key) as work:
            claim = work.claims.get(claim_id)
            operation = self._blocked_removal_of(work, claim)
            if claim is None or operation is None:
                return False
            self._record(work, "claim.settled", claim.id, claim.request_id, reason)
            claims.end(work, claim, why=self._said(reason), now=now)
            if not work.claims.ended_by(operation.id):
                settlement.drop(work, operation, why=self._said(reason), now=now)
                if operation.purpose is Purpose.REQUEST:
                    settlement.finish(
                        work, operation.request_id, RequestState.WITHDRAWN, now=now, reason=self._said(reason)
                    )
        return True

    @staticmethod
    def _blocked(work: UnitOfWork, request_id: str) -> list[Operation]:
        return [each for each in work.operations.of_request(request_id) if each.state is OperationState.BLOCKED]

    @staticmethod
    def _blocked_removal_of(work: UnitOfWork, claim: Claim | None) -> Operation | None:
        if claim is None or claim.state is not ClaimState.ENDING or claim.ended_by is None:
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
            event, entity, entity_id, now=now, request_id=request_id, reason=reason, actor=self._by, **detail
        )


def _is_undecided(request: Request) -> bool:
    """Whether the request waits for a decision of whose access it means: none of its operations waits."""
    return request.state is RequestState.BLOCKED and request.due_at is not None
