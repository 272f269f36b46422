"""The records as plain facts: what ``--json`` prints, and what tables choose from."""

from __future__ import annotations

import base64
from typing import Any

from access.operations import Claim, Operation, Request, Ticket
from cli.output import moment, seconds
from store.audit import AuditRow
from store.inbox import StoredMessage


def request_facts(request: Request) -> dict[str, Any]:
    """One request."""
    message = request.message
    return {
        "id": request.id,
        "state": str(request.state),
        "action": str(message.action),
        "subject": str(message.who),
        "entitlement": str(message.entitlement_ref),
        "reason": request.reason,
        "received_at": moment(request.received_at),
        "finished_at": moment(request.finished_at),
        "due_at": moment(request.due_at),
        "source": request.source,
        "tries": request.tries,
        "message": message.canonical(),
    }


def operation_facts(operation: Operation) -> dict[str, Any]:
    """One operation of a plan."""
    return {
        "id": operation.id,
        "request": operation.request_id,
        "purpose": str(operation.purpose),
        "position": operation.position,
        "direction": str(operation.direction),
        "entitlement": str(operation.entitlement),
        "named": str(operation.named),
        "title": operation.title,
        "account": operation.account_id,
        "account_title": operation.account_title,
        "via": str(operation.via),
        "why": operation.why,
        "state": str(operation.state),
        "before": operation.before,
        "evidence": operation.evidence,
        "error": operation.error,
        "tries": operation.tries,
        "due_at": moment(operation.due_at),
        "created_at": moment(operation.created_at),
        "verified_at": moment(operation.verified_at),
    }


def ticket_facts(ticket: Ticket, request_id: str | None) -> dict[str, Any]:
    """One ticket, with the request it belongs to."""
    return {
        "key": ticket.issue_key,
        "state": str(ticket.state),
        "status": ticket.status,
        "request": request_id,
        "operation": ticket.operation_id,
        "project": ticket.project,
        "answers": ticket.answers,
        "opened_at": moment(ticket.opened_at),
        "closed_at": moment(ticket.closed_at),
        "url": ticket.url,
        "marker": ticket.marker,
        "error": ticket.error,
        "id": ticket.id,
    }


def claim_facts(claim: Claim) -> dict[str, Any]:
    """One claim."""
    return {
        "id": claim.id,
        "state": str(claim.state),
        "request": claim.request_id,
        "account": claim.account_id,
        "account_title": claim.account_title,
        "title": claim.title,
        "entitlement": str(claim.entitlement),
        "named": str(claim.named),
        "pre_existing": claim.pre_existing,
        "duration_seconds": seconds(claim.duration),
        "starts_at": moment(claim.starts_at),
        "ends_at": moment(claim.ends_at),
        "ended_at": moment(claim.ended_at),
        "why_ended": claim.why_ended,
    }


def letter_facts(letter: StoredMessage) -> dict[str, Any]:
    """One dead letter; a body that is no text is given as base64."""
    facts: dict[str, Any] = {
        "number": letter.id,
        "reason": letter.reason,
        "source": letter.source,
        "content_type": letter.content_type,
        "received_at": moment(letter.received_at),
        "resent_at": moment(letter.resent_at),
        "bytes": len(letter.body),
    }
    try:
        return facts | {"body": letter.body.decode()}
    except UnicodeDecodeError:
        return facts | {"body_base64": base64.b64encode(letter.body).decode()}


def audit_facts(row: AuditRow) -> dict[str, Any]:
    """One row of the audit trail."""
    return {
        "at": row.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "actor": row.actor,
        "event": row.event,
        "entity": row.entity,
        "id": row.entity_id,
        "detail": row.detail,
    }
