"""The ``provisor`` command: the command line with the demonstration. A command imports what it needs when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from cli import run_command_line


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 a problem that was printed, 2 wrong usage."""
    run_command_line(command_line(), arguments)


def command_line() -> typer.Typer:
    """All commands. The demonstration is added here because it stands beside the command line, not below it."""
    from cli.app import app

    app.command("demo")(demo)
    return app


def demo(
    as_json: Annotated[bool, typer.Option("--json", help="End with one line of JSON that says all.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the logs as well.")] = False,
) -> None:
    """See it work, against simulated systems.

    Starts JumpCloud and Jira Cloud simulators on this machine, fulfils requests there, and ends by itself in under a minute.
    Exit 0 when every outcome, by the simulators' own state, was the expected one.
    """
    from demo import show

    raise typer.Exit(show(as_json=as_json, verbose=verbose))


if __name__ == "__main__":
    main()
