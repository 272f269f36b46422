"""From rows to the values of the domain."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import RowMapping

from access.entitlements import EntitlementRef
from access.lifecycle import ClaimState, OperationState, RequestState, TicketState
from access.message import AccessRequest
from access.methods import Direction, Method
from access.operations import Claim, Operation, Purpose, Request, Ticket


def request_of(row: RowMapping) -> Request:
    """A request."""
    return Request(
        id=row["id"],
        message=AccessRequest.model_validate(row["body"]),
        state=RequestState(row["state"]),
        received_at=row["received_at"],
        source=row["source"],
        reason=row["reason"],
        tries=row["tries"],
        first_tried_at=row["first_tried_at"],
        due_at=row["due_at"],
        finished_at=row["finished_at"],
    )


def operation_of(row: RowMapping) -> Operation:
    """An operation."""
    return Operation(
        id=row["id"],
        request_id=row["request_id"],
        claim_id=row["claim_id"],
        purpose=Purpose(row["purpose"]),
        position=row["position"],
        direction=Direction(row["direction"]),
        entitlement=EntitlementRef.parse(row["entitlement"]),
        named=EntitlementRef.parse(row["named"]),
        title=row["title"],
        url=row["url"],
        account_id=row["account_id"],
        account_title=row["account_title"],
        email=row["email"],
        products=tuple(row["products"]),
        via=Method(row["via"]),
        why=row["why"],
        state=OperationState(row["state"]),
        before=row["before"],
        wrote_at=row["wrote_at"],
        evidence=row["evidence"],
        error=row["error"],
        tries=row["tries"],
        fence=row["fence"],
        first_tried_at=row["first_tried_at"],
        due_at=row["due_at"],
        created_at=row["created_at"],
        verified_at=row["verified_at"],
    )


def claim_of(row: RowMapping) -> Claim:
    """A claim."""
    seconds = row["duration_seconds"]
    return Claim(
        id=row["id"],
        request_id=row["request_id"],
        account_id=row["account_id"],
        account_title=row["account_title"],
        entitlement=EntitlementRef.parse(row["entitlement"]),
        named=EntitlementRef.parse(row["named"]),
        title=row["title"],
        access_key=row["access_key"],
        state=ClaimState(row["state"]),
        pre_existing=row["pre_existing"],
        duration=None if seconds is None else timedelta(seconds=seconds),
        starts_at=row["starts_at"],
        ends_at=row["ends_at"],
        ended_at=row["ended_at"],
        why_ended=row["why_ended"],
    )


def ticket_of(row: RowMapping) -> Ticket:
    """A ticket."""
    return Ticket(
        id=row["id"],
        operation_id=row["operation_id"],
        provider=row["provider"],
        marker=row["marker"],
        project=row["project"],
        state=TicketState(row["state"]),
        issue_id=row["issue_id"],
        issue_key=row["issue_key"],
        url=row["url"],
        status=row["status"],
        after_key=row["after_key"],
        tries=row["tries"],
        create_tried_at=row["create_tried_at"],
        answers=row["answers"],
        answered_at=row["answered_at"],
        fence=row["fence"],
        due_at=row["due_at"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        error=row["error"],
    )
