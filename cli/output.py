"""What commands print: tables for people, plain in a pipe, or JSON. Listings are printed row by row, as they come."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from access.entitlements import EntitlementRef
from access.text import one_line

if TYPE_CHECKING:
    from rich.table import Table

#: One record, by the names that JSON has for its members.
Facts = Mapping[str, Any]

#: Colours of states on a terminal; other states have none.
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

#: Headings of columns that are not called as the fact is.
_HEADINGS = {
    "account_status": "status",
    "account_title": "who",
    "answers": "closed undone",
    "closed_at": "closed",
    "email": "address",
    "ends_at": "until",
    "first_seen_at": "first seen",
    "holder_groups": "groups",
    "holders": "accounts",
    "named": "entitlement by names",
    "opened_at": "opened",
    "parent_key": "project",
    "pre_existing": "was there before",
    "provisions": "changes by api",
    "raised_at": "since",
    "received_at": "received",
    "resent_at": "sent again",
    "resource_name": "has",
    "snapshot_age": "age",
    "snapshot_at": "last snapshot",
    "starts_at": "from",
    "through_name": "through",
    "title": "name",
    "url": "address",
}

#: Rows that are held to measure the columns of a table.
_MEASURED = 200

_DAY, _HOUR, _MINUTE = 86_400, 3600, 60


def print_lines(*lines: str) -> None:
    """Print lines as they are."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def print_note(sentence: str) -> None:
    """Print a sentence about the output on standard error, below what was printed so far."""
    sys.stdout.flush()
    sys.stderr.write(f"provisor: {sentence}\n")


def print_json(value: Any) -> None:
    """Print one JSON value; indented on a terminal only."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None) + "\n")


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


def print_listing(
    rows: Iterable[Facts],
    columns: Sequence[str],
    *,
    none: str,
    as_json: bool,
    limit: int = 0,
    total: Callable[[], int | None] | None = None,
    shown: Callable[[Facts], Facts] = lambda row: row,
) -> None:
    """Print the first ``limit`` rows, all for 0, and a note that says how many more there are.

    ``columns`` are names of facts, ``none`` is printed in place of an empty table, ``shown`` rewords a row
    for the table. ``total`` counts the rows where ``rows`` are not all of them; it gives None where that takes too long.
    """
    left = iter(rows)
    some = islice(left, limit or None)
    if as_json:
        print_json_rows(some)
    else:
        _print_table(map(shown, some), columns, none=none)
    if next(left, None) is None:
        return
    sys.stdout.flush()
    count = limit + 1 + sum(1 for _ in left) if total is None else total()
    more = f"more than {limit:,}" if count is None else f"{count - limit:,} more"
    print_note(f"There are {more}. Narrow the listing down, or show all with -n 0.")


def one_more(limit: int) -> int | None:
    """How many rows to ask for, so that a listing of ``limit`` knows whether there are more; None is all."""
    return limit + 1 if limit else None


def _print_table(rows: Iterator[Facts], columns: Sequence[str], *, none: str) -> None:
    """Print a table whose columns are as wide as its first rows need."""
    first = list(islice(rows, _MEASURED))
    following = next(rows, None)
    if not first:
        print_lines(none)
    elif following is None and sys.stdout.isatty():
        _print_rich_table(first, columns)
    else:
        measured = [{name: _heading(name).upper() for name in columns}, *first]
        widths = [max(len(cell(row.get(name))) for row in measured) for name in columns]
        for row in chain(measured, () if following is None else (following,), rows):
            cells = (f"{cell(row.get(name)):<{width}}" for name, width in zip(columns, widths, strict=True))
            print_lines("  ".join(cells).rstrip())


def _print_rich_table(rows: Sequence[Facts], columns: Sequence[str]) -> None:
    from rich.console import Console
    from rich.text import Text

    table = rich_table(map(_heading, columns))
    for row in rows:
        table.add_row(*(Text(cell(row.get(name)), style=_COLOURS.get(str(row.get(name)), "")) for name in columns))
    Console().print(table)


def _heading(name: str) -> str:
    return _HEADINGS.get(name, name.replace("_", " "))


def rich_table(headings: Iterable[str]) -> Table:
    """An empty table in the look of all tables on a terminal."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading.upper(), overflow="fold")
    return table


def _write_items(rows: Iterable[Facts]) -> None:
    between = "\n"
    for row in rows:
        sys.stdout.write(between + json.dumps(row, ensure_ascii=False))
        between = ",\n"
    if between != "\n":
        sys.stdout.write("\n")


def labelled_lines(facts: Facts) -> list[str]:
    """One line for each fact that is there: its name, and its value."""
    return [
        f"  {name.replace('_', ' ')}: {cell(value)}" for name, value in facts.items() if value not in (None, "", [])
    ]


def cell(value: Any) -> str:
    """A value in one line. Control characters in texts of other systems are replaced, so that they do not steer a terminal."""
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(cell, value)) or "-"
        case _:
            return one_line(value)


def facts_of(record: object, *names: str) -> dict[str, Any]:
    """Attributes of a record as JSON has them: moments in one spelling, entitlements in their written form."""
    values = {name: getattr(record, name) for name in names}
    return {name: _spelled(value) for name, value in values.items()}


def _spelled(value: Any) -> Any:
    match value:
        case datetime():
            return moment(value)
        case EntitlementRef():
            return str(value)
        case _:
            return value


def moment(value: datetime | None) -> str | None:
    """A moment in UTC, to the second, in one spelling for tables and JSON."""
    return None if value is None else f"{value:%Y-%m-%dT%H:%M:%S}Z"


def age(of: timedelta) -> str:
    """A time span in its largest unit, such as ``3 days``."""
    whole = int(of.total_seconds())
    units = ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute"), (1, "second"))
    size, unit = next((each for each in units if whole >= each[0]), units[-1])
    return counted(whole // size, unit)


def counted(number: int, noun: str) -> str:
    """Such as ``1 day`` and ``3 days``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
