from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli import output
from cli.facts import audit_facts, claim_facts, operation_facts, request_facts, ticket_facts
from cli.problems import Problem
from cli.store_access import opened
from store.unit_of_work import UnitOfWork

_COLUMNS = {
    "id": "id",
    "state": "state",
    "action": "action",
    "subject": "subject",
    "entitlement": "entitlement",
    "received_at": "received",
    "reason": "reason",
}


def show_list(config: Path | None, *, states: Sequence[str], limit: int, as_json: bool) -> None:
    """Print the newest requests."""
    with opened(config) as (_, store), store.read() as work:
        rows = [request_facts(request) for request in work.requests.recent(states=list(map(str, states)), limit=limit)]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(rows, _COLUMNS, none="No such requests." if states else "No requests yet.")


def show_one(config: Path | None, request_id: str, *, as_json: bool) -> None:
    """Print all there is to one request."""
    with opened(config) as (_, store), store.read() as work:
        facts = _everything(work, request_id)
    if facts is None:
        raise Problem(
            f"There is no request '{output.cell(request_id)}'.", "See 'provisor requests list' for those there are."
        )
    if as_json:
        output.print_json(facts)
    else:
        output.print_lines(*_told(facts))


def _everything(work: UnitOfWork, request_id: str) -> dict[str, Any] | None:
    request = work.requests.get(request_id)
    if request is None:
        return None
    operations = []
    for operation in work.operations.of_request(request_id):
        tickets = [ticket_facts(ticket, request_id) for ticket in work.tickets.of_operation(operation.id)]
        operations.append(operation_facts(operation) | {"tickets": tickets})
    claim = work.claims.of_request(request_id)
    return request_facts(request) | {
        "operations": operations,
        "claim": None if claim is None else claim_facts(claim),
        "audit": [audit_facts(row) for row in work.audit.of_request(request_id)],
    }


def _told(facts: dict[str, Any]) -> list[str]:
    message = facts["message"]
    lines = [
        f"Request {facts['id']}: {facts['state']}" + (f" - {output.cell(facts['reason'])}" if facts["reason"] else ""),
        f"  {facts['action']} {output.cell(facts['entitlement'])} for {output.cell(facts['subject'])}",
    ]
    said = {name: message.get(name) for name in ("duration", "reason", "requested_by", "approved_by", "claim_of")}
    lines += [f"  {name.replace('_', ' ')}: {output.cell(value)}" for name, value in said.items() if value]
    lines += [
        f"  received {facts['received_at']} from {output.cell(facts['source'])}, finished {facts['finished_at'] or '-'}"
    ]
    lines += ["", "Plan"] + (
        [line for number, each in enumerate(facts["operations"], start=1) for line in _operation(number, each)]
        or ["  nothing"]
    )
    if facts["claim"]:
        lines += ["", "Claim", *_claim(facts["claim"])]
    lines += ["", "Audit trail"]
    return lines + [
        f"  {row['at']}  {row['event']}  {row['id']}  by {output.cell(row['actor'])}{_detail(row['detail'])}"
        for row in facts["audit"]
    ]


def _operation(number: int, facts: dict[str, Any]) -> list[str]:
    verb = "give" if facts["direction"] == "give" else "take away"
    purpose = ", since its time is up" if facts["purpose"] == "expiry" else ""
    what = f"{verb} {output.cell(facts['title'])}, {output.cell(facts['account_title'])}"
    lines = [f"  {number}. {what}: by {facts['via']}{purpose}: {facts['state']}"]
    lines += [f"     {name}: {output.cell(facts[name])}" for name in ("why", "evidence", "error") if facts[name]]
    return lines + [f"     {_ticket(ticket)}" for ticket in facts["tickets"]]


def _ticket(facts: dict[str, Any]) -> str:
    untrue = f", closed {facts['answers']} times without being done" if facts["answers"] else ""
    status = f", its status is {output.cell(facts['status'])}" if facts["status"] else ""
    return f"ticket {facts['key'] or '(not made yet)'}: {facts['state']}{status}{untrue}  {facts['url'] or ''}".rstrip()


def _claim(facts: dict[str, Any]) -> list[str]:
    before = {None: "not known yet", True: "yes", False: "no"}[facts["pre_existing"]]
    lines = [
        f"  {facts['id']}: {facts['state']}, from {facts['starts_at'] or '-'} to {facts['ends_at'] or 'no end'}",
        f"  was the access there before: {before}",
    ]
    return lines + ([f"  ended {facts['ended_at']}: {output.cell(facts['why_ended'])}"] if facts["ended_at"] else [])


def _detail(detail: dict[str, Any]) -> str:
    return "".join(f"  {name}={output.cell(value)}" for name, value in detail.items())
