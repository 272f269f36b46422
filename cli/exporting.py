"""Exports: what the current snapshots show, as one file that says as of when."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from access.clock import SystemClock
from access.entitlements import System
from access.snapshots import Snapshot
from cli.export_columns import ACCOUNTS, ENTITLEMENTS, GRANTS
from cli.export_files import Sink, write_rows, written
from cli.freshness import age_of, missing, require_snapshots
from cli.output import moment
from cli.problems import Problem
from cli.snapshot_facts import account_facts, entitlement_facts, grant_facts
from cli.store_access import opened
from cli.version import version
from store.people import People
from store.queries.snapshots import Filters, Queries, one_moment
from store.unit_of_work import Store

_COLUMNS: Mapping[str, Sequence[str]] = {"accounts": ACCOUNTS, "entitlements": ENTITLEMENTS, "grants": GRANTS}


def export(
    config: Path | None, what: str, *, form: str, output: Path | None, manifest: Path | None, system: System | None
) -> None:
    """Write accounts, entitlements or grants. Raises ``Problem`` when a snapshot that is wanted is not there."""
    with opened(config) as (settings, store), one_moment(store.database) as look:
        now = SystemClock().now()
        snapshots = require_snapshots(look, settings, system, now=now)
        for unseen in missing(snapshots, settings, system):
            raise Problem(
                f"There is no complete snapshot of {unseen} yet, so an export would leave it out.",
                f"Run 'provisor sync', or export the other system alone with --system {snapshots[0].system}.",
            )
        with written(output) as sink:
            rows = write_rows(sink, _rows(look, what, system), _COLUMNS[what], form=form)
        if manifest is not None:
            facts = _manifest(store, what, snapshots, sink) | {"rows": rows, "format": form, "made_at": moment(now)}
            facts["file"] = None if output is None else output.name
            with written(manifest) as beside:
                beside.write(json.dumps(facts, ensure_ascii=False, indent=2).encode() + b"\n")
    sys.stdout.flush()
    as_of = ", ".join(f"{each.system} as of {moment(each.began_at)} ({age_of(each, now)} ago)" for each in snapshots)
    sys.stderr.write(f"provisor: {rows} {what} exported: {as_of}.\n")


def _rows(look: Queries, what: str, system: System | None) -> Iterator[Mapping[str, Any]]:
    wanted = Filters(system=system)
    if what == "entitlements":
        for row in look.resources(wanted):
            if row["entitlement"] is not None:
                yield entitlement_facts(row) | {"project_name": row["parent_name"]}
        return
    people = People.of(look)
    if what == "accounts":
        for row in look.accounts(wanted):
            yield _account(row, people)
        return
    for row in look.grants(wanted, in_order=True):
        facts = grant_facts(row)
        facts["person"] = people.person(row["account"], row["email"])
        yield facts


def _account(row: Mapping[str, Any], people: People) -> dict[str, Any]:
    facts = account_facts(row)
    profile = {name: facts["attributes"].get(name) for name in ("department", "job_title", "manager")}
    return facts | profile | {"account": facts["id"], "person": people.person(facts["id"], facts["email"])}


def _manifest(store: Store, what: str, snapshots: Sequence[Snapshot], sink: Sink) -> dict[str, Any]:
    taken = []
    with store.read() as work:
        for snapshot in snapshots:
            run = work.sync_runs.get(snapshot.run_id)
            plan = {} if run is None or run.plan is None else run.plan
            taken.append(
                {
                    "system": str(snapshot.system),
                    "run": snapshot.run_id,
                    "began_at": moment(snapshot.began_at),
                    "completed_at": moment(snapshot.completed_at),
                    "everything_read_at": moment(snapshot.full_run_at),
                    "credential_of": None if run is None else run.credential_of,
                    "method": plan.get("method"),
                    "notes": plan.get("notes", []),
                }
            )
    return {
        "export": what,
        "columns": list(_COLUMNS[what]),
        "snapshots": taken,
        "bytes": sink.bytes,
        "sha256": sink.sha256,
        "provisor": version(),
    }
