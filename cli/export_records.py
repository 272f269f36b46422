"""Exports of Provisor's own records: what was asked, what is held by it, what was done, and who did what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from access.clock import SystemClock
from cli.certificates import Exported, certify
from cli.export_files import whole_file, write_rows
from cli.options import ConfigFile
from cli.output import moment, print_note
from cli.snapshots import Row
from cli.store_access import opened

if TYPE_CHECKING:
    from store.queries.audit import Trail
    from store.queries.record_rows import RecordRows

_WHO = ("account_id", "account_title")
_ASKED = ("asked_for", "asked_by", "approved_by", "approved_known", "source")
_TIMES = ("received_at", "finished_at")

#: The columns of exported records, in their order. Columns are only ever added, at the end.
COLUMNS: Mapping[str, Sequence[str]] = {
    "requests": ("id", "state", "action", "system", "entitlement", "subject", "duration", *_ASKED, *_TIMES, "reason"),
    "claims": (
        *("id", "request_id", "state", "system", *_WHO, "email", "account_proven", "entitlement", "named", "title"),
        *("pre_existing", "starts_at", "ends_at", "ended_at", "why_ended", *_ASKED),
    ),
    "operations": (
        *(
            "id",
            "request_id",
            "claim_id",
            "purpose",
            "direction",
            "state",
            "via",
            "why",
            "system",
            *_WHO,
            "entitlement",
        ),
        *("named", "title", "created_at", "before", "wrote_at", "evidence", "verified_at", "error", "obstacle"),
        *("blocked_at", "tries"),
    ),
    "tickets": (
        *("id", "operation_id", "request_id", "provider", "project", "issue_key", "url", "state", "status"),
        *("answers", "opened_at", "closed_at", "error"),
    ),
    "findings": (
        *("id", "kind", "system", *_WHO, "entitlement", "title", "detail", "first_seen_at", "last_seen_at", "done_by"),
        *("claim_id", "request_id", "first_run_id", "ignored_until", "ignored_by", "ignored_why"),
        *("adopted_by_request", "closed_at", "closed_why"),
    ),
    "audit": ("number", "at", "actor", "event", "entity", "entity_id", "request_id", "detail", "seal"),
}

SENTENCES = {
    "requests": "Export requests: what was asked, by whom and why, who approved it as the sender said, and what became of it.",
    "claims": "Export claims: what Provisor gave, why, until when, and how it ended.",
    "operations": "Export operations: what was read before each change, what was written, and what was read after it.",
    "tickets": "Export tickets: what people were asked to do, and how often it was said to be done and was not.",
    "findings": "Export findings: what differed from what should be, since when, who did it if that is known, how it ended.",
    "audit": "Export the audit trail: who did what to which, when, and in which seal it is.",
}


def export_records(what: str, config: ConfigFile, form: str, output: Path | None, manifest: Path | None) -> None:
    """Write all records of one kind, and their certificate."""
    from store.queries.audit import Trail
    from store.queries.record_rows import RecordRows
    from store.unit_of_work import UnitOfWork

    with opened(config) as (_, store), store.database.one_moment() as connection:
        now = SystemClock().now()
        found = _rows(what, RecordRows(connection), Trail(connection))
        with whole_file(output) as sink:
            rows = write_rows(sink, found, COLUMNS[what], form=form)
        exported = Exported(what, form, COLUMNS[what], rows, sink, output)
        certify(exported, manifest, UnitOfWork(connection), now=now)
    print_note(f"{rows} {'audit rows' if what == 'audit' else what} exported, as of {moment(now)}.")


def asked_facts(row: Row) -> dict[str, Any]:
    """Who asked for what a row is about, why, and who approved it: as the sender said, whom ``source`` names."""
    message = row["body"]
    approved = message.get("approved_by")
    return {
        "asked_for": message.get("reason"),
        "asked_by": message.get("requested_by"),
        "approved_by": approved,
        "approved_known": "as the sender said" if approved else "not told",
        "source": row["source"],
    }


def _rows(what: str, records: RecordRows, trail: Trail) -> Iterator[Mapping[str, Any]]:
    match what:
        case "requests":
            return (
                _spelled(row) | asked_facts(row) | {"duration": row["body"].get("duration")}
                for row in records.requests()
            )
        case "claims":
            return (_spelled(row) | asked_facts(row) for row in records.claims())
        case "operations":
            return map(_spelled, records.operations())
        case "tickets":
            return map(_spelled, records.tickets())
        case "findings":
            return map(_spelled, records.findings())
        case _:
            return trail.rows()


def _spelled(row: Row) -> dict[str, Any]:
    return {name: moment(value) if isinstance(value, datetime) else value for name, value in row.items()}
