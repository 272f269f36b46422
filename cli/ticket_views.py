from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cli import output
from cli.facts import ticket_facts
from cli.store_access import opened

_COLUMNS = {
    "key": "ticket",
    "state": "state",
    "status": "status",
    "request": "request",
    "answers": "closed untrue",
    "opened_at": "opened",
    "closed_at": "closed",
    "url": "address",
}


def show_list(config: Path | None, *, states: Sequence[str], limit: int, as_json: bool) -> None:
    """Print the newest tickets."""
    rows = []
    with opened(config) as (_, store), store.read() as work:
        for ticket in work.tickets.recent(states=list(map(str, states)), limit=limit):
            operation = work.operations.get(ticket.operation_id)
            rows.append(ticket_facts(ticket, None if operation is None else operation.request_id))
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(rows, _COLUMNS, none="No such tickets." if states else "No tickets yet.")
