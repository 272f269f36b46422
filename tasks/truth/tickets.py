"""The tickets of an audit: those of a query, or those of a table that some ticketing system wrote."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from access.text import loose_name
from access.ticket_mapping import FieldPart, TicketMapping, moment_in
from ticketing.closed_tickets import FieldName, FoundTicket, TicketArchive
from ticketing.names import folded
from ticketing.ports import Phase, TicketRef
from ticketing.status import StatusMap

#: What Jira puts around the names of its custom fields in the columns of an export.
_CUSTOM = re.compile(r"^custom field \((?P<name>.*)\)$", re.IGNORECASE)
#: How Excel keeps a text from being read as a number, and how a formula is kept from being calculated.
_EXCEL_TEXT = re.compile(r'^="(?P<text>.*)"$', re.DOTALL)
_DELIMITERS = ",;\t|"
#: The largest cell: descriptions of tickets are long.
_LARGEST_CELL = 1_000_000


class TicketsUnusable(ValueError):  # noqa: N818 - for an operator to read; no error of the program
    """The tickets cannot be read as they are: one sentence of what is wrong, and the remedy."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table say what every ticket has; of several names the first that is there counts."""

    key: Sequence[str] = ("Issue key", "Key", "Ticket", "Number", "ID")
    created: Sequence[str] = ("Created", "Opened", "Created at")
    closed: Sequence[str] = ("Status Category Changed", "Resolved", "Closed", "Closed at", "Resolution date")
    status: Sequence[str] = ("Status", "State")
    category: Sequence[str] = ("Status Category",)
    resolution: Sequence[str] = ("Resolution",)
    #: Names of statuses that mean closed, for tables without the category.
    done: Sequence[str] = ("Done", "Closed", "Resolved", "Completed", "Fulfilled")


@dataclass(frozen=True, slots=True)
class Tickets:
    """The tickets of an audit. ``more`` says that there are more than were wanted; ``source`` is for people."""

    found: Sequence[FoundTicket]
    source: str
    pages: int = 1
    more: bool = False


def field_ids(mapping: TicketMapping, known: Sequence[FieldName]) -> Mapping[str, Sequence[str]]:
    """The ids of the mapping's fields, by id or by name. Raises ``TicketsUnusable`` for one that there is not.

    Several fields of one name are all read: Jira lets two have the same, and an issue fills one of them.
    """
    ids: dict[str, Sequence[str]] = {}
    for name in mapping.fields:
        exact = [each.id for each in known if each.id == name]
        found = exact or [each.id for each in known if loose_name(each.name) == loose_name(name)]
        if not found:
            raise TicketsUnusable(
                f"The ticketing system has no field '{name}' that the mapping names, or does not show it.",
                "Name a field by its id or by its name; 'provisor truth suggest' lists those that tickets fill.",
            )
        ids[name] = found
    return ids


def tickets_of_query(archive: TicketArchive, mapping: TicketMapping, query: str, *, most: int) -> Tickets:
    """The last tickets of a query, ``most`` at the most, in as few calls as there are pages of them."""
    ids = field_ids(mapping, archive.field_names())
    found: list[FoundTicket] = []
    pages = 0
    for page in archive.find(query, fields=ids):
        pages += 1
        found += page.tickets
        if len(found) >= most:
            return Tickets(found[:most], query, pages, more=len(found) > most or not page.last)
    return Tickets(found, query, pages)


def tickets_of_table(
    content: bytes, mapping: TicketMapping, columns: Columns, *, name: str, statuses: StatusMap, most: int
) -> Tickets:
    """The tickets of a CSV file. Raises ``TicketsUnusable``."""
    header, rows = read_table(content)
    table = _Table(header, mapping, columns, statuses)
    found = []
    for number, row in enumerate(rows, start=2):
        if any(cell.strip() for cell in row):
            found.append(table.ticket(row, number))
    return Tickets(found[:most], name, more=len(found) > most)


