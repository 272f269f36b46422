from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from access.clock import SystemClock
from access.entitlements import System
from cli import export_records
from cli.audit import audit
from cli.certificates import Exported, certify
from cli.entitlements import entitlement_facts
from cli.export_files import whole_file, write_rows
from cli.grants import grant_facts
from cli.options import ConfigFile, OfSystem, group
from cli.output import age, moment, print_note
from cli.problems import Problem
from cli.review import REVIEW_COLUMNS, review_rows
from cli.snapshots import Row, missing_snapshots, require_snapshots, row_facts
from cli.store_access import opened

if TYPE_CHECKING:
    from store.queries.snapshots import Queries

export = group(
    "Files for access reviews and auditors: what the systems hold, from the last complete snapshots (nothing is exported where "
    "there is none), and Provisor's own records. Each has a certificate beside it."
)

Form = Annotated[
    Literal["csv", "jsonl"],
    typer.Option(
        "--format",
        help="csv: RFC 4180 in UTF-8; text that a spreadsheet would calculate gets a ' before it. "
        "jsonl: one JSON object in each line.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write this file, readable by you alone; it appears when it is complete. Default: standard output.",
        show_default=False,
    ),
]
Manifest = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the certificate to this file: what was read and how, list by list, the columns, the number of rows, "
        "SHA-256. Default: FILE.certificate.json beside the output, none for standard output.",
        show_default=False,
    ),
]

#: What to call the person of an account, by the system and the id of the account.
Names = Mapping[tuple[str, str], str]

_ACCOUNT = ("account", "kind", "title", "status", "username", "email", "email_source", "person")
_PROFILE = ("department", "job_title", "manager")
_HOLDER = ("account", "account_kind", "account_title", "account_status", "username", "email", "person")
_RESOURCE = ("resource", "resource_name", "project", "project_name")
_HOLDERS = ("holders", "holder_groups")
_WAY = ("held", "through", "through_name", "since", "first_seen_at", "last_active")
_CLAIM = ("claim", "request", "claim_ends_at")

#: The columns of exported files, in their order. Columns are only ever added, at the end.
COLUMNS: Mapping[str, Sequence[str]] = {
    "accounts": ("system", *_ACCOUNT, *_PROFILE, "created_at", "last_active", "snapshot_began_at"),
    "entitlements": ("system", "entitlement", "named", "kind", *_RESOURCE, *_HOLDERS, "url", "snapshot_began_at"),
    "review": REVIEW_COLUMNS,
    "grants": ("system", *_HOLDER, "kind", *_RESOURCE, "entitlement", *_WAY, *_CLAIM, "snapshot_began_at"),
}

_SENTENCES = {
    "accounts": "Export accounts. The person is known where proof, or somebody's decision, joins accounts: see 'provisor "
    "people'.",
    "entitlements": "Export entitlements with the number of their direct holders.",
    "review": "Export the access-review file: who holds what, why, until when, who asked, who approved, last active, and beside "
    "each how it is known.",
    "grants": "Export grants: who holds what, directly or through which group (a row for each way), since "
    "when, and the claim that explains it. since is filled where the system itself says it; first_seen_at is when a "
    "snapshot showed it first.",
}


#: What the rows of an export are called where that is not its name.
_NOUNS = {"review": "rows for a review"}


def _add_command(what: str) -> None:
    @export.command(what, help=f"{_SENTENCES[what]}\n\nColumns, in this order: {', '.join(COLUMNS[what])}.")
    def export_rows(
        config: ConfigFile = None,
        form: Form = "csv",
        output: Output = None,
        manifest: Manifest = None,
        system: OfSystem = None,
    ) -> None:
        _export(what, config, form, output, manifest, system)


def _add_records(what: str) -> None:
    columns = ", ".join(export_records.COLUMNS[what])

    @export.command(what, help=f"{export_records.SENTENCES[what]}\n\nColumns, in this order: {columns}.")
    def export_all(
        config: ConfigFile = None, form: Form = "csv", output: Output = None, manifest: Manifest = None
    ) -> None:
        export_records.export_records(what, config, form, output, manifest)

    if what == "audit":
        audit.command("export", help=f"{export_records.SENTENCES[what]}\n\nColumns, in this order: {columns}.")(
            export_all
        )


for _what in COLUMNS:
    _add_command(_what)
for _what in export_records.COLUMNS:
    _add_records(_what)


def _export(
    what: str, config: Path | None, form: str, output: Path | None, manifest: Path | None, system: System | None
) -> None:
    """Write one kind of rows. Raises ``Problem`` when the snapshot of a connected system that is wanted is missing."""
    from store.queries.people import PeopleQueries
    from store.queries.record_rows import RecordRows
    from store.queries.snapshots import Queries
    from store.unit_of_work import UnitOfWork
    from tasks.certificates import certificate_of

    with opened(config) as (settings, store), store.database.one_moment() as connection:
        queries, now = Queries(connection), SystemClock().now()
        snapshots = require_snapshots(queries, settings, system, now=now)
        for absent in missing_snapshots(snapshots, settings, system):
            raise Problem(
                f"There is no complete snapshot of {absent} yet, so an export would leave it out.",
                f"Run 'provisor sync', or export the other system alone with --system {snapshots[0].system}.",
            )
        with whole_file(output) as sink:
            found = _rows(queries, what, system, PeopleQueries(connection).names)
            if what == "review":
                found = review_rows(found, RecordRows(connection))
            rows = write_rows(sink, found, COLUMNS[what], form=form)
        work = UnitOfWork(connection)
        stands_on = [certificate_of(work, snapshot, with_lists=True) for snapshot in snapshots]
        exported = Exported(what, form, COLUMNS[what], rows, sink, output)
        certify(exported, manifest, work, now=now, stands_on=stands_on)
    as_of = ", ".join(f"{each.system} as of {moment(each.began_at)} ({age(each.age(now))} ago)" for each in snapshots)
    print_note(f"{rows} {_NOUNS.get(what, what)} exported: {as_of}.")


def _rows(queries: Queries, what: str, system: System | None, names: Callable[[], Names]) -> Iterator[Row]:
    from store.queries.snapshots import Filters

    wanted = Filters(system=system)
    if what == "entitlements":
        for row in queries.resources(wanted):
            if row["entitlement"] is not None:
                yield entitlement_facts(row) | {"project_name": row["parent_name"]}
        return
    persons = names()
    if what == "accounts":
        for row in queries.accounts(wanted):
            yield _account(row, persons)
        return
    for row in queries.grants(wanted, in_order=True):
        yield grant_facts(row) | {"person": persons.get((row["system"], row["account"]))}


def _account(row: Row, persons: Names) -> dict[str, Any]:
    facts = row_facts(row)
    profile = {name: facts["attributes"].get(name) for name in _PROFILE}
    return facts | profile | {"account": facts["id"], "person": persons.get((facts["system"], facts["id"]))}
