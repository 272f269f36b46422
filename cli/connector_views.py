from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from access.clock import SystemClock
from access.entitlements import KINDS, ResourceKind, System
from access.methods import Direction
from access.snapshots import RunState, SyncRun
from cli import output
from cli.output import moment
from cli.store_access import opened
from cli.sync_facts import age, counts, snapshot_facts
from config.settings import Settings
from connectors.jira.client import jira_client
from connectors.jira.connector import JiraConnector
from connectors.jumpcloud.client import jumpcloud_client
from connectors.jumpcloud.connector import JumpCloudConnector
from connectors.ports import Connector
from httpclient import ClientOptions, HeaderKey, Timeouts
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


def show(config: Path | None, *, as_json: bool) -> None:
    """Print the systems."""
    with opened(config, create=True) as (settings, store):
        now = SystemClock().now()
        rows = [_facts(settings, store, system, now=now) for system in System]
    if as_json:
        output.print_json(rows)
        return
    output.print_table([_short(row) for row in rows], _COLUMNS, none="No systems.")
    output.print_lines("", f"Provisioning is {settings.provisioning}.", *filter(None, map(_what_failed, rows)))


def _facts(settings: Settings, store: Store, system: System, *, now: datetime) -> dict[str, Any]:
    with store.read() as work:
        snapshot, last = work.snapshots.current(system), work.sync_runs.last(system)
    credential = _credential(settings, system)
    return {
        "system": str(system),
        "state": _state(credential, last),
        "address": settings.jumpcloud.api_base if system is System.JUMPCLOUD else settings.jira.site_url,
        "credential": credential,
        "organization_key": settings.atlassian.enabled if system is System.JIRA else None,
        "provisioning": str(settings.provisioning),
        "snapshot": snapshot_facts(snapshot, now=now),
        "counts": None if snapshot is None else counts(store, str(system)),
        "last_run": None if last is None else _run(last),
        "reads": sorted({*_BESIDES[system], *map(str, KINDS[system] - {ResourceKind.ACCOUNT})}),
        "provisions": _provisions(system),
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


def _provisions(system: System) -> dict[str, list[str]]:
    """What is given and taken by API; the rest is asked of people, by tickets."""
    connector = _without_network(system)
    return {
        str(direction): sorted(str(kind) for kind in KINDS[system] if connector.automates(kind, direction))
        for direction in Direction
    }


def _without_network(system: System) -> Connector:
    """A connector that is only asked what it could do: it has nobody's credential and makes no call."""
    options = ClientOptions(timeouts=Timeouts.of(connect=1, read=1))
    nobody = HeaderKey("x-nobody", "nobody")
    url = "http://127.0.0.1"
    if system is System.JUMPCLOUD:
        return JumpCloudConnector(jumpcloud_client(base_url=url, credential=nobody, options=options))
    return JiraConnector(jira_client(base_url=url, credential=nobody, options=options), site=url)


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


def _what_failed(facts: dict[str, Any]) -> str:
    if facts["state"] != "failed":
        return ""
    last = facts["last_run"]
    return f"{facts['system']}: the sync of {last['started_at']} failed: {output.cell(last['error'])}"
