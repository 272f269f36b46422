from __future__ import annotations

import typer

from cli.options import AsJson, ConfigFile


def declare(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("connectors")(connectors)


def connectors(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the systems: connected, syncing or failed, the last complete snapshot and its age, what each reads and changes.

    Nothing is asked of the systems themselves: 'provisor doctor' does that.
    """
    from cli import connector_views

    connector_views.show(config, as_json=as_json)
