from __future__ import annotations

from typing import Annotated

import typer

from cli.options import AsJson, ConfigFile, Limit, group

dead_letters = group("Messages that were not accepted.")

Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The dead letter's number.")]


@dead_letters.command("list")
def list_letters(
    config: ConfigFile = None,
    resent: Annotated[bool, typer.Option("--resent", help="Those that were sent again, too.")] = False,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest dead letters."""
    from cli import dead_letter_views

    dead_letter_views.show_list(config, resent=resent, limit=limit, as_json=as_json)


@dead_letters.command("show")
def show_letter(number: Number, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show one dead letter with its body."""
    from cli import dead_letter_views

    dead_letter_views.show_one(config, number, as_json=as_json)


@dead_letters.command("resend")
def resend_letters(
    numbers: Annotated[list[int] | None, typer.Argument(metavar="N…", min=1, help="Which; or --all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that were not sent again yet.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Hand dead letters in again.

    As they are, once what was wrong is mended.
    """
    if bool(numbers) == every:
        raise typer.BadParameter("Name the numbers of dead letters, or give --all.")
    from cli import dead_letter_views

    dead_letter_views.resend(config, numbers or None, as_json=as_json)
