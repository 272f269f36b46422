"""Exported rows as CSV, which no spreadsheet calculates, or as JSON lines, in a file that appears when it is whole."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from cli.problems import Problem

#: Rows that are turned into bytes at a time.
_BATCH = 1000

#: A spreadsheet takes these characters at the beginning of a cell for a formula, unless a ' stands before them. A spreadsheet
#: that splits lines at another separator than ours begins a cell within ours.
_FORMULA = re.compile(r"(^|[;|\t\r\n])(?=[=+\-@\t\r])")

#: The file holds people's addresses and what they may do.
_OWNER_ONLY = 0o600


class Sink:
    """Writes bytes to a stream, and keeps their number and their SHA-256."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.bytes = 0

    def write(self, chunk: bytes) -> None:
        """Write."""
        self._stream.write(chunk)
        self._digest.update(chunk)
        self.bytes += len(chunk)

    @property
    def sha256(self) -> str:
        """The digest of all bytes written, in hexadecimal."""
        return self._digest.hexdigest()


def write_rows(sink: Sink, rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, form: str) -> int:
    """Write rows, a thousand at a time; the number of rows."""
    chunks = _csv(rows, columns) if form == "csv" else _json_lines(rows, columns)
    count = 0
    for chunk, of in chunks:
        sink.write(chunk)
        count += of
    return count


@contextmanager
def whole_file(path: Path | None) -> Iterator[Sink]:
    """Standard output, or a file that takes its name when all of it has been written. Raises ``Problem``."""
    if path is None:
        sys.stdout.flush()
        yield Sink(sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, _OWNER_ONLY)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                yield Sink(stream)
                stream.flush()
                os.fsync(stream.fileno())
            beside.replace(path)
        finally:
            with suppress(FileNotFoundError):
                beside.unlink()
    except OSError as exc:
        raise Problem(
            f"{path} cannot be written ({exc.strerror}).", "Check the folder, who may write there, and its space."
        ) from exc


def _defused(value: Any) -> Any:
    """A cell that a spreadsheet shows and does not calculate, whichever separator it splits lines at.

    Values that are no plain text or number are spelled as JSON has them.
    """
    if isinstance(value, bool | dict | list):
        value = json.dumps(value, ensure_ascii=False)
    return _FORMULA.sub(r"\1'", value) if isinstance(value, str) else value


def _csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[tuple[bytes, int]]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for batch in _batches(rows):
        writer.writerows([_defused(row[column]) for column in columns] for row in batch)
        yield text.getvalue().encode(errors="backslashreplace"), len(batch)
        text.seek(0)
        text.truncate()


def _json_lines(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[tuple[bytes, int]]:
    for batch in _batches(rows):
        lines = (json.dumps({column: row[column] for column in columns}, ensure_ascii=False) + "\n" for row in batch)
        yield "".join(lines).encode(errors="backslashreplace"), len(batch)


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The rows in batches; an empty one when there are none, so that a header is written all the same."""
    left = iter(rows)
    batch = list(islice(left, _BATCH))
    yield batch
    while batch := list(islice(left, _BATCH)):
        yield batch
