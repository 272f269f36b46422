"""Options and arguments that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from access.entitlements import ResourceKind, System

ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        help="The settings file. Default: PROVISOR_CONFIG, else ./provisor.yaml if it is there.",
        show_default=False,
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Newest = Annotated[int, typer.Option("--limit", "-n", min=0, help="Show at most so many, newest first; 0 for all.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=0, help="Show at most so many; 0 for all.")]

OfSystem = Annotated[System | None, typer.Option("--system", help="Only this system.", show_default=False)]
OfKind = Annotated[ResourceKind | None, typer.Option("--kind", help="Only this kind of resource.", show_default=False)]
Text = Annotated[
    str | None, typer.Option("--text", metavar="TEXT", help="Only where this is in a name, address or username.")
]
TheAccount = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its id, address or username.")]
TheResource = Annotated[
    str, typer.Argument(metavar="RESOURCE", help="Its id, its name, KEY:role, or an entitlement in its written form.")
]


def confirm(question: str, *, yes: bool) -> None:
    """Ask a person, unless they have said yes already. Ends the command with 1 when they say no."""
    if not yes and not typer.confirm(question):
        raise typer.Exit(1)


def group(help_text: str, *, runs_alone: bool = False, completes: bool = False) -> typer.Typer:
    """A group of commands.

    ``runs_alone`` is whether its callback is a command too, ``completes`` whether it can complete words in a shell.
    """
    return typer.Typer(
        help=help_text,
        no_args_is_help=not runs_alone,
        invoke_without_command=runs_alone,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=completes,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
