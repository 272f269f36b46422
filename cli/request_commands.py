from __future__ import annotations

from typing import Annotated

import typer

from access.lifecycle import RequestState
from cli.options import AsJson, ConfigFile, Limit, group

requests = group("Access requests, and where they stand.")


@requests.command("list")
def list_requests(
    config: ConfigFile = None,
    state: Annotated[list[RequestState] | None, typer.Option(help="Only those in this state; may be repeated.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest requests."""
    from cli import request_views

    request_views.show_list(config, states=state or [], limit=limit, as_json=as_json)


@requests.command("show")
def show_request(
    request_id: Annotated[str, typer.Argument(metavar="ID", help="The request's own id.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show all there is to one request.

    Its plan line by line with reasons, its tickets, its claim, and its audit trail.
    """
    from cli import request_views

    request_views.show_one(config, request_id, as_json=as_json)
