"""Receipts: the evidence of what became of one request, checkable without us.

The facts are as the store has them; the audit rows among them prove themselves: each with its salt and its way up to the seal
of its batch, and the seals with what their hashes cover.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from access import actors
from access.methods import Direction
from access.operations import Claim, Operation, Request, Ticket
from access.seals import Seal, path, seal_facts, written
from store.queries.audit import Member, Trail
from store.unit_of_work import UnitOfWork

#: The form of the document.
SCHEMA = "provisor.receipt/1"

#: Seals of a chain that is put into a receipt unasked: about a day of them.
_SHORT = 1500


def receipt_of(
    work: UnitOfWork, reading: Trail, request_id: str, *, now: datetime, whole_chain: bool = False
) -> dict[str, Any] | None:
    """The receipt of a request; None when there is no such request.

    ``whole_chain`` puts all seals into it from its first to the newest, however many there are. With these, one hash that is
    noted outside vouches for everything. ``work`` and ``reading`` show one moment.
    """
    request = work.requests.get(request_id)
    if request is None:
        return None
    claim = work.claims.of_request(request_id)
    operations = list(work.operations.of_request(request_id))
    ending = None if claim is None or claim.ended_by is None else work.operations.get(claim.ended_by)
    if ending is not None and all(each.id != ending.id for each in operations):
        operations.append(ending)
    tickets = {each.id: work.tickets.of_operation(each.id) for each in operations}
    also = None if ending is None else (ending.request_id, [ending.id, *(each.id for each in tickets[ending.id])])
    rows = reading.of_request(request_id, also=also)
    return {
        "schema": SCHEMA,
        "made_at": written(now),
        "request": _request(request),
        "approval": _approval(request),
        "claim": None if claim is None else _claim(claim),
        "steps": [_step(each, tickets[each.id]) for each in operations],
        "seen_gone": _seen_gone(claim, operations),
        "audit": [_proof(reading, member) for member in rows],
        **_chain(reading, rows, whole=whole_chain),
    }


def _request(request: Request) -> dict[str, Any]:
    return {
        "id": request.id,
        "message": request.message.canonical(),
        "fingerprint": request.message.fingerprint(),
        "source": request.source,
        "received_at": written(request.received_at),
        "state": str(request.state),
        "reason": request.reason,
        "finished_at": _at(request.finished_at),
    }


def _approval(request: Request) -> dict[str, Any]:
    said = request.message.approved_by
    return {
        "approved_by": said,
        "requested_by": request.message.requested_by,
        "known": "not told" if said is None else "as the sender said",
        "sender": actors.producer(request.source),
    }


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "id": claim.id,
        "state": str(claim.state),
        "account_id": claim.account_id,
        "account_title": claim.account_title,
        "account_proven": claim.account_proven,
        "entitlement": str(claim.entitlement),
        "named": str(claim.named),
        "was_there_before": claim.pre_existing,
        "starts_at": _at(claim.starts_at),
        "ends_at": _at(claim.ends_at),
        "ended_at": _at(claim.ended_at),
        "why_ended": claim.why_ended,
    }


def _step(operation: Operation, tickets: Sequence[Ticket]) -> dict[str, Any]:
    return {
        "id": operation.id,
        "request": operation.request_id,
        "direction": str(operation.direction),
        "via": str(operation.via),
        "why": operation.why,
        "state": str(operation.state),
        "read_before": operation.before,
        "wrote_at": _at(operation.wrote_at),
        "read_after": operation.evidence,
        "read_after_at": _at(operation.verified_at),
        "error": operation.error,
        "tickets": [
            {
                "key": ticket.issue_key,
                "url": ticket.url,
                "state": str(ticket.state),
                "status": ticket.status,
                "opened_at": _at(ticket.opened_at),
                "closed_at": _at(ticket.closed_at),
                "closed_without_being_done": ticket.answers,
            }
            for ticket in tickets
        ],
    }


def _seen_gone(claim: Claim | None, operations: Sequence[Operation]) -> dict[str, Any] | None:
    """The read that showed that the access is gone; None when there was none."""
    if claim is None or claim.ended_by is None:
        return None
    ending = next((each for each in operations if each.id == claim.ended_by), None)
    if ending is None or ending.verified_at is None or ending.direction is not Direction.TAKE:
        return None
    return {"operation": ending.id, "read": ending.evidence, "at": written(ending.verified_at)}


def _proof(reading: Trail, member: Member) -> dict[str, Any]:
    proof: dict[str, Any] = {"row": member.row, "salt": member.salt, "seal": member.seal, "path": None}
    if member.seal is not None:
        batch = list(reading.members(member.seal))
        place = next(place for place, each in enumerate(batch) if each.number == member.number)
        leaves = [each.digest for each in batch if each.digest is not None]
        proof["path"] = [list(step) for step in path(leaves, place)]
    return proof


def _chain(reading: Trail, rows: Sequence[Member], *, whole: bool) -> dict[str, Any]:
    """The seals of the rows, and those between and after them where these are few or asked for."""
    wanted = {member.seal for member in rows if member.seal is not None}
    if not wanted:
        return {"seals": [], "chain": "none: nothing of it is sealed yet"}
    seals: list[Mapping[str, Any]] = []
    for seal in reading.headers(min(wanted)):
        seals.append(_header(seal))
        if len(seals) > _SHORT and not whole:
            kept = [_header(each) for each in reading.headers(min(wanted)) if each.number in wanted]
            return {"seals": kept, "chain": "left out: ask for it with --chain"}
    return {"seals": seals, "chain": "whole, up to the newest seal"}


def _header(seal: Seal) -> dict[str, Any]:
    return {"covers": seal_facts(seal), "hash": seal.hash, "signature": seal.signature, "key_id": seal.key_id}


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else written(moment)
