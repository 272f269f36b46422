from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from cli.options import AsJson, ConfigFile


class FormatName(StrEnum):
    """The formats of files, by the names that ``tasks.request_files`` has for them."""

    JSON = "json"
    JSON_LINES = "jsonl"
    CSV = "csv"


def declare(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("submit")(submit)


def submit(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file of requests, or - for standard input.")],
    config: ConfigFile = None,
    file_format: Annotated[
        FormatName | None, typer.Option("--format", help="How it is written. Default: found out.", show_default=False)
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the requests until they end.")] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="With --wait: give up after so long.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hand requests in.

    JSON, JSON lines or CSV. Exit 1 when any of them is invalid, or, with --wait, not done.
    """
    if timeout is not None and not wait:
        raise typer.BadParameter("--timeout goes with --wait.")
    from cli import submitting

    good = submitting.submit(
        config, file, file_format=file_format and str(file_format), wait=wait, timeout=timeout, as_json=as_json
    )
    raise typer.Exit(0 if good else 1)