def read_table(content: bytes) -> tuple[list[str], Iterator[list[str]]]:
    """The header and the rows of a CSV file as spreadsheets and Jira write them: with a BOM, ``;`` or tabs, quoted by Excel.

    Raises ``TicketsUnusable``.
    """
    encoding = "utf-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as exc:
        raise TicketsUnusable("The file is not UTF-8 text.", "Save it as 'CSV UTF-8'.") from exc
    delimiter = None
    if text[:4].lower() == "sep=":
        first, _, text = text.partition("\n")
        delimiter = first[4:5]
    head = re.sub(r'"[^"]*"', "", text.partition("\n")[0])
    delimiter = delimiter or max(_DELIMITERS, key=head.count)
    rows = _rows(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    try:
        header = [cell.strip() for cell in next(rows)]
    except StopIteration:
        raise TicketsUnusable(
            "The file is empty.", "Export the tickets with a first line that names the columns."
        ) from None
    return header, rows


def _rows(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows, each read under a limit for its cells that is ours alone: the library has one for the whole process."""
    while True:
        before = csv.field_size_limit(_LARGEST_CELL)
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as exc:
            raise TicketsUnusable(f"The file is not CSV from some line on: {exc}.", "Save it as CSV.") from exc
        finally:
            csv.field_size_limit(before)
        yield [_plain(cell) for cell in row]


def _plain(cell: str) -> str:
    """A cell without what keeps a spreadsheet from reading it as a number or a formula."""
    if match := _EXCEL_TEXT.match(cell.strip()):
        return match["text"].replace('""', '"')
    return cell[1:] if cell[:1] == "'" and cell[1:2] in "=+-@\t" and len(cell) > 1 else cell


class _Table:
    """A table's columns by what they say."""

    def __init__(self, header: Sequence[str], mapping: TicketMapping, columns: Columns, statuses: StatusMap) -> None:
        self._header = header
        self._statuses = statuses
        self._mapping = mapping
        self._done = {folded(name) for name in columns.done}
        self._key, self._created, self._closed, self._status, self._category, self._resolution = (
            self._first(names)
            for names in (
                columns.key,
                columns.created,
                columns.closed,
                columns.status,
                columns.category,
                columns.resolution,
            )
        )
        if not self._key:
            raise TicketsUnusable(
                f"The file has no column with the tickets' keys; it has {', '.join(header)}.",
                "Name it in the mapping, as key below csv.",
            )
        if not self._closed:
            raise TicketsUnusable(
                f"The file has no column that says when a ticket was closed; it has {', '.join(header)}.",
                "Name it in the mapping, as closed below csv.",
            )
        self._fields = {name: self._columns(name) for name in mapping.fields}
        for name, places in self._fields.items():
            if not places:
                raise TicketsUnusable(
                    f"The file has no column '{name}' that the mapping names; it has {', '.join(header)}.",
                    "Name a column of the file in the mapping.",
                )

    def ticket(self, row: Sequence[str], number: int) -> FoundTicket:
        """The ticket of a row."""
        key = self._cell(row, self._key) or f"line {number}"
        status, resolution = self._cell(row, self._status), self._cell(row, self._resolution)
        closed_from, closed = self._span(row, self._closed) or (None, None)
        created = self._span(row, self._created)
        fields = {
            name: [FieldPart(row[place]) for place in places if place < len(row) and row[place].strip()]
            for name, places in self._fields.items()
        }
        return FoundTicket(
            ref=TicketRef(key, key, ""),
            summary="",
            status=status,
            resolution=resolution or None,
            phase=self._statuses.phase(category=self._category_of(row, status), status=status, resolution=resolution),
            created_at=None if created is None else created[0],
            closed_at=closed,
            fields=fields,
            closed_from=closed_from,
        )

    def _category_of(self, row: Sequence[str], status: str) -> str | None:
        """``done`` for a closed ticket. A table without statuses is one of closed tickets."""
        if self._category:
            return "done" if folded(self._cell(row, self._category)) == "done" else None
        if not self._status or folded(status) in self._done or folded(status) in self._statuses.declined:
            return "done"
        return None

    def _span(self, row: Sequence[str], places: Sequence[int]) -> tuple[datetime, datetime] | None:
        """The earliest and the latest moment that a cell may mean: a day may be all that is known."""
        return moment_in(self._cell(row, places), self._mapping.date_formats, self._mapping.zone)

    def _cell(self, row: Sequence[str], places: Sequence[int]) -> str:
        return next((row[place].strip() for place in places if place < len(row) and row[place].strip()), "")

    def _first(self, names: Sequence[str]) -> Sequence[int]:
        return next((places for name in names if (places := self._columns(name))), ())

    def _columns(self, name: str) -> list[int]:
        """The places of a column: Jira writes one with several values several times."""
        wanted = loose_name(name)
        return [
            place
            for place, title in enumerate(self._header)
            if wanted in {loose_name(title), loose_name(match["name"] if (match := _CUSTOM.match(title)) else title)}
        ]


def why_left_out(ticket: FoundTicket) -> str | None:
    """Why a ticket says nothing that could be true or not; None when it says something."""
    match ticket.phase:
        case Phase.DONE:
            return None
        case Phase.DECLINED:
            return "It was closed as declined: it says that nothing was done."
        case _:
            return "It is not closed, or was opened again: it says nothing yet."
