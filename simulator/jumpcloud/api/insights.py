"""Directory Insights: events by time, service and search term; and the reports that share its base path."""

import json
from collections import Counter
from typing import Any

from starlette.responses import Response

from simulator.jumpcloud import reports
from simulator.jumpcloud.api.call import Call
from simulator.jumpcloud.api.responses import answer
from simulator.jumpcloud.api.search_terms import field_values, term_test
from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.fields import EVENTS, check_texts, check_types
from simulator.jumpcloud.journal import Event, seconds, timestamp

SERVICES = (
    "all",
    "access_management",
    "alert",
    "alerts",
    "asset_management",
    "directory",
    "ldap",
    "mdm",
    "notifications",
    "object_storage",
    "password_manager",
    "radius",
    "reports",
    "saas_app_management",
    "software",
    "sso",
    "systems",
)
_DEFAULT_LIMIT = 1_000
_MAXIMUM_LIMIT = 10_000


def list_events(call: Call) -> Response:
    """POST /events."""
    body = call.body()
    check_types(body, EVENTS)
    descending = str(body.get("sort", "")).upper() == "DESC"
    events = _found(call, body)
    if descending:
        events.reverse()
    if after := body.get("search_after"):
        events = _after(events, after, descending=descending)
    skip = body.get("skip", 0)
    limit = _limit(body.get("limit"))
    page = events[skip if isinstance(skip, int) and skip > 0 else 0 :][:limit]
    last = _mark(page[-1]) if page else body.get("search_after") or []
    headers = {
        "X-Result-Count": str(len(page)),
        "X-Limit": str(limit),
        "X-Sort": "DESC" if descending else "ASC",
        "X-Search_after": json.dumps(last, separators=(",", ":")),
        "X-Request-Id": call.world.ids.next(),
    }
    return answer(_cut([event.body for event in page], body.get("fields")), headers=headers)


def count_events(call: Call) -> Response:
    """POST /events/count."""
    return answer({"count": len(_found(call, call.body()))})


def distinct_events(call: Call) -> Response:
    """POST /events/distinct: how often each value of a field occurs."""
    body = call.body()
    field = body.get("field")
    if not isinstance(field, str) or not field:
        raise ApiError(400, "field is required")
    counts = Counter(value for event in _found(call, body) for value in field_values(event.body, field))
    return answer({"buckets": [{"key": key, "doc_count": n} for key, n in counts.most_common()]})


def interval_events(call: Call) -> Response:
    """POST /events/interval: how many events in each hour."""
    hours = Counter(int(event.at) // 3_600 * 3_600 for event in _found(call, call.body()))
    return answer({"buckets": [{"key": timestamp(hour), "doc_count": n} for hour, n in sorted(hours.items())]})


def order_report(call: Call) -> Response:
    """POST /reports/{type}."""
    status = call.world.switches.report_order_status
    if status >= 400:
        raise ApiError(status, "Reports are not available for this organization")
    if call.part("type") not in reports.TYPES:
        raise ApiError(400, f"Unknown report type. Valid types: {', '.join(reports.TYPES)}")
    report = reports.order(call.world, call.actor, call.part("type"))
    return answer(reports.report_document(report), status)


def list_reports(call: Call) -> Response:
    """GET /reports: newest first, unless the sort has a leading "-"."""
    found = list(call.world.reports.values())
    for report in found:
        reports.advance(call.world, report)
    found.sort(key=lambda report: report.ordered_at, reverse=not call.query.get("sort", "").startswith("-"))
    return answer([reports.report_document(report) for report in found])


def read_artifact(call: Call) -> Response:
    """GET /reports/{report_id}/artifacts/{artifact_id}/content."""
    report = call.world.reports.get(call.part("report_id"))
    if report is not None:
        reports.advance(call.world, report)
    kinds = {artifact["id"]: artifact["format"] for artifact in reports.artifacts(report)} if report else {}
    kind = kinds.get(call.part("artifact_id"))
    if report is None or kind is None:
        raise ApiError(404, "Not Found")
    if kind == "CSV":
        return Response(reports.as_csv(report).encode(errors="replace"), media_type="text/csv")
    return Response(reports.as_json(report), media_type="application/json")


def _found(call: Call, body: dict[str, Any]) -> list[Event]:
    """Return everything that the query asks for, oldest first; raises ApiError 400."""
    check_types(body, EVENTS)
    services = body.get("service")
    if not isinstance(services, list) or not services:
        raise ApiError(400, "service is required")
    check_texts("service", services)
    if unknown := [service for service in services if service not in SERVICES]:
        raise ApiError(400, f"Invalid service: {unknown[0]}. Valid services: {', '.join(SERVICES)}")
    now = call.world.clock()
    start = _time(body.get("start_time"), "start_time")
    end = _time(body["end_time"], "end_time") if body.get("end_time") else now
    if start > now:
        raise ApiError(400, "start_time must not be in the future")
    if end < start:
        raise ApiError(400, "end_time must not be before start_time")
    switches = call.world.switches
    events = call.world.journal.between(start, end, retention_days=switches.retention_days)
    if "all" not in services:
        events = [event for event in events if event.body["service"] in services]
    insensitive = switches.search_term_case == "insensitive"
    if body.get("search_term"):
        test = term_test(body["search_term"], insensitive=insensitive)
        events = [event for event in events if test(event.body)]
    if body.get("q"):
        wanted = str(body["q"]).lower()
        events = [event for event in events if wanted in json.dumps(event.body).lower()]
    return events


def _time(text: Any, name: str) -> float:
    try:
        return seconds(text)
    except (TypeError, ValueError) as exc:
        raise ApiError(400, f"{name} must be a time in RFC 3339") from exc


def _limit(asked: Any) -> int:
    if isinstance(asked, bool) or not isinstance(asked, int) or not 0 < asked <= _MAXIMUM_LIMIT:
        return _DEFAULT_LIMIT
    return asked


def _mark(event: Event) -> list[Any]:
    return [round(event.at * 1000), event.id]


def _after(events: list[Event], after: Any, *, descending: bool) -> list[Event]:
    if not (isinstance(after, list) and len(after) == 2 and type(after[0]) is int):
        raise ApiError(400, "search_after must be the value of X-Search_after")
    mark = (after[0], str(after[1]))
    if descending:
        return [event for event in events if (round(event.at * 1000), event.id) < mark]
    return [event for event in events if (round(event.at * 1000), event.id) > mark]


def _cut(bodies: list[Any], fields: Any) -> list[Any]:
    if fields is None:
        return bodies
    known = {name for body in bodies for name in body} or {*fields}
    if not known & set(check_texts("fields", fields)):
        raise ApiError(400, "fields names no field of an event")
    return [{name: value for name, value in body.items() if name in fields} for body in bodies]
