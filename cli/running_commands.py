from __future__ import annotations

from typing import Annotated

import typer

from cli.options import ConfigFile
from worker.roles import ProcessRole


def declare(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("up")(up)
    app.command(
        "simulate",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    )(simulate)


def up(
    config: ConfigFile = None,
    role: Annotated[
        list[ProcessRole] | None,
        typer.Option(help="Only this part of the work; may be repeated. Default: all of it.", show_default=False),
    ] = None,
) -> None:
    """Run Provisor until it is stopped.

    SIGTERM or Ctrl-C ends it, once what is under way is finished. On SQLite, only one may run at a time.
    """
    from cli import up as command

    raise typer.Exit(command.up(config, roles=role or list(ProcessRole)))


def simulate(context: typer.Context) -> None:
    """Run the simulated systems.

    JumpCloud, Jira Cloud and Atlassian administration; 'provisor simulate --help' lists its own options.
    """
    from simulator.cli import main as simulator

    raise typer.Exit(simulator(context.args))
