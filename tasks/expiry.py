"""Expiry: a claim whose time is up ends, and the last one out takes the access with it."""

from __future__ import annotations

from datetime import datetime

import structlog

from access.claims import Keep, when_over
from access.entitlements import ResourceKind
from access.lifecycle import ClaimState, OperationState
from access.methods import Direction, Method
from access.operations import Claim, Operation, Purpose
from access.provisioning import Provisioning
from store.unit_of_work import UnitOfWork
from tasks.fulfilment import Fulfilment
from tasks.services import Services, new_id

_log = structlog.get_logger(__name__)


class Expiry:
    """Ends claims whose time is up."""

    def __init__(self, services: Services, fulfilment: Fulfilment) -> None:
        self._services = services
        self._fulfilment = fulfilment

    def end(self, claim_id: str) -> None:
        """End a claim that is over, and begin to take the access away unless something else holds it."""
        if self._services.mode is not Provisioning.ON:
            return
        now = self._services.clock.now()
        with self._services.store.read() as work:
            claim = work.claims.get(claim_id)
        if claim is None:
            return
        with self._services.store.write(holding=claim.access_key) as work:
            claim = work.claims.get(claim_id)
            if claim is None or claim.state is not ClaimState.ACTIVE or claim.ends_at is None or claim.ends_at > now:
                return
            operation_id = self._end(work, claim, now=now)
        if operation_id is not None:
            self._fulfilment.operate(operation_id)

    def _end(self, work: UnitOfWork, claim: Claim, *, now: datetime) -> str | None:
        assert claim.ends_at is not None
        late = (now - claim.ends_at).total_seconds()
        verdict = when_over(claim, work.claims.on(claim.access_key, states=list(ClaimState)))
        if isinstance(verdict, Keep):
            work.claims.end(claim, now=now, why=verdict.why)
            work.audit.record("claim.ended", "claim", claim.id, now=now, request_id=claim.request_id, why=verdict.why)
            _log.info("claim.ended", request_id=claim.request_id, claim_id=claim.id, why=verdict.why)
            return None
        operation = self._taking(claim, now=now)
        work.operations.add(operation)
        work.claims.step(
            claim.id, to=ClaimState.ENDING, states=(ClaimState.ACTIVE,), ended_by=operation.id, due_at=None
        )
        work.audit.record(
            "claim.ending",
            "claim",
            claim.id,
            now=now,
            request_id=claim.request_id,
            operation=operation.id,
            late_seconds=late,
        )
        _log.info("claim.ending", request_id=claim.request_id, claim_id=claim.id, late_seconds=round(late, 3))
        return operation.id

    def _taking(self, claim: Claim, *, now: datetime) -> Operation:
        via, why = self._method_for(claim)
        return Operation(
            id=new_id("op"),
            request_id=claim.request_id,
            claim_id=claim.id,
            purpose=Purpose.EXPIRY,
            position=0,
            direction=Direction.TAKE,
            entitlement=claim.entitlement,
            named=claim.named,
            title=claim.title,
            url=None,
            account_id=claim.account_id,
            account_title=claim.account_title,
            email=None,
            products=(),
            via=via,
            why=why,
            state=OperationState.READY,
            before=None,
            wrote_at=None,
            evidence=None,
            error=None,
            tries=0,
            fence=0,
            first_tried_at=None,
            due_at=now,
            created_at=now,
            verified_at=None,
        )

    def _method_for(self, claim: Claim) -> tuple[Method, str]:
        """By API wherever it can be: access that is over is never left because a rule went away since."""
        rule = self._services.policy.rule_for(claim.entitlement, claim.named)
        connector = self._services.connectors.get(claim.entitlement.system)
        kind: ResourceKind = claim.entitlement.kind
        if rule is not None and rule.take is Method.TICKET:
            return Method.TICKET, f"policy rule '{rule.pattern}' has a person do it"
        if connector is None or not connector.automates(kind, Direction.TAKE):
            return Method.TICKET, f"it cannot be taken away through the {claim.entitlement.system.label} API"
        return Method.CONNECTOR, "its time is up"
