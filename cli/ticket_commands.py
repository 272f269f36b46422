from __future__ import annotations

from typing import Annotated

import typer

from access.lifecycle import TicketState
from cli.options import AsJson, ConfigFile, Limit, group

tickets = group("Tickets that ask a person.")


@tickets.command("list")
def list_tickets(
    config: ConfigFile = None,
    state: Annotated[list[TicketState] | None, typer.Option(help="Only those in this state; may be repeated.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest tickets."""
    from cli import ticket_views

    ticket_views.show_list(config, states=state or [], limit=limit, as_json=as_json)
