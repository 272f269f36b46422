"""Printing rows as they come: as many as there are, and never more than a few of them held."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, islice

from cli import output
from cli.output import Facts

#: Rows whose widths decide those of a table's columns.
_MEASURED = 200


def print_json_rows(rows: Iterable[Facts]) -> None:
    """Print one JSON array, a row in each line."""
    sys.stdout.write("[")
    _write_items(rows)
    sys.stdout.write("]\n")


def print_json_with_rows(facts: Facts, name: str, rows: Iterable[Facts]) -> None:
    """Print one JSON object whose last member is an array of rows."""
    sys.stdout.write(f"{json.dumps(facts, ensure_ascii=False)[:-1]}, {json.dumps(name)}: [")
    _write_items(rows)
    sys.stdout.write("]}\n")


def print_rows(rows: Iterable[Facts], columns: Mapping[str, str], *, none: str) -> None:
    """Print a table; its columns are as wide as the first rows need."""
    left = iter(rows)
    first = list(islice(left, _MEASURED))
    following = next(left, None)
    if following is None:
        output.print_table(first, columns, none=none)
        return
    lines = output.plain_table(first, columns)
    output.print_lines(*lines)
    widths = _widths(first, columns)
    for row in chain((following,), left):
        cells = (output.cell(row.get(name)) for name in columns)
        output.print_lines("  ".join(f"{text:<{width}}" for text, width in zip(cells, widths, strict=True)).rstrip())


def at_most(rows: Iterable[Facts], limit: int) -> Iterator[Facts]:
    """The first ``limit`` rows, 0 for all; says on standard error when there were more."""
    if not limit:
        yield from rows
        return
    left = iter(rows)
    yield from islice(left, limit)
    if next(left, None) is not None:
        sys.stdout.flush()
        sys.stderr.write(f"provisor: There are more than {limit}. Narrow it down, or show all with --limit 0.\n")


def _write_items(rows: Iterable[Facts]) -> None:
    between = "\n"
    for row in rows:
        sys.stdout.write(between + json.dumps(row, ensure_ascii=False))
        between = ",\n"
    if between != "\n":
        sys.stdout.write("\n")


def _widths(rows: Iterable[Facts], columns: Mapping[str, str]) -> list[int]:
    widths = [len(heading) for heading in columns.values()]
    for row in rows:
        widths = [max(width, len(output.cell(row.get(name)))) for width, name in zip(widths, columns, strict=True)]
    return widths
