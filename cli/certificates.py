"""Certificates beside exported files: what they stand on, and their digests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from access.documents import spelled, with_digest
from access.seals import written
from cli.export_files import Sink, whole_file
from cli.version import version

if TYPE_CHECKING:
    from store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Exported:
    """What was exported: a noun, in which form and columns, how many rows, and the bytes that were written."""

    what: str
    form: str
    columns: Sequence[str]
    rows: int
    sink: Sink
    output: Path | None


def certify(
    exported: Exported,
    beside: Path | None,
    work: UnitOfWork,
    *,
    now: datetime,
    stands_on: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write the certificate to ``beside``; by default next to the exported file, and nowhere for standard output.

    ``stands_on`` are the certificates of the snapshots that the rows were taken from.
    """
    from tasks.certificates import SCHEMA, newest_seal

    output = exported.output
    if beside is None and output is not None:
        beside = output.with_name(f"{output.name}.certificate.json")
    if beside is None:
        return
    document = {
        "schema": SCHEMA,
        "export": exported.what,
        "file": None if output is None else output.name,
        "format": exported.form,
        "columns": list(exported.columns),
        "rows": exported.rows,
        "bytes": exported.sink.bytes,
        "sha256": exported.sink.sha256,
        "made_at": written(now),
        "provisor": version(),
        "snapshots": list(stands_on),
        "newest_seal": newest_seal(work),
    }
    with whole_file(beside) as sink:
        sink.write(spelled(with_digest(document)))
