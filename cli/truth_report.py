"""A truth report as lines for people, as JSON, and as the CSV file to hand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from access.truth import Verdict
from cli.export_files import whole_file, write_rows
from cli.output import counted, moment
from tasks.truth.report import Certificate, Line, SystemRead, TruthReport

#: The columns of the file, in their order. Columns are only ever added, at the end.
COLUMNS = (
    "ticket", "verdict", "because", "as_said_now", "action", "person", "account", "account_title", "thing", "entitlement",
    "closed_at", "closed_by", "reopened", "agreed_end", "since", "by", "reason", "system", "url",
)  # fmt: skip

#: The order in which lines are shown: what a person has to look at first.
_ORDER = list(Verdict)


def in_order(report: TruthReport) -> list[Line]:
    """The lines, those that weigh most first; of these what is not so now."""

    def weight(line: Line) -> tuple[int, bool]:
        return _ORDER.index(line.judgement.verdict), line.judgement.as_said is not False

    return sorted(report.lines, key=weight)


def row_facts(line: Line) -> dict[str, Any]:
    """One line by the names of the columns."""
    judgement = line.judgement
    return {
        "ticket": line.ticket,
        "verdict": str(judgement.verdict),
        "because": judgement.because,
        "as_said_now": judgement.as_said,
        "action": None if line.action is None else str(line.action),
        "person": line.person,
        "account": line.account,
        "account_title": line.account_title,
        "thing": line.thing,
        "entitlement": line.entitlement,
        "closed_at": moment(line.closed_at),
        "closed_by": line.closed_by,
        "reopened": line.reopened,
        "agreed_end": moment(line.end),
        "since": moment(judgement.since),
        "by": judgement.by,
        "reason": str(judgement.reason),
        "system": line.system,
        "url": line.url,
    }


def write_table(file: Path, report: TruthReport) -> None:
    """Write the CSV file. Raises ``Problem``."""
    with whole_file(file) as sink:
        write_rows(sink, map(row_facts, in_order(report)), COLUMNS, form="csv")


def report_facts(report: TruthReport) -> dict[str, Any]:
    """The whole report as JSON has it."""
    return {
        "totals": {str(verdict): count for verdict, count in report.totals.items()},
        "not_so_now_and_unsaid": report.not_so_now,
        "unsaid_because": {str(reason): count for reason, count in report.unsaid_because.items()},
        "left_out": [
            {"ticket": each.ticket, "status": each.status, "why": each.why, "url": each.url} for each in report.left_out
        ],
        "certificate": certificate_facts(report.certificate),
        "lines": [row_facts(line) for line in in_order(report)],
    }


def certificate_facts(certificate: Certificate) -> dict[str, Any]:
    """What was read, by the names that JSON has for it."""
    return {
        "sha256": certificate.sha256,
        "began_at": moment(certificate.began_at),
        "ended_at": moment(certificate.ended_at),
        "tickets": {
            "source": certificate.source,
            "count": certificate.tickets,
            "more": certificate.more_tickets,
            "pages": certificate.ticket_pages,
            "sha256": certificate.tickets_sha256,
        },
        "calls": dict(certificate.calls),
        "rows": sum(each.rows for each in certificate.lists),
        "systems": [_system_facts(each) for each in certificate.systems],
        "lists": [
            {
                "system": each.system,
                "list": each.name,
                "rows": each.rows,
                "pages": each.pages,
                "began_at": moment(each.began_at),
                "ended_at": moment(each.ended_at),
                "sha256": each.sha256,
                "gap": each.gap,
            }
            for each in certificate.lists
        ],
    }


def _system_facts(each: SystemRead) -> dict[str, Any]:
    return {
        "system": each.system,
        "credential_of": each.credential_of,
        "method": each.method,
        "notes": list(each.notes),
        "gap": each.gap,
        "log": {
            "pages": each.log_pages,
            "entries": each.log_entries,
            "reaches": moment(each.log_reaches),
            "note": each.log_note,
        },
    }


def lines_of(report: TruthReport) -> Iterator[str]:
    """The totals and what was read, in words."""
    for verdict, count in report.totals.items():
        more = ""
        if verdict is Verdict.UNSAID and report.not_so_now:
            more = f"  ({report.not_so_now} of them are not as the ticket says now)"
        yield f"{count:>6}  {verdict.label}{more}"
        if verdict is Verdict.UNSAID:
            for reason, tickets in report.unsaid_because.items():
                yield f"        {tickets:>6}  {reason.replace('_', ' ')}"
    if report.left_out:
        yield f"{len(report.left_out):>6}  left out: declined, or not closed"
    certificate = report.certificate
    yield ""
    if certificate.more_tickets:
        yield f"There are more tickets than these {certificate.tickets}: --last reads more of them."
    for each in certificate.systems:
        lists = [line for line in certificate.lists if line.system == each.system]
        if each.gap is not None:
            yield f"{each.system}: not read. {each.gap}"
        else:
            rows, pages = sum(line.rows for line in lists), sum(line.pages for line in lists)
            yield f"{each.system}: {counted(len(lists), 'list')}, {counted(rows, 'row')}, {counted(pages, 'page')}."
            yield from (f"  not complete: {line.name}: {line.gap}" for line in lists if line.gap is not None)
        if each.log_pages or each.log_note:
            reaches = f", back to {moment(each.log_reaches)}" if each.log_reaches else ""
            note = f" {each.log_note}" if each.log_note else ""
            yield f"  its log: {each.log_entries:,} entries{reaches}.{note}"
    calls = ", ".join(f"{count} to {system}" for system, count in certificate.calls.items())
    span = f"from {moment(certificate.began_at)} to {moment(certificate.ended_at)}"
    yield f"Read {span}, by {calls or 'no'} calls; nothing was written."
    yield f"Certificate: {certificate.sha256}"
