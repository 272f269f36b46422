"""The command line: ``provisor …``. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper

import typer


def run_command_line(app: typer.Typer, arguments: Sequence[str] | None = None) -> None:
    """Run ``app`` and exit: 0 done, 1 a problem that is printed, 2 used wrongly."""
    from cli.problems import Problem

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A character that the terminal's encoding lacks must not end a listing half-way.
            stream.reconfigure(errors="backslashreplace")
    try:
        app(arguments, prog_name="provisor")
    except BrokenPipeError:
        # The reader of a pipe has closed it, as in `provisor grants list | head`: nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Problem as problem:
        sys.stderr.write(f"provisor: {problem}\n")
        sys.exit(1)
