from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from access import actors
from access.clock import SystemClock
from access.entitlements import System
from access.methods import Direction
from access.snapshots import RunState, SyncRun
from access.tenants import Tenant
from cli import output
from cli.decisions import Reason
from cli.options import AsJson, ConfigFile, group
from cli.os_user import os_user
from cli.output import age, cell, facts_of
from cli.problems import Problem
from cli.snapshots import counts, snapshot_facts
from cli.store_access import load_settings, opened, store_if_any

if TYPE_CHECKING:
    from config.settings import Settings
    from store.rate_budgets import Stop
    from store.unit_of_work import Store
    from worker.systems.definition import SystemDefinition, Systems

_COLUMNS = ("system", "state", "credential", "snapshot_at", "snapshot_age", "holds", "reads", "provisions")

connectors = group(
    "List the systems: connected, syncing or failed, the last complete snapshot and its age, what each reads and changes. "
    "The systems themselves are not called: 'provisor doctor' does that.",
    runs_alone=True,
)


@connectors.callback()
def list_connectors(context: typer.Context, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the systems, unless another command of the group follows."""
    from worker.systems.table import SYSTEMS

    context.obj = config
    if context.invoked_subcommand is not None:
        return
    settings = load_settings(config)
    with store_if_any(settings) as store:
        rows = system_facts(settings, store, SYSTEMS, now=SystemClock().now())
    if as_json:
        output.print_json_rows(rows)
        return
    output.print_listing([_short(row) for row in rows], _COLUMNS, none="No systems.", as_json=False)
    output.print_lines("", f"Provisioning is {settings.provisioning}.", *filter(None, map(_failure, rows)))
    output.print_lines(*(_rate_in_words(row) for row in rows if row["credential"] is not None))
    output.print_lines(*(_stop_in_words(stop) for row in rows for stop in row["stops"]))


@connectors.command("lift")
def lift_stops(
    context: typer.Context,
    system: Annotated[
        str,
        typer.Argument(metavar="SYSTEM", help="jumpcloud, jira, or ticketing where tickets have a site of their own."),
    ],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Call a system again that asked for a stop.

    Its service asked for no calls before some time. When that still overloads the service, it asks for another stop.
    """
    from worker.systems.table import SYSTEMS
    from worker.ticketing import budgets_of

    budgets = [name for each in SYSTEMS for name in budgets_of(each)]
    if system not in budgets:
        raise typer.BadParameter(f"Name one of {', '.join(budgets)}.")
    with opened(config or context.obj) as (_, store), store.write() as work:
        now = SystemClock().now()
        lifted = [_stop_facts(stop) for stop in work.budgets.stops(now=now) if stop.system == system]
        work.budgets.lift(system)
        for stop in lifted:
            work.audit.record(
                "stop.lifted", "budget", system, now=now, actor=actors.operator(os_user()), calls=stop["calls"]
            )
    if as_json:
        output.print_json_rows(lifted)
    elif lifted:
        output.print_lines(
            *(
                f"{stop['budget']}: lifted the stop until {stop['until']} for calls of the class {stop['calls']}."
                for stop in lifted
            )
        )
    else:
        output.print_lines(f"{system}: no stop is in force.")


@connectors.command("accept")
def accept_tenant(
    context: typer.Context,
    system: Annotated[System, typer.Argument(metavar="SYSTEM", help="jumpcloud or jira.")],
    reason: Reason,
    config: ConfigFile = None,
) -> None:
    """Let a system be the organization or site that it is now.

    The store remembers whose accounts and resources it knows, and stops at another organization's. What was given in the one
    before is not taken away there any more.
    """
    from worker.systems.table import SYSTEMS

    with opened(config or context.obj) as (settings, store):
        found = tenant_of(settings, SYSTEMS, system)
        if found is None:
            raise Problem(f"{system.label} does not say whose it is.", "Check what its credential may read.")
        with store.write() as work:
            now = SystemClock().now()
            known = work.tenants.of(system)
            work.tenants.accept(system, found, now=now)
            before = None if known is None else str(known)
            work.audit.record(
                "tenant.accepted",
                "tenant",
                str(system),
                now=now,
                actor=actors.operator(os_user()),
                tenant=str(found),
                before=before,
                reason=reason,
            )
    output.print_lines(f"{system}: is {output.cell(str(found))} from now on")


def tenant_of(settings: Settings, systems: Systems, system: System) -> Tenant | None:
    """The organization or site that a system is now, None where it does not say. Raises ``Problem``."""
    from access.failures import Failure
    from config.errors import SettingsError
    from httpclient import Unlimited
    from worker.client_options import client_options

    if not settings.systems[system].enabled:
        raise Problem(f"{system.label} is not connected.", f"Set a credential under {system} in the settings.")
    try:
        return systems[system].find_tenant(settings, client_options(settings, SystemClock(), Unlimited()))
    except Failure as failure:
        raise Problem(failure.what, failure.remedy) from failure
    except SettingsError as exc:
        raise Problem(exc.problems[0], "Correct it in the settings.") from exc


def system_facts(settings: Settings, store: Store | None, systems: Systems, *, now: datetime) -> list[dict[str, Any]]:
    """The connection of each system, and the access that Provisor reads and changes there: one object for each system."""
    return [_facts(settings, store, system, kit, now=now) for system, kit in systems.items()]


def _facts(
    settings: Settings, store: Store | None, system: System, kit: SystemDefinition, *, now: datetime
) -> dict[str, Any]:
    from worker.systems.connectors import allowance_of
    from worker.ticketing import budgets_of

    snapshot, last, held, tenant = None, None, None, None
    stops: Sequence[Stop] = ()
    section = settings.systems[system]
    rate = section.rate
    if store is not None:
        with store.read() as work:
            snapshot, last = work.snapshots.current(system), work.sync_runs.last(system)
            stops = work.budgets.stops(now=now)
            rate = work.budgets.rate(system, allowance_of(section))
            tenant = work.tenants.of(system)
        held = None if snapshot is None else counts(store, system)
    return {
        "system": str(system),
        "state": _state(section.credential_kind, last),
        "url": section.url,
        "tenant": None if tenant is None else {"id": tenant.id, "name": tenant.name},
        "credential": section.credential_kind,
        "organization_key": kit.organization_key(settings),
        "provisioning": str(settings.provisioning),
        "snapshot": snapshot_facts(snapshot, now=now),
        "counts": held,
        "last_run": None if last is None else _run(last),
        "reads": sorted(kit.reads),
        "provisions": {str(direction): sorted(map(str, kinds)) for direction, kinds in kit.automated.items()},
        "rate": {"now": round(rate, 2), "safe": section.rate, "most": section.most_rate},
        "stops": [_stop_facts(stop) for stop in stops if stop.system in budgets_of(system)],
    }


def _state(credential: str | None, last: SyncRun | None) -> str:
    if credential is None:
        return "not connected"
    if last is not None and last.state is RunState.RUNNING:
        return "syncing"
    return "failed" if last is not None and last.state is RunState.FAILED else "connected"


def _run(run: SyncRun) -> dict[str, Any]:
    return {
        "run": run.id,
        **facts_of(run, "state", "started_at", "finished_at", "calls"),
        "method": (run.plan or {}).get("method"),
        "error": run.error if run.state is RunState.FAILED else None,
    }


def _stop_facts(stop: Stop) -> dict[str, Any]:
    """A stop; ``calls`` is the class of endpoint that it holds."""
    return {"budget": stop.system, "calls": stop.endpoint_class, **facts_of(stop, "since", "until")}


def _stop_in_words(stop: dict[str, Any]) -> str:
    return (
        f"{stop['budget']}: its service asked for no calls of the class {stop['calls']} before {stop['until']}. "
        f"'provisor connectors lift {stop['budget']}' calls it again at once."
    )


def _rate_in_words(facts: dict[str, Any]) -> str:
    rate = facts["rate"]
    most = f", at most {rate['most']:g} while it shows room" if rate["most"] > rate["safe"] else ""
    return f"{facts['system']}: {rate['now']:g} calls a second now; {rate['safe']:g} are safe{most}."


def _short(facts: dict[str, Any]) -> dict[str, Any]:
    snapshot, held = facts["snapshot"], facts["counts"]
    both = {kind for kinds in facts["provisions"].values() for kind in kinds}
    given, taken = (set(facts["provisions"][str(direction)]) for direction in (Direction.GIVE, Direction.TAKE))
    one_way = {kind: "give" if kind in given else "take" for kind in both if (kind in given) != (kind in taken)}
    return facts | {
        "snapshot_at": None if snapshot is None else snapshot["began_at"],
        "snapshot_age": None if snapshot is None else age(timedelta(seconds=snapshot["age_seconds"])),
        "holds": None if held is None else ", ".join(f"{count} {name}" for name, count in held.items()),
        "provisions": [f"{kind} ({one_way[kind]})" if kind in one_way else kind for kind in sorted(both)],
    }


def _failure(facts: dict[str, Any]) -> str:
    if facts["state"] != "failed":
        return ""
    last = facts["last_run"]
    return f"{facts['system']}: the sync of {last['started_at']} failed: {cell(last['error'])}"
