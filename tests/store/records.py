"""Records as the store keeps them, made directly: for rules about the store itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from access.entitlements import EntitlementRef
from access.lifecycle import ClaimState, OperationState
from access.message import AccessRequest
from access.methods import Direction, Method
from access.operations import Claim, Operation, Purpose, access_key
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
    work.requests.add([Received(message(request_id, **changes), "test", now)], dispatched_for=timedelta(0))


def operation(operation_id: str = "op1", **changes: Any) -> Operation:
    plain: dict[str, Any] = {
        "id": operation_id,
        "request_id": "r1",
        "claim_id": None,
        "purpose": Purpose.REQUEST,
        "position": 0,
        "direction": Direction.GIVE,
        "entitlement": GROUP,
        "named": GROUP,
        "title": "the group",
        "url": None,
        "account_id": "u1",
        "account_title": "Ada",
        "email": "ada@example.com",
        "products": (),
        "via": Method.CONNECTOR,
        "why": "the rule",
        "state": OperationState.READY,
        "before": None,
        "wrote_at": None,
        "evidence": None,
        "error": None,
        "tries": 0,
        "fence": 0,
        "first_tried_at": None,
        "due_at": NOW,
        "created_at": NOW,
        "verified_at": None,
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
        "pre_existing": None,
        "duration": None,
        "starts_at": None,
        "ends_at": None,
        "ended_at": None,
        "why_ended": None,
    }
    return Claim(**(plain | changes))
