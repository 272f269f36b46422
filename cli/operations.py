from __future__ import annotations

from typing import Annotated

import typer

from access.lifecycle import OperationState
from cli.decisions import Reason, decisions
from cli.options import AsJson, ConfigFile, Newest, group
from cli.output import cell, one_more, print_lines, print_listing
from cli.requests import operation_facts
from cli.store_access import opened

operations = group("Operations: the steps that requests and the ends of claims need, each by API or by ticket.")

_Id = Annotated[str, typer.Argument(metavar="ID", help="The operation's own id.")]

_COLUMNS = ("id", "request", "state", "direction", "title", "account_title", "via", "due_at", "error")


@operations.command("list")
def list_operations(
    config: ConfigFile = None,
    state: Annotated[
        list[OperationState] | None, typer.Option(help="Only those in this state; may be repeated.")
    ] = None,
    limit: Newest = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest operations."""
    from store.queries.records import count_records

    with opened(config) as (_, store), store.read() as work:
        print_listing(
            map(operation_facts, work.operations.recent(states=state or [], limit=one_more(limit))),
            _COLUMNS,
            none="No such operations." if state else "No operations yet.",
            as_json=as_json,
            limit=limit,
            total=lambda: count_records(store, "operations", states=state or []),
        )


@operations.command("retry")
def retry_operation(operation_id: _Id, reason: Reason, config: ConfigFile = None) -> None:
    """Try an operation again at once that waits or is blocked. Mend first what its error names."""
    with decisions(config, operation_id) as decide:
        decide.retry_operation(operation_id, reason=reason)
    print_lines(f"{cell(operation_id)}: tried again as soon as a worker has it")


@operations.command("cancel")
def cancel_operation(operation_id: _Id, reason: Reason, config: ConfigFile = None) -> None:
    """Call back the request that an operation belongs to, and close its ticket."""
    with decisions(config, operation_id) as decide:
        decide.cancel_operation(operation_id, reason=reason)
    print_lines(f"{cell(operation_id)}: its request is called back")


@operations.command("settle")
def settle_operation(operation_id: _Id, reason: Reason, config: ConfigFile = None) -> None:
    """End a blocked removal that Provisor can neither carry out nor see done, with the claims that wait for it.

    Look in the system first: the access may still be there.
    """
    with decisions(config, operation_id) as decide:
        decide.settle_operation(operation_id, reason=reason)
    print_lines(f"{cell(operation_id)}: ended")
