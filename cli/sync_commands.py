from __future__ import annotations

from typing import Annotated

import typer

from access.entitlements import System
from cli.options import AsJson, ConfigFile


def declare(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("sync")(sync)


def sync(
    config: ConfigFile = None,
    system: Annotated[
        list[System] | None,
        typer.Option(help="Only this system; may be repeated. Default: all that are connected.", show_default=False),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything, whatever the events say.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a complete snapshot of the systems now, or help with the one under way. Exit 1 when one of them failed."""
    from cli import sync_views

    good = sync_views.sync(config, systems=system or [], full=full, as_json=as_json)
    raise typer.Exit(0 if good else 1)
