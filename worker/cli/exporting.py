"""Exports: what the current pictures show, as one file that says as of when."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from access.clock import SystemClock
from access.entitlements import System
from access.pictures import Picture
from store.looking import Looking, Wanted, one_moment
from store.people import People
from store.unit import Store
from worker.cli.export_columns import ACCOUNTS, ENTITLEMENTS, GRANTS
from worker.cli.export_files import Sink, write_rows, written
from worker.cli.freshness import age_of, missing, require_pictures
from worker.cli.opening import opened
from worker.cli.output import moment
from worker.cli.picture_facts import account_facts, entitlement_facts, grant_facts
from worker.cli.problems import Problem
from worker.cli.version import version

_COLUMNS: Mapping[str, Sequence[str]] = {"accounts": ACCOUNTS, "entitlements": ENTITLEMENTS, "grants": GRANTS}


def export(
    config: Path | None, what: str, *, form: str, output: Path | None, manifest: Path | None, system: System | None
) -> None:
    """Write accounts, entitlements or grants. Raises ``Problem`` when a picture that is wanted is not there."""
    with opened(config) as (settings, store), one_moment(store.database) as look:
        now = SystemClock().now()
        pictures = require_pictures(look, settings, system, now=now)
        for unseen in missing(pictures, settings, system):
            raise Problem(
                f"There is no complete picture of {unseen} yet, so an export would leave it out.",
                f"Run 'provisor sync', or export the other system alone with --system {pictures[0].system}.",
            )
        with written(output) as sink:
            rows = write_rows(sink, _rows(look, what, system), _COLUMNS[what], form=form)
        if manifest is not None:
            facts = _manifest(store, what, pictures, sink) | {"rows": rows, "format": form, "made_at": moment(now)}
            facts["file"] = None if output is None else output.name
            with written(manifest) as beside:
                beside.write(json.dumps(facts, ensure_ascii=False, indent=2).encode() + b"\n")
    sys.stdout.flush()
    as_of = ", ".join(f"{each.system} as of {moment(each.began_at)} ({age_of(each, now)} ago)" for each in pictures)
    sys.stderr.write(f"provisor: {rows} {what} exported: {as_of}.\n")


def _rows(look: Looking, what: str, system: System | None) -> Iterator[Mapping[str, Any]]:
    wanted = Wanted(system=system)
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


def _manifest(store: Store, what: str, pictures: Sequence[Picture], sink: Sink) -> dict[str, Any]:
    taken = []
    with store.read() as work:
        for picture in pictures:
            run = work.sync_runs.get(picture.run_id)
            plan = {} if run is None or run.plan is None else run.plan
            taken.append(
                {
                    "system": str(picture.system),
                    "run": picture.run_id,
                    "began_at": moment(picture.began_at),
                    "completed_at": moment(picture.completed_at),
                    "everything_read_at": moment(picture.full_run_at),
                    "credential_of": None if run is None else run.credential_of,
                    "method": plan.get("method"),
                    "notes": plan.get("notes", []),
                }
            )
    return {
        "export": what,
        "columns": list(_COLUMNS[what]),
        "pictures": taken,
        "bytes": sink.bytes,
        "sha256": sink.sha256,
        "provisor": version(),
    }
