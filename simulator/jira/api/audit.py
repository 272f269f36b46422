from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira import times
from simulator.jira.api.call import Call
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import answer, refuse
from simulator.jira.journal import Entry, Named

LARGEST_PAGE = 1000
_SECONDS_A_DAY = 86_400
SUMMARIES = {
    "role_actor_added": ("Project roles changed", "projects"),
    "role_actor_removed": ("Project roles changed", "projects"),
}
CENTRAL = {
    "group_member_added": ("User added to group", "group management"),
    "group_member_removed": ("User removed from group", "group management"),
    "group_created": ("Group created", "group management"),
    "group_deleted": ("Group deleted", "group management"),
    "user_created": ("User created", "user management"),
    "user_removed": ("User deleted", "user management"),
}
"""Events that newer sites keep in the organization's log instead."""


def records(call: Call) -> Response:
    """Return the audit log, newest first."""
    if call.world.switches.free_plan:
        raise refuse(403, "The audit log is not available on the Free plan.")
    call.require("ADMINISTER", "You do not have permission to view audit records.")
    offset, limit = call.integer("offset", 0), min(call.integer("limit", LARGEST_PAGE), LARGEST_PAGE)
    known = {**SUMMARIES, **(CENTRAL if call.world.switches.audit_membership_events else {})}
    earliest, latest = _bound(call, "from", 0.0), _bound(call, "to", float("inf"))
    switches, now = call.world.switches, call.world.now()
    earliest = max(earliest, now - switches.audit_retention_days * _SECONDS_A_DAY)
    latest = min(latest, now - switches.audit_lag_ms / 1000)
    all_records = [
        _record(call, entry, known[entry.action])
        for entry in reversed(call.world.journal.kept(switches.audit_lost_every))
        if entry.action in known and earliest <= entry.at <= latest
    ]
    text = (call.query("filter") or "").casefold()
    found = [each for each in all_records if not text or text in str(each.values()).casefold()]
    shown = found[offset : offset + limit]
    return answer({"offset": offset, "limit": limit, "total": len(all_records), "records": shown})


def _bound(call: Call, name: str, default: float) -> float:
    value = call.query(name)
    if value is None:
        return default
    at = times.parsed(value.replace(" ", "+"))
    if at is None:
        raise refuse(400, f"The '{name}' parameter is no date: {value}")
    return at


def _record(call: Call, entry: Entry, words: tuple[str, str]) -> dict[str, Any]:
    summary, category = words
    about, other = (entry.target, entry.object) if entry.target else (entry.object, None)
    return {
        "id": entry.number,
        "summary": summary,
        "created": call.stamp(entry.at),
        "category": category,
        "eventSource": "",
        "remoteAddress": "127.0.0.1",
        "authorAccountId": entry.actor,
        "objectItem": _item(about),
        "changedValues": [
            {"fieldName": name, "changedFrom": before, "changedTo": after} for name, before, after in entry.changes
        ],
        "associatedItems": [_item(other)] if other else [],
    }


def _item(named: Named) -> dict[str, Any]:
    return {"id": named.id, "name": named.name, "typeName": named.kind}


OPERATIONS = (Operation("GET", "/auditing/record", records, "manage:jira-configuration", "read:audit-log read:user"),)
