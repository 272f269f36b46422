"""Completeness certificates: what was read for an answer, so that a stranger can check that nothing was left out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from access.seals import canonical, written
from access.snapshots import Snapshot
from store.unit_of_work import UnitOfWork

#: The form of the document.
SCHEMA = "provisor.certificate/1"


def certificate_of(work: UnitOfWork, snapshot: Snapshot, *, with_lists: bool = False) -> dict[str, Any]:
    """What a snapshot stands on: whose it is, when and how it was read, and its lists in sum.

    ``with_lists`` adds each list: when it was read, its rows and calls, the totals that the service told, the ids of the
    exchanges. ``lists_sha256`` is over these, so that a certificate in short names one in full. To be asked in the transaction
    in which the snapshot was found: the lists of one that was replaced are deleted.
    """
    run = work.sync_runs.get(snapshot.run_id)
    plan: Mapping[str, Any] = {} if run is None or run.plan is None else run.plan
    tenant = work.tenants.of(snapshot.system)
    digest, kept = hashlib.sha256(), []
    count = rows = calls = twice = unknown = 0
    for row in work.snapshots.lists(snapshot.run_id):
        facts = row["facts"] or {}
        each = {"name": row["name"], "rows": row["rows"], "stored_at": written(row["read_at"]), **facts}
        digest.update(canonical(each) + b"\n")
        count, rows, calls = count + 1, rows + row["rows"], calls + facts.get("calls", 0)
        twice, unknown = twice + bool(facts.get("two_agreed")), unknown + (not facts)
        if with_lists:
            kept.append(each)
    summary = {
        "system": str(snapshot.system),
        "tenant": None if tenant is None else str(tenant),
        "run": snapshot.run_id,
        "began_at": written(snapshot.began_at),
        "completed_at": written(snapshot.completed_at),
        "everything_read_at": written(snapshot.full_run_at),
        "credential_of": None if run is None else run.credential_of,
        "method": plan.get("method"),
        "notes": list(plan.get("notes", [])),
        "calls_of_run": None if run is None else run.calls,
        "lists_in_all": count,
        "rows": rows,
        "calls": calls,
        "read_twice": twice,
        "not_told_how": unknown,
        "lists_sha256": digest.hexdigest(),
    }
    return summary | ({"lists": kept} if with_lists else {})


def newest_seal(work: UnitOfWork) -> dict[str, Any] | None:
    """The newest seal of the audit trail: the document is younger than it."""
    seal = work.seals.newest()
    return None if seal is None else {"number": seal.number, "hash": seal.hash, "sealed_at": written(seal.sealed_at)}
