"""The review file: who holds what, why, until when, who asked, who approved, last active, and how each is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from cli.export_records import asked_facts

if TYPE_CHECKING:
    from store.queries.record_rows import RecordRows

#: Its columns, in their order. Columns are only ever added, at the end.
REVIEW_COLUMNS = (
    *("system", "person", "person_known", "account", "account_title", "account_status", "email"),
    *("entitlement", "resource_name", "project", "held", "through_name", "held_known"),
    *("why", "why_known", "until", "until_known", "asked_by", "asked_by_known", "approved_by", "approved_by_known"),
    *("since", "since_known", "last_active", "last_active_known", "request", "was_there_before", "snapshot_began_at"),
)

#: Grants whose claims are looked up at a time.
_BATCH = 500

_SENDER, _OURS, _UNKNOWN = "as the sender said", "Provisor's own record", "not known"


def review_rows(grants: Iterable[Mapping[str, Any]], records: RecordRows) -> Iterator[dict[str, Any]]:
    """The rows of the review file, from those of the grants that the systems showed."""
    left = iter(grants)
    while batch := list(islice(left, _BATCH)):
        asked = records.of_requests([request for grant in batch for request in _requests(grant)])
        for grant in batch:
            yield _reviewed(grant, [asked[request] for request in _requests(grant) if request in asked])


def _requests(grant: Mapping[str, Any]) -> list[str]:
    return (grant["request"] or "").split()


def _reviewed(grant: Mapping[str, Any], claims: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    asked = [asked_facts(claim) for claim in claims]
    why, asked_by, approved_by = (
        "; ".join(dict.fromkeys(each[name] for each in asked if each[name])) or None
        for name in ("asked_for", "asked_by", "approved_by")
    )
    known = {True: _SENDER, False: _UNKNOWN}
    return {
        **{name: grant.get(name) for name in REVIEW_COLUMNS},
        "person_known": "by proof" if grant["person"] else "not joined to another account",
        "held_known": f"read in {grant['system']}",
        "why": why,
        "why_known": known[why is not None] if claims else "no request of Provisor's",
        "until": grant["claim_ends_at"],
        "until_known": _OURS if grant["claim_ends_at"] else "no end" if claims else _UNKNOWN,
        "asked_by": asked_by,
        "asked_by_known": known[asked_by is not None],
        "approved_by": approved_by,
        "approved_by_known": known[approved_by is not None],
        "since": grant["since"] or grant["first_seen_at"],
        "since_known": f"{grant['system']} says so" if grant["since"] else "first seen in a snapshot",
        "last_active_known": f"{grant['system']} says so" if grant["last_active"] else _UNKNOWN,
        "was_there_before": any(claim["pre_existing"] for claim in claims) if claims else None,
    }
