"""What commands print: a table for people, plain in a pipe, or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from access.text import one_line

#: Facts as they are printed as JSON.
Facts = Mapping[str, Any]

#: Colours of states on a terminal; the rest have none.
_COLOURS = {
    "done": "green",
    "verified": "green",
    "active": "green",
    "failed": "red",
    "refused": "red",
    "escalated": "red",
    "declined": "red",
    "lost": "red",
    "with_person": "yellow",
    "open": "yellow",
    "answered": "yellow",
}


def print_json(value: Any) -> None:
    """Print one JSON value; indented for people's eyes only."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None) + "\n")


def print_lines(*lines: str) -> None:
    """Print lines as they are."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def print_table(rows: Sequence[Facts], columns: Mapping[str, str], *, none: str) -> None:
    """Print facts as a table; ``columns`` maps their names to headings, ``none`` is said when there are no rows."""
    if not rows:
        print_lines(none)
    elif sys.stdout.isatty():
        _rich_table(rows, columns)
    else:
        print_lines(*plain_table(rows, columns))


def plain_table(rows: Sequence[Facts], columns: Mapping[str, str]) -> list[str]:
    """The lines of a table, two spaces between columns."""
    cells = [[heading.upper() for heading in columns.values()]]
    cells += [[cell(row.get(name)) for name in columns] for row in rows]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    return ["  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _rich_table(rows: Sequence[Facts], columns: Mapping[str, str]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in columns.values():
        table.add_column(heading.upper(), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(row.get(name)), style=_COLOURS.get(str(row.get(name)), "")) for name in columns))
    Console().print(table)


def cell(value: Any) -> str:
    """A value in one line of a table. Control characters in other people's words do nothing to the terminal."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(cell, value)) or "-"
        case _:
            return one_line(value)


def moment(value: datetime | None) -> str | None:
    """A moment in UTC, to the second, in one spelling for tables and JSON."""
    return None if value is None else f"{value:%Y-%m-%dT%H:%M:%S}Z"


def seconds(value: timedelta | None) -> float | None:
    """A duration in seconds."""
    return None if value is None else value.total_seconds()
