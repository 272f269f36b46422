"""The organization's audit log: another view of the journal that Jira's audit log shows too."""

from typing import Any

from starlette.responses import Response

from simulator.atlassian.api.call import Call
from simulator.atlassian.api.cursors import asked, limit_of, place_of, url_links, written
from simulator.atlassian.api.responses import answer
from simulator.atlassian.documents import stamp
from simulator.atlassian.errors import ApiError
from simulator.jira.journal import Entry, Named

ACTIONS = {
    "group_member_added": "user_added_to_group",
    "group_member_removed": "user_removed_from_group",
    "group_created": "group_created",
    "group_deleted": "group_deleted",
    "user_created": "user_invited",
    "user_invited": "user_invited",
    "user_removed": "user_removed_from_org",
    "user_suspended": "user_access_suspended",
    "user_restored": "user_access_restored",
    "account_active": "user_account_enabled",
    "account_inactive": "user_account_disabled",
    "account_closed": "user_account_deleted",
    "role_granted": "user_granted_role",
    "role_revoked": "user_revoked_role",
}
"""Actions of the log by the verbs of the journal; what is not here is Jira's own business."""
_MAXIMUM = 500
_LOG_LIMIT = 30
_STREAM_LIMIT = 200
_SECONDS_A_DAY = 86_400


def log(call: Call) -> Response:
    """GET /v1/orgs/{orgId}/events: newest first."""
    wanted = asked(dict(call.query))
    query = wanted.query
    limit = limit_of(query, default=_LOG_LIMIT, maximum=_MAXIMUM)
    entries = [entry for entry in reversed(_between(call, query)) if _meets(call, entry, query)]
    if wanted.after is not None:
        entries = [entry for entry in entries if entry.number < place_of(wanted.after)]
    page = entries[:limit]
    mark = page[-1].number if len(entries) > limit else None
    meta: dict[str, Any] = {"page_size": len(page)}
    if mark is not None:
        meta["next"] = written(query, mark)
    data = [_document(call, entry, stream=False) for entry in page]
    return answer({"data": data, "links": url_links(call, query, mark), "meta": meta})


def stream(call: Call) -> Response:
    """GET /v1/orgs/{orgId}/events-stream: the cursor of the last page is good for going on later."""
    wanted = asked(dict(call.query))
    query = wanted.query
    limit = limit_of(query, default=_STREAM_LIMIT, maximum=_MAXIMUM)
    entries = _between(call, query)
    descending = query.get("sortOrder") == "desc"
    if descending:
        entries.reverse()
    if wanted.after:
        mark = place_of(wanted.after)
        entries = [entry for entry in entries if (entry.number > mark) != descending and entry.number != mark]
    page = entries[:limit]
    mark = page[-1].number if page else place_of(wanted.after or 0)
    data = [_document(call, entry, stream=True) for entry in page]
    meta = {"page_size": len(page), "next": written(query, mark)}
    more = mark if len(entries) > limit else None
    return answer({"data": data, "links": url_links(call, query, more), "meta": meta})


def actions(call: Call) -> Response:
    """GET /v1/orgs/{orgId}/event-actions."""
    del call
    data = [
        {
            "id": action,
            "type": "event-actions",
            "attributes": {
                "displayName": action.replace("_", " ").capitalize(),
                "groupDisplayName": "Users and groups",
            },
        }
        for action in dict.fromkeys(ACTIONS.values())
    ]
    return answer({"data": data})


def _between(call: Call, query: dict[str, Any]) -> list[Entry]:
    """Return what happened in the time asked for and can be seen by now, oldest first."""
    world = call.world
    start, end = _time(query.get("from"), 0.0), _time(query.get("to"), float("inf"))
    now = world.jira.now()
    seen = now - world.switches.event_lag_ms / 1000
    start = max(start, now - world.switches.event_retention_days * _SECONDS_A_DAY)
    entries = world.jira.journal.kept(world.jira.switches.audit_lost_every)
    return [entry for entry in entries if entry.action in ACTIONS and start <= entry.at <= min(end, seen)]


def _meets(call: Call, entry: Entry, query: dict[str, Any]) -> bool:
    action, term = query.get("action"), str(query.get("q", "")).casefold()
    actors = [one for one in str(query.get("actor", "")).split(",") if one]
    if action and ACTIONS[entry.action] != action:
        return False
    if actors and entry.actor not in actors:
        return False
    texts = [ACTIONS[entry.action], entry.object.name, entry.target.name if entry.target else "", entry.actor]
    return any(term in text.casefold() for text in [*texts, _actor(call, entry)["name"]])


def _time(text: Any, default: float) -> float:
    if text in {None, ""}:
        return default
    try:
        return int(text) / 1000
    except (TypeError, ValueError) as exc:
        raise ApiError(400, "ADMIN-400-3", "from and to are milliseconds since 1970") from exc


def _document(call: Call, entry: Entry, *, stream: bool) -> dict[str, Any]:
    organization = call.world.jira.organization
    ident = f"{entry.number:08x}-0000-4000-8000-{int(entry.at * 1000):012x}"
    attributes: dict[str, Any] = {
        "time": stamp(entry.at),
        "action": ACTIONS[entry.action],
        "actor": _actor(call, entry),
        "context": [_thing(one) for one in (entry.object, entry.target) if one is not None],
        "container": [{"id": organization.id, "type": "orgs", "attributes": {"name": organization.name}}],
        "location": {"ip": "127.0.0.1"},
    }
    if stream:
        attributes["processedAt"] = stamp(entry.at + call.world.switches.event_lag_ms / 1000)
    base = f"{call.url.scheme}://{call.url.netloc}/admin/v1/orgs/{organization.id}/events"
    return {"id": ident, "type": "events", "attributes": attributes, "links": {"self": f"{base}/{ident}"}}


def _actor(call: Call, entry: Entry) -> dict[str, str]:
    user = call.world.jira.directory.users.get(entry.actor)
    if user is None:
        return {"id": entry.actor or "system", "name": "System"}
    return {"id": user.account_id, "name": user.display_name, **({"email": user.email} if user.email else {})}


def _thing(named: Named) -> dict[str, Any]:
    kind = {"USER": "users", "GROUP": "groups"}.get(named.kind, named.kind.lower())
    return {"id": named.id, "type": kind, "attributes": {"name": named.name}}
