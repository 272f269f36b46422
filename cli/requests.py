from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.lifecycle import RequestState
from cli import output
from cli.claims import claim_facts
from cli.decisions import Reason, decisions, held_revokes
from cli.options import AsJson, ConfigFile, Newest, group
from cli.output import facts_of, one_more, print_listing
from cli.problems import Problem
from cli.store_access import opened
from cli.tickets import ticket_facts

if TYPE_CHECKING:
    from access.operations import Operation, Request
    from store.audit import AuditRow
    from store.unit_of_work import UnitOfWork

requests = group("Access requests, and how far each has come.")

_Id = Annotated[str, typer.Argument(metavar="ID", help="The request's own id.")]

_Source = Annotated[
    str,
    typer.Argument(metavar="SOURCE", help="The producer, as 'provisor alarms' and 'provisor requests show' name it."),
]

_COLUMNS = ("id", "state", "action", "subject", "account_title", "entitlement", "received_at", "reason")


@requests.command("list")
def list_requests(
    config: ConfigFile = None,
    state: Annotated[list[RequestState] | None, typer.Option(help="Only those in this state; may be repeated.")] = None,
    limit: Newest = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest requests."""
    from store.queries.records import count_records

    with opened(config) as (_, store), store.read() as work:
        print_listing(
            (request_facts(work, each) for each in work.requests.recent(states=state or [], limit=one_more(limit))),
            _COLUMNS,
            none="No such requests." if state else "No requests yet.",
            as_json=as_json,
            limit=limit,
            total=lambda: count_records(store, "requests", states=state or []),
        )
        if work.restores.under_way():
            output.print_note("A restore is under way: no access is changed until 'provisor restore end'.")
        if waiting := count_records(store, "inbox"):
            output.print_note(f"{waiting:,} more were handed in and are not taken in yet: 'provisor up' takes them in.")


@requests.command("show")
def show_request(
    request_id: _Id,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show one request: its plan line by line with reasons, its tickets, its claim, and its audit trail."""
    with opened(config) as (_, store), store.read() as work:
        facts = _everything(work, request_id)
    if facts is None:
        raise Problem(
            f"There is no request '{output.cell(request_id)}'.", "See 'provisor requests list' for those there are."
        )
    if as_json:
        output.print_json(facts)
    else:
        output.print_lines(*_in_words(facts))


@requests.command("retry")
def retry_request(request_id: _Id, reason: Reason, config: ConfigFile = None) -> None:
    """Try again at once what waits or is blocked; where it is only planned, plan it anew.

    Mend first what its reason names. For access whose time is up, name the request that gave the access.
    """
    with decisions(config, request_id) as decide:
        decide.retry(request_id, reason=reason)
    output.print_lines(f"{output.cell(request_id)}: tried again as soon as a worker has it")


@requests.command("settle")
def settle_request(
    request_id: _Id,
    account: Annotated[str, typer.Option(metavar="ID", help="The system's id of the account.", show_default=False)],
    reason: Reason,
    config: ConfigFile = None,
) -> None:
    """Say which account a request to take access away means, when nothing proves it.

    Its reason names the candidates. Access is taken from the account that you name.
    """
    with decisions(config, request_id) as decide:
        decide.settle_account(request_id, account, reason=reason)
    output.print_lines(f"{output.cell(request_id)}: planned for {output.cell(account)} as soon as a worker has it")


@requests.command("cancel")
def cancel_request(request_id: _Id, reason: Reason, config: ConfigFile = None) -> None:
    """Call back a request that is not done, and close its ticket."""
    with decisions(config, request_id) as decide:
        decide.cancel(request_id, reason=reason)
    output.print_lines(f"{output.cell(request_id)}: called back")


@requests.command("release")
def release_requests(source: _Source, reason: Reason, config: ConfigFile = None) -> None:
    """Let the removals of a producer begin that the fuse holds, all of them at once."""
    with held_revokes(config, source) as held:
        count = held.release(source, reason=reason)
    output.print_lines(f"{output.cell(source)}: {count:,} removals begin as soon as a worker has them")


@requests.command("drop")
def drop_requests(source: _Source, reason: Reason, config: ConfigFile = None) -> None:
    """Call back the removals of a producer that the fuse holds."""
    with held_revokes(config, source) as held:
        count = held.drop(source, reason=reason)
    output.print_lines(f"{output.cell(source)}: {count:,} removals called back")


def request_facts(work: UnitOfWork, request: Request) -> dict[str, Any]:
    """One request, with the account that it acts on: None until that is known."""
    message = request.message
    acted_on = [each for each in work.operations.of_request(request.id) if each.account_id is not None]
    return {
        "account": acted_on[-1].account_id if acted_on else None,
        "account_title": acted_on[-1].account_title if acted_on else None,
        **facts_of(request, "id", "state", "reason", "received_at", "finished_at", "due_at", "source", "tries"),
        "action": str(message.action),
        "subject": str(message.who),
        "entitlement": str(message.entitlement_ref),
        "message": message.canonical(),
    }


def operation_facts(operation: Operation) -> dict[str, Any]:
    """One operation."""
    return {
        **facts_of(operation, "id", "purpose", "position", "direction", "entitlement", "named", "title"),
        **facts_of(
            operation, "account_title", "via", "why", "state", "before", "evidence", "error", "obstacle", "tries"
        ),
        **facts_of(operation, "blocked_at", "due_at", "created_at", "verified_at"),
        "request": operation.request_id,
        "account": operation.account_id,
    }


def _audit_facts(row: AuditRow) -> dict[str, Any]:
    return {
        "at": row.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "actor": row.actor,
        "event": row.event,
        "entity": row.entity,
        "id": row.entity_id,
        "detail": row.detail,
    }


def _everything(work: UnitOfWork, request_id: str) -> dict[str, Any] | None:
    request = work.requests.get(request_id)
    if request is None:
        return None
    operations = []
    for operation in work.operations.of_request(request_id):
        tickets = [ticket_facts(ticket, request_id) for ticket in work.tickets.of_operation(operation.id)]
        operations.append(operation_facts(operation) | {"tickets": tickets})
    claim = work.claims.of_request(request_id)
    return request_facts(work, request) | {
        "operations": operations,
        "claim": None if claim is None else claim_facts(claim),
        "audit": [_audit_facts(row) for row in work.audit.of_request(request_id)],
    }


def _in_words(facts: dict[str, Any]) -> list[str]:
    message = facts["message"]
    lines = [
        f"Request {facts['id']}: {facts['state']}" + (f" - {output.cell(facts['reason'])}" if facts["reason"] else ""),
        f"  {facts['action']} {output.cell(facts['entitlement'])} for {output.cell(facts['subject'])}",
        *([f"  acts on {output.cell(facts['account_title'])} ({facts['account']})"] if facts["account"] else []),
    ]
    given = ("duration", "reason", "requested_by", "approved_by", "claim_of")
    lines += output.labelled_lines({name: message.get(name) for name in given})
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
