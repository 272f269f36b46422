from __future__ import annotations

from typing import Annotated

import typer

from access.lifecycle import ClaimState
from cli.options import AsJson, ConfigFile, Limit, group

claims = group("The reasons for access, and their ends.")


@claims.command("list")
def list_claims(
    config: ConfigFile = None,
    state: Annotated[list[ClaimState] | None, typer.Option(help="Only those in this state; may be repeated.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest claims."""
    from cli import claim_views

    claim_views.show_list(config, states=state or [], limit=limit, as_json=as_json)
