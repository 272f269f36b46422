from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.lifecycle import TicketState
from cli.options import AsJson, ConfigFile, Newest, group
from cli.output import facts_of, one_more, print_listing
from cli.store_access import opened

if TYPE_CHECKING:
    from access.operations import Ticket

tickets = group("Tickets that ask a person to do what no API can.")

_COLUMNS = ("key", "state", "status", "request", "answers", "opened_at", "closed_at", "url")


@tickets.command("list")
def list_tickets(
    config: ConfigFile = None,
    state: Annotated[list[TicketState] | None, typer.Option(help="Only those in this state; may be repeated.")] = None,
    limit: Newest = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest tickets."""
    from store.queries.records import count_records

    def facts(ticket: Ticket) -> dict[str, Any]:
        operation = work.operations.get(ticket.operation_id)
        return ticket_facts(ticket, None if operation is None else operation.request_id)

    with opened(config) as (_, store), store.read() as work:
        print_listing(
            map(facts, work.tickets.recent(states=state or [], limit=one_more(limit))),
            _COLUMNS,
            none="No such tickets." if state else "No tickets yet.",
            as_json=as_json,
            limit=limit,
            total=lambda: count_records(store, "tickets", states=state or []),
        )


def ticket_facts(ticket: Ticket, request_id: str | None) -> dict[str, Any]:
    """One ticket, with the request it belongs to."""
    return {
        **facts_of(ticket, "id", "state", "status", "project", "answers", "url", "marker", "error"),
        **facts_of(ticket, "opened_at", "closed_at"),
        "key": ticket.issue_key,
        "request": request_id,
        "operation": ticket.operation_id,
    }
