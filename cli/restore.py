from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from access.entitlements import System
from cli import output
from cli.options import AsJson, ConfigFile, Yes, confirm, group
from cli.os_user import os_user
from cli.problems import Problem
from cli.store_access import load_settings, opened

if TYPE_CHECKING:
    from config.settings import Settings
    from store.restores import Restore
    from store.unit_of_work import Store
    from tasks.restoring import Restoring, Unknown

restore = group("After an older database was put back: nothing is changed until what the backup lacks is known.")


_TICKETS = ("issue_key", "status", "request_id", "request_state", "operation_state", "entitlement", "issue_url")
_COLUMNS = ("system", "account_title", "resource_name", "entitlement", "first_seen_at")


@restore.command("begin")
def begin_restore(config: ConfigFile = None, yes: Yes = False) -> None:
    """Stop all changes of access. Type this before you start 'provisor up' on a database that was put back.

    Then start 'provisor up', have the requests since the backup handed in again, and 'provisor sync'.
    """
    from worker.composition import open_store

    settings = load_settings(config)
    confirm("Access is neither given nor taken away until 'provisor restore end'. Go on?", yes=yes)
    store = open_store(settings)
    try:
        if not _restoring(settings, store).begin():
            raise Problem("A restore is under way already.", "See 'provisor restore show'.")
        latest = _restoring(settings, store).latest()
        assert latest is not None
        tickets = _tickets(settings, _restoring(settings, store))
    finally:
        store.database.close()
    output.print_lines(*_knows(latest), *tickets)


@restore.command("show")
def show_restore(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Count what the backup does not know; list the tickets of the lost time, and the access that no claim explains.

    While the restore is under way the tickets are looked for again.
    """
    with opened(config) as (settings, store):
        latest, unknown = _latest(settings, store)
        restoring = _restoring(settings, store)
        tickets = _tickets(settings, restoring)
        found = [
            asdict(each.ticket) | {"request_state": each.request_state, "operation_state": each.operation_state}
            for each in restoring.lost_tickets()
        ]
    rows = [{**row, "first_seen_at": row["first_seen"]} for row in unknown.appeared]
    if as_json:
        output.print_json(
            {
                "began_at": latest.began_at.isoformat(),
                "ended_at": None if latest.ended_at is None else latest.ended_at.isoformat(),
                "backup_at": None if latest.backup_at is None else latest.backup_at.isoformat(),
                "requests": unknown.requests,
                "compared": list(unknown.compared),
                "not_read": list(unknown.not_read),
                "no_snapshot": list(unknown.no_snapshot),
                "tickets": [{name: row[name] for name in (*_TICKETS, "account_id", "phase")} for row in found],
                "appeared": [
                    {name: row[name] for name in ("system", "account", "account_title", "resource_name", "entitlement")}
                    for row in unknown.appeared
                ],
            }
        )
        return
    output.print_lines(*_knows(latest), *_counts(unknown), *tickets)
    if found:
        output.print_lines("")
        output.print_listing(iter(found), _TICKETS, none="", as_json=False)
    if rows:
        output.print_lines("")
        output.print_listing(iter(rows), _COLUMNS, none="", as_json=False)
        output.print_lines(
            "", "For each, submit a grant that explains it, or a revoke that takes it away, or leave it as it is."
        )


@restore.command("end")
def end_restore(config: ConfigFile = None, yes: Yes = False) -> None:
    """Let access be given and taken away again.

    What the requests that were handed in again find given counts as given by them, and they ask by the tickets that were found.
    """
    with opened(config) as (settings, store):
        latest, unknown = _latest(settings, store)
        if latest.ended_at is not None:
            raise Problem("No restore is under way.", "See 'provisor restore show'.")
        output.print_lines(*_knows(latest), *_counts(unknown), *_tickets(settings, _restoring(settings, store)))
        confirm("Access is changed again from now on. Go on?", yes=yes)
        _restoring(settings, store).end()


def _restoring(settings: Settings, store: Store) -> Restoring:
    from access.clock import MeasuredClock
    from tasks.restoring import Restoring
    from worker.anchors import signer_from

    return Restoring(store, MeasuredClock(store.now), by=os_user(), signer=signer_from(settings))


def _tickets(settings: Settings, restoring: Restoring) -> list[str]:
    """Look for the tickets of the lost time; what came of it."""
    from access.failures import Failure
    from config.errors import SettingsError
    from worker.ticketing import ticketing_from

    try:
        restoring.look_for_tickets(ticketing_from(settings).provider)
    except (Failure, SettingsError) as exc:
        return [f"Tickets of the lost time cannot be looked for: {exc} 'provisor restore show' looks again."]
    found = restoring.lost_tickets()
    still_open = sum(each.ticket.phase == "open" for each in found)
    return [f"Tickets of the lost time that the backup does not know: {len(found)}, {still_open} of them open."]


def _latest(settings: Settings, store: Store) -> tuple[Restore, Unknown]:
    restoring = _restoring(settings, store)
    latest = restoring.latest()
    if latest is None:
        raise Problem("There was no restore.", "'provisor restore begin' begins one.")
    return latest, restoring.unknown(latest, [system for system, each in settings.systems.items() if each.enabled])


def _knows(latest: Restore) -> list[str]:
    known = "nothing" if latest.backup_at is None else f"everything up to {latest.backup_at:%Y-%m-%d %H:%M:%S} UTC"
    until = "" if latest.ended_at is None else f", ended {latest.ended_at:%Y-%m-%d %H:%M} UTC"
    return [f"The backup knows {known}. The restore began {latest.began_at:%Y-%m-%d %H:%M} UTC{until}."]


def _counts(unknown: Unknown) -> list[str]:
    lines = [f"Requests handed in again that the backup does not know: {unknown.requests}."]
    if unknown.compared:
        appeared = len(unknown.appeared)
        lines.append(f"Accesses in {_names(unknown.compared)} that appeared since and no claim explains: {appeared}.")
    if unknown.not_read:
        lines.append(f"What appeared in {_names(unknown.not_read)} is not read yet: 'provisor sync' reads it.")
    if unknown.no_snapshot:
        lines.append(
            f"The backup has no snapshot of {_names(unknown.no_snapshot)}, so what appeared there cannot be told."
        )
    return lines


def _names(systems: Sequence[str]) -> str:
    return ", ".join(System(system).label for system in systems)
