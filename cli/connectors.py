from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.clock import SystemClock
from access.entitlements import KINDS, ResourceKind, System
from access.methods import Direction
from access.snapshots import RunState, SyncRun
from cli import output
from cli.options import AsJson, ConfigFile, group
from cli.output import age, cell, moment
from cli.snapshots import counts, snapshot_facts
from cli.store_access import load_settings, opened, store_if_any

if TYPE_CHECKING:
    from config.settings import Settings
    from connectors.ports import Connector
    from store.budgets import Stop
    from store.unit_of_work import Store

_COLUMNS = {
    "system": "system",
    "state": "state",
    "credential": "credential",
    "snapshot_at": "last snapshot",
    "snapshot_age": "age",
    "holds": "holds",
    "reads": "reads",
    "provisions": "changes by api",
}

#: What snapshots show of each system besides what access is to.
_BESIDES = {System.JUMPCLOUD: ("user", "admin"), System.JIRA: ("user", "project")}


connectors = group(
    "List the systems: connected, syncing or failed, the last complete snapshot and its age, what each reads and changes. "
    "The systems themselves are not called: 'provisor doctor' does that.",
    runs_alone=True,
)

#: The budgets that calls to a system's service count against. Tickets have their own where their site is another one.
_BUDGETS = {System.JUMPCLOUD: ("jumpcloud",), System.JIRA: ("jira", "ticketing")}


@connectors.callback()
def list_connectors(context: typer.Context, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """List the systems, unless another command of the group follows."""
    context.obj = config
    if context.invoked_subcommand is not None:
        return
    settings, now = load_settings(config), SystemClock().now()
    with store_if_any(settings) as store:
        rows = [_facts(settings, store, system, now=now) for system in System]
    if as_json:
        output.print_json_rows(rows)
        return
    output.print_listing([_short(row) for row in rows], _COLUMNS, none="No systems.", as_json=False)
    output.print_lines("", f"Provisioning is {settings.provisioning}.", *filter(None, map(_failure, rows)))
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
    budgets = [name for names in _BUDGETS.values() for name in names]
    if system not in budgets:
        raise typer.BadParameter(f"Name one of {', '.join(budgets)}.")
    with opened(config or context.obj) as (_, store), store.write() as work:
        now = SystemClock().now()
        lifted = [_stop_facts(stop) for stop in work.budgets.stops(now=now) if stop.system == system]
        work.budgets.lift(system)
        for stop in lifted:
            work.audit.record("stop.lifted", "budget", system, now=now, actor="operator", calls=stop["calls"])
    if as_json:
        output.print_json_rows(lifted)
    elif lifted:
        output.print_lines(
            *(f"{stop['budget']}: lifted the stop until {stop['until']}{_which(stop)}." for stop in lifted)
        )
    else:
        output.print_lines(f"{system}: no stop is in force.")


def _facts(settings: Settings, store: Store | None, system: System, *, now: datetime) -> dict[str, Any]:
    snapshot, last, held = None, None, None
    stops: Sequence[Stop] = ()
    if store is not None:
        with store.read() as work:
            snapshot, last = work.snapshots.current(system), work.sync_runs.last(system)
            stops = work.budgets.stops(now=now)
        held = None if snapshot is None else counts(store, system)
    credential = _credential(settings, system)
    return {
        "system": str(system),
        "state": _state(credential, last),
        "address": settings.jumpcloud.api_base if system is System.JUMPCLOUD else settings.jira.site_url,
        "credential": credential,
        "organization_key": settings.atlassian.enabled if system is System.JIRA else None,
        "provisioning": str(settings.provisioning),
        "snapshot": snapshot_facts(snapshot, now=now),
        "counts": held,
        "last_run": None if last is None else _run(last),
        "reads": sorted({*_BESIDES[system], *map(str, KINDS[system] - {ResourceKind.ACCOUNT})}),
        "provisions": _provisions(system),
        "stops": [_stop_facts(stop) for stop in stops if stop.system in _BUDGETS[system]],
    }


def _state(credential: str | None, last: SyncRun | None) -> str:
    if credential is None:
        return "not connected"
    if last is not None and last.state is RunState.RUNNING:
        return "syncing"
    return "failed" if last is not None and last.state is RunState.FAILED else "connected"


def _credential(settings: Settings, system: System) -> str | None:
    """The kind of credential that is set; never the credential."""
    if system is System.JUMPCLOUD:
        jumpcloud = settings.jumpcloud
        if not jumpcloud.enabled:
            return None
        return "api key" if jumpcloud.api_key is not None else "service account"
    jira = settings.jira
    if not jira.enabled:
        return None
    return f"{'bearer' if jira.bearer_token is not None else 'api'} token at the {jira.via}"


def _run(run: SyncRun) -> dict[str, Any]:
    return {
        "run": run.id,
        "state": str(run.state),
        "started_at": moment(run.started_at),
        "finished_at": moment(run.finished_at),
        "method": (run.plan or {}).get("method"),
        "calls": run.calls,
        "error": run.error if run.state is RunState.FAILED else None,
    }


def _stop_facts(stop: Stop) -> dict[str, Any]:
    """A stop; ``calls`` is the class of endpoint that it holds, * for all calls."""
    return {
        "budget": stop.system,
        "calls": stop.endpoint_class,
        "since": moment(stop.since),
        "until": moment(stop.until),
    }


def _stop_in_words(stop: dict[str, Any]) -> str:
    return (
        f"{stop['budget']}: its service asked for no calls before {stop['until']}{_which(stop)}. "
        f"'provisor connectors lift {stop['budget']}' calls it again at once."
    )


def _which(stop: dict[str, Any]) -> str:
    return "" if stop["calls"] == "*" else f" (of the class {stop['calls']})"


def _provisions(system: System) -> dict[str, list[str]]:
    """What is given and taken away by API; people do the rest, asked by tickets."""
    connector = _without_network(system)
    return {
        str(direction): sorted(str(kind) for kind in KINDS[system] if connector.automates(kind, direction))
        for direction in Direction
    }


def _without_network(system: System) -> Connector:
    """A connector that is asked what it automates: it has no real credential and makes no call."""
    from connectors.jira.client import jira_client
    from connectors.jira.connector import JiraConnector
    from connectors.jumpcloud.client import jumpcloud_client
    from connectors.jumpcloud.connector import JumpCloudConnector
    from httpclient import ClientOptions, HeaderKey, Timeouts

    options = ClientOptions(timeouts=Timeouts.of(connect=1, read=1))
    nobody = HeaderKey("x-nobody", "nobody")
    address = "http://127.0.0.1"
    if system is System.JUMPCLOUD:
        return JumpCloudConnector(jumpcloud_client(address=address, credential=nobody, options=options))
    return JiraConnector(jira_client(address=address, credential=nobody, options=options), site=address)


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
