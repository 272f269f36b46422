"""Every command of ``provisor`` with its arguments and options."""

from __future__ import annotations

from collections.abc import Iterator

from checks.commands import Command, command_tree

PATH = "docs/commands.md"

_HEAD = """\
# Commands

*Written by `make fix` from the command line itself.* Every command has `--help`.

Every listing takes `--json`. In a pipe, tables are plain and nothing moves. Exit status: 0 done, 1 something is wrong
and was said, 2 used wrongly.
"""


def text() -> str:
    """The page."""
    top = command_tree()
    return "\n".join([_HEAD, *(line for command in top.commands.values() for line in _section(command, depth=2))])


def _section(command: Command, *, depth: int) -> Iterator[str]:
    yield f"{'#' * depth} {' '.join(word for word in command.usage.split() if word.islower() or word == 'provisor')}"
    yield ""
    yield " ".join(command.help.split())
    yield ""
    if not command.commands:
        yield "```"
        yield command.usage + (" [OPTIONS]" if command.flags or command.passes_on else "")
        yield "```"
        yield ""
    parameters = [*command.arguments, *command.flags]
    if parameters:
        yield "| | |"
        yield "|---|---|"
        for parameter in parameters:
            written = parameter.written.replace("|", "\\|")
            yield f"| `{written}` | {parameter.help} |"
        yield ""
    for inner in command.commands.values():
        yield from _section(inner, depth=depth + 1)
