from __future__ import annotations

from typing import Annotated

import typer

from cli.options import AsJson, ConfigFile


def declare(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("doctor")(doctor)


def doctor(
    config: ConfigFile = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only what is not as it should be.")] = False,
    as_json: AsJson = False,
) -> None:
    """Prove the settings: addresses, credentials, permissions, tickets, store, broker and policy. Exit 1 for any problem.

    Nothing is changed anywhere. Rights to change things are proven by asking for a change of something that is not there.
    """
    from cli import doctor_views

    raise typer.Exit(0 if doctor_views.show(config, quiet=quiet, as_json=as_json) else 1)
