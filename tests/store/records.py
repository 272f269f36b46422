"""Records as the store keeps them, made directly: for rules about the store itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from access.entitlements import EntitlementRef
from access.lifecycle import ClaimState, OperationState, PlanState, TicketState
from access.message import AccessRequest
from access.methods import Direction, Method
from access.operations import Claim, Operation, Purpose, Ticket, access_key
from access.plans import Line, Plan, PlanKind
from access.reactions import Reaction
from store.requests import Received
from store.unit_of_work import UnitOfWork

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GROUP = EntitlementRef.parse("jumpcloud:group:g1:member")


def message(request_id: str = "r1", **changes: Any) -> AccessRequest:
    plain: dict[str, Any] = {
        "id": request_id,
        "action": "grant",
        "subject": {"email": "ada@example.com"},
        "entitlement": str(GROUP),
    }
    return AccessRequest.model_validate(plain | changes)


def add_request(work: UnitOfWork, request_id: str = "r1", *, now: datetime = NOW, **changes: Any) -> None:
    work.requests.add([Received(message(request_id, **changes), "test", now)], woken=(), dispatched_for=timedelta(0))


def operation(operation_id: str = "op1", **changes: Any) -> Operation:
    plain: dict[str, Any] = {
        "id": operation_id,
        "request_id": "r1",
        "purpose": Purpose.REQUEST,
        "direction": Direction.GIVE,
        "entitlement": GROUP,
        "named": GROUP,
        "title": "the group",
        "account_id": "u1",
        "account_title": "Ada",
        "email": "ada@example.com",
        "via": Method.CONNECTOR,
        "why": "the rule",
        "state": OperationState.READY,
        "due_at": NOW,
        "created_at": NOW,
    }
    return Operation(**(plain | changes))


def claim(claim_id: str = "cl1", **changes: Any) -> Claim:
    plain: dict[str, Any] = {
        "id": claim_id,
        "request_id": "r1",
        "account_id": "u1",
        "account_title": "Ada",
        "entitlement": GROUP,
        "named": GROUP,
        "title": "the group",
        "access_key": access_key("u1", None, GROUP),
        "state": ClaimState.PENDING,
    }
    return Claim(**(plain | changes))


def plan() -> tuple[Plan, list[Line]]:
    line = Line(
        reaction=Reaction.TAKE,
        system=GROUP.system,
        account_id="u1",
        account_title="Ada",
        title="the group",
        reason="nobody asked for it",
        entitlement=GROUP,
    )
    return Plan("", PlanKind.BULK, "all", PlanState.OPEN, NOW), [line]


def ticket(ticket_id: str = "tk1", **changes: Any) -> Ticket:
    plain: dict[str, Any] = {
        "id": ticket_id,
        "operation_id": "op1",
        "provider": "jira",
        "marker": ticket_id,
        "project": "OPS",
        "state": TicketState.INTENDED,
    }
    return Ticket(**(plain | changes))
