from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from access.clock import SystemClock
from access.documents import spelled, with_digest
from cli.export_files import whole_file
from cli.options import AsJson, ConfigFile
from cli.output import cell, print_lines
from cli.problems import Problem
from cli.store_access import opened
from cli.version import version


def print_receipt(
    request_id: Annotated[str, typer.Argument(metavar="ID", help="The request's own id.")],
    config: ConfigFile = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the JSON to this file.", show_default=False),
    ] = None,
    chain: Annotated[
        bool,
        typer.Option(
            "--chain", help="Put all seals up to the newest into it, however many: one noted outside vouches for all."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Print the receipt of one request: what was asked and approved, read before and after, given, ended and seen gone.

    Its audit rows prove themselves: docs/examples/check_receipt.py checks the JSON without Provisor. The receipt of a request
    that is not over is one of what happened so far.
    """
    from store.queries.audit import Trail
    from store.unit_of_work import UnitOfWork
    from tasks.receipts import receipt_of

    with opened(config) as (_, store), store.database.one_moment() as connection:
        work, reading = UnitOfWork(connection), Trail(connection)
        facts = receipt_of(work, reading, request_id, now=SystemClock().now(), whole_chain=chain)
    if facts is None:
        raise Problem(f"There is no request '{cell(request_id)}'.", "See 'provisor requests list' for those there are.")
    facts = with_digest(facts | {"provisor": version()})
    if output is not None or as_json:
        with whole_file(output) as sink:
            sink.write(spelled(facts))
    if not as_json:
        print_lines(*_in_words(facts))


def _in_words(facts: dict[str, Any]) -> list[str]:
    request, approval = facts["request"], facts["approval"]
    message = request["message"]
    asked, approved = approval["requested_by"], approval["approved_by"]
    lines = [
        f"Receipt of {request['id']}: {message['action']}, {request['state']}",
        f"  received {request['received_at']} from {cell(approval['sender'])}",
        f"  asked for by {cell(asked)}, approved by {cell(approved)} ({approval['known']}), for: {cell(message.get('reason'))}",
    ]
    lines += _claim(facts) if facts["claim"] else ["  no claim was made"]
    for number, step in enumerate(facts["steps"], start=1):
        lines += ["", *_step(number, step)]
    sealed = sorted({each["seal"] for each in facts["audit"] if each["seal"] is not None})
    waiting = sum(each["seal"] is None for each in facts["audit"])
    lines += ["", f"Audit rows: {len(facts['audit'])}, in {_seals(sealed)}, {waiting} not sealed yet"]
    return [*lines, f"Seals: {facts['chain']}"]


def _claim(facts: dict[str, Any]) -> list[str]:
    claim, gone = facts["claim"], facts["seen_gone"]
    before = {None: "not known yet", True: "yes", False: "no"}[claim["was_there_before"]]
    lines = [
        f"  {cell(claim['named'])} ({cell(claim['entitlement'])})",
        f"  for {cell(claim['account_title'])} ({claim['account_id'] or '-'}); was the access there before: {before}",
        f"  claim {claim['id']}: {claim['state']}, from {claim['starts_at'] or '-'} to {claim['ends_at'] or 'no end'}",
    ]
    if claim["ended_at"]:
        lines.append(f"  ended {claim['ended_at']}: {cell(claim['why_ended'])}")
    lines.append(f"  seen gone: {'not (yet)' if gone is None else gone['at'] + ', ' + cell(gone['read'])}")
    return lines


def _step(number: int, step: dict[str, Any]) -> list[str]:
    verb = "give" if step["direction"] == "give" else "take away"
    lines = [
        f"  {number}. {verb} by {step['via']}: {step['state']} ({cell(step['why'])})",
        f"     read before: {step['read_before'] or '-'}; written: {step['wrote_at'] or '-'}",
        f"     read after: {cell(step['read_after'])} {step['read_after_at'] or ''}".rstrip(),
    ]
    return lines + [
        f"     ticket {each['key']}: {each['state']}  {each['url'] or ''}".rstrip() for each in step["tickets"]
    ]


def _seals(numbers: list[int]) -> str:
    word = "seal" if len(numbers) == 1 else "seals"
    return f"{word} {', '.join(map(str, numbers))}" if numbers else "no seal"
