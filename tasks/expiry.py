"""Expiry: a claim whose time is up ends, and the last claim on an access takes the access away."""

from __future__ import annotations

from datetime import timedelta

from access.claims import Keep, when_over
from access.lifecycle import ClaimState, OperationState
from access.methods import Direction, Method
from access.operations import Claim, Operation, Purpose
from access.provisioning import Provisioning
from store.unit_of_work import UnitOfWork
from tasks import claims
from tasks.feeding import Feeding
from tasks.fulfilment import Fulfilment
from tasks.services import Services, new_id

#: After this a claim is looked at again whose end a jump of the clock may have brought about.
_LOOK_AGAIN = timedelta(minutes=1)


class Expiry:
    """Ends claims whose time is up."""

    def __init__(self, services: Services, fulfilment: Fulfilment) -> None:
        self._services = services
        self._fulfilment = fulfilment

    def end(self, claim_id: str) -> None:
        """End a claim whose time is up, and begin to take the access away unless another reason keeps it."""
        if self._services.mode is not Provisioning.ON:
            return
        with self._services.store.read() as work:
            found = work.claims.get(claim_id)
            restoring = work.restores.under_way()
            extensions = () if found is None else work.requests.extensions_at(found)
        if found is None or restoring:
            return
        for request_id in extensions:  # What came in before the end of the claim counts before it.
            self._fulfilment.fulfil(request_id)
        now = self._services.clock.now()
        with self._services.store.write(holding=found.access_key) as work:
            claim = work.claims.get(claim_id)
            if claim is None or claim.state is not ClaimState.ACTIVE or claim.ends_at is None or claim.ends_at > now:
                return
            if self._services.fuse.is_by_jump(claim.ends_at, last_seen_at=work.fuse.seen_at()):
                work.claims.set(claim.id, due_at=now + _LOOK_AGAIN)  # Until the heartbeat has made a plan of it.
                return
            outcome = when_over(claim, work.claims.on(claim.access_key, states=list(ClaimState)))
            if isinstance(outcome, Keep):
                claims.end(work, claim, why=outcome.why, now=now)
                return
            operation = self._removal(work, claim)
            work.operations.add(operation)
            claims.begin_ending(work, claim, operation, now=now)
        self._fulfilment.operate(operation.id)

    def _removal(self, work: UnitOfWork, claim: Claim) -> Operation:
        """The operation that takes the claim's access away."""
        via, why = self._method_for(work, claim)
        now = self._services.clock.now()
        return Operation(
            id=new_id("op"),
            request_id=claim.request_id,
            claim_id=claim.id,
            purpose=Purpose.EXPIRY,
            direction=Direction.TAKE,
            entitlement=claim.entitlement,
            named=claim.named,
            title=claim.title,
            account_id=claim.account_id,
            account_title=claim.account_title,
            via=via,
            why=why,
            state=OperationState.READY,
            due_at=now,
            created_at=now,
        )

    def _method_for(self, work: UnitOfWork, claim: Claim) -> tuple[Method, str]:
        """By API wherever possible: access is also taken away when its rule was deleted from the policy since."""
        rule = self._services.policy_of(claim.request_id, within=work).rule_for(
            claim.entitlement, claim.named, direction=Direction.TAKE
        )
        connector = self._services.connectors.get(claim.entitlement.system)
        if rule is not None and rule.take is Method.TICKET:
            return Method.TICKET, f"policy rule '{rule.pattern}' has a person do it"
        if Feeding.is_fed(work, claim):
            return Method.PROPAGATION, "its time is up, and the group that fills it ends with it"
        if connector is None or not connector.automates(claim.entitlement.kind, Direction.TAKE):
            return Method.TICKET, f"it cannot be taken away through the {claim.entitlement.system.label} API"
        return Method.CONNECTOR, "its time is up"
