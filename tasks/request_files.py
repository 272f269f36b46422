"""Files of access requests: JSON, JSON lines and CSV. Each entry becomes a message, and is parsed like any message."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from access.message import AccessRequest
from access.text import shortened
from tasks.message_parsing import Malformed, parse_message


class FileFormat(StrEnum):
    """How a file of requests is written."""

    #: One object, an array of objects, or several objects one after the other.
    JSON = "json"
    #: One object a line.
    JSON_LINES = "jsonl"
    #: A table; its first line names the columns.
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a file: where it stands, what it says or why it cannot be read, and the body to send, if any."""

    position: str
    outcome: AccessRequest | Malformed
    body: bytes


#: The columns that say who the subject is, each with its name in the message.
_SUBJECT = {"email": "email", "username": "username", "subject_id": "id"}
_WHAT = ("entitlement", "system", "products", "duration", "starts_at", "ends_at", "until_issue", "claim_of")
#: The columns of a table. All but those of the subject are called as in the message.
COLUMNS = ("id", "action", *_SUBJECT, *_WHAT, "reason", "requested_by", "approved_by", "requested_at")
_FIELD = "field:"
_SPACE = " \t\r\n"


def parse_file(text: str, file_format: FileFormat | None = None) -> Iterator[Entry]:
    """Every entry of the file, in order, as long as it is clear where the next begins; finds the format out if need be."""
    text = text.removeprefix("\ufeff")
    match file_format or sniff(text):
        case FileFormat.JSON:
            yield from _from_json(text)
        case FileFormat.JSON_LINES:
            yield from _from_lines(text)
        case FileFormat.CSV:
            yield from _from_table(text)


def sniff(text: str) -> FileFormat:
    """The format a file is most likely in: JSON begins with a bracket, and each of JSON lines with a brace."""
    lines = [line.strip() for line in text[:_SNIFFED].splitlines() if line.strip()]
    if not lines or lines[0][0] not in "[{":
        return FileFormat.CSV
    if lines[0][0] == "{" and len(lines) > 1 and lines[1][0] == "{":
        return FileFormat.JSON_LINES
    return FileFormat.JSON


#: Enough of a file to see its second line.
_SNIFFED = 1024 * 1024


def _entry(position: str, body: str) -> Entry:
    content = body.encode(errors="surrogatepass")
    try:
        return Entry(position, parse_message(content), content)
    except Malformed as exc:
        return Entry(position, exc, content)


def _broken(position: str, problem: str) -> Entry:
    return Entry(position, Malformed(problem), b"")


def _from_lines(text: str) -> Iterator[Entry]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield _entry(f"line {number}", line.strip())


def _from_json(text: str) -> Iterator[Entry]:
    """Objects are cut out as they are written, so that the body sent is the text of the file."""
    decoder = json.JSONDecoder()
    position = _skip(text, 0, _SPACE)
    in_array = text[position : position + 1] == "["
    position = _skip(text, position + 1, _SPACE) if in_array else position
    number = 0
    while position < len(text) and not (in_array and text[position] == "]"):
        number += 1
        try:
            _, end = decoder.raw_decode(text, position)
        except json.JSONDecodeError as exc:
            where = f"line {exc.lineno}, column {exc.colno}"
            yield _broken(f"request {number}", f"The JSON is broken ({exc.msg} at {where}); the rest was not read.")
            return
        except (ValueError, RecursionError):
            yield _broken(
                f"request {number}", "The JSON is nested too deeply or has too long a number; the rest was not read."
            )
            return
        yield _entry(f"request {number}", text[position:end])
        position = _skip(text, end, _SPACE)
        if in_array and text[position : position + 1] not in (",", "]"):
            yield _broken(f"after request {number}", "The JSON array goes on without a comma; the rest was not read.")
            return
        if in_array and text[position] == ",":
            position = _skip(text, position + 1, _SPACE)
    if in_array and (position >= len(text) or _skip(text, position + 1, _SPACE) < len(text)):
        yield _broken("the end", "The JSON array is not closed, or there is more after it; the file may be cut off.")


def _skip(text: str, position: int, characters: str) -> int:
    while position < len(text) and text[position] in characters:
        position += 1
    return position


def _from_table(text: str) -> Iterator[Entry]:
    first_line = text.lstrip().partition("\n")[0]
    delimiter = max(",;\t", key=first_line.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns: list[str] | None = None
    while True:
        position = f"line {reader.line_num + 1}"
        try:
            row = next(reader, None)
        except csv.Error as exc:
            yield _broken(position, f"The table cannot be read on from here ({exc}); check its quotes.")
            return
        if row is None:
            break
        if not any(cell.strip() for cell in row):
            continue
        if columns is None:
            columns = [cell.strip() for cell in row]
            if problem := _wrong_columns(columns):
                yield _broken(position, problem)
                return
        elif len(row) != len(columns):
            yield _broken(
                position, f"The row has {len(row)} cells and the first line {len(columns)} columns; make them equal."
            )
        else:
            yield _entry(position, json.dumps(_message(columns, row), ensure_ascii=False))


def _wrong_columns(columns: list[str]) -> str | None:
    unknown = [name for name in columns if name not in COLUMNS and not (name.startswith(_FIELD) and name != _FIELD)]
    if unknown:
        named = ", ".join(f"'{shortened(name, most=20)}'" for name in unknown[:3])
        return f"The table has unknown columns ({named}); there are {', '.join(COLUMNS)} and {_FIELD}<name>."
    if len(set(columns)) < len(columns):
        return "The table has the same column twice; keep one of each."
    if missing := [name for name in ("id", "action") if name not in columns]:
        return f"The table lacks the column {' and '.join(missing)}; its first line names the columns."
    return None


def _message(columns: list[str], row: list[str]) -> dict[str, Any]:
    """The row as a message; an empty cell is a field left out."""
    message: dict[str, Any] = {}
    for column, cell in zip(columns, (cell.strip() for cell in row), strict=True):
        if not cell:
            continue
        if column.startswith(_FIELD):
            message.setdefault("fields", {})[column.removeprefix(_FIELD)] = cell
        elif column in _SUBJECT:
            message.setdefault("subject", {})[_SUBJECT[column]] = cell
        else:
            message[column] = _value(column, cell)
    return message


def _value(column: str, cell: str) -> str | int | list[str]:
    if column == "products":
        return cell.split()
    if column == "duration" and cell.isascii() and cell.isdigit():
        return int(cell[:_DIGITS])
    return cell


#: More digits than any duration in seconds that is accepted.
_DIGITS = 20
