"""Who got and lost access in JumpCloud, by the events of Directory Insights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from access.entitlements import ResourceKind, System
from access.failures import Permanent
from access.truth import Change, Log
from connectors.history import LogReading
from connectors.jumpcloud.reading.change_events import EVENTS, MOST_EVENTS, event_limit, next_mark, the_end
from connectors.jumpcloud.reading.json_fields import Record, record, records, text, timestamp
from httpclient import Call, HttpClient, Response

#: After so many calls only the newest events are known.
_MOST_CALLS = 8
#: How far back the oldest event that is kept is looked for; JumpCloud keeps 90 days at most [docs].
_OLDEST = timedelta(days=400)

#: What JumpCloud's own Access Requests leave in the log [docs]; whether the directory's event comes too is in doubt [assumed].
_BY_REQUEST = "access_management_association_change"
_CONNECTED = ("association_change", _BY_REQUEST)
_OWN_REQUEST = "an access request in JumpCloud gave it"
#: Events after which an account can be used, and after which it cannot [docs].
_USABLE = {"user_suspended": False, "user_unsuspended": True, "user_activated": True}
#: Events after which a thing may have another name [docs].
_NAMED = {
    "group_create": ResourceKind.GROUP,
    "group_update": ResourceKind.GROUP,
    "application_create": ResourceKind.APPLICATION,
    "application_update": ResourceKind.APPLICATION,
}
_KINDS = {"user_group": ResourceKind.GROUP, "application": ResourceKind.APPLICATION}

_RIGHT = "the credential may not read Directory Insights ({status}); give it a role that reads events"


class JumpCloudHistory:
    """The log of one organization; ``client`` is one of Directory Insights."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    @property
    def system(self) -> System:
        """JumpCloud."""
        return System.JUMPCLOUD

    def read(self, since: datetime) -> LogReading:
        """The changes since a time, newest first in calls, so that the newest are known whatever their number."""
        try:
            # The oldest event of a kind shows that the log keeps the kind, and since when.
            account, connection = (self._oldest(since, types) for types in (None, _CONNECTED))
            events, complete = self._events(since)
        except Permanent as refusal:
            why = _RIGHT.format(status=refusal.status)
            gaps = dict.fromkeys(ResourceKind, why)
            return LogReading(Log(gaps=gaps), pages=0, entries=0, reaches=None, note=why)
        pages = len(events)
        rows = [event for page in events for event in page]
        seen = (at for event in rows if (at := timestamp(event, "timestamp")) is not None)
        newest_only = None if complete else min(seen, default=None)
        changes = [change for event in rows for change in _changes(event)]
        oldest = {ResourceKind.ACCOUNT: account} | dict.fromkeys(_KINDS.values(), connection)
        known = {kind: max(at, newest_only or at) for kind, at in oldest.items() if at is not None}
        gaps = {ResourceKind.ADMIN_ROLE: "JumpCloud's log does not tell the roles of administrators"}
        log = Log(changes, reaches=known, gaps=gaps, named=_named(rows))
        note = "" if complete else f"There are more events than {pages} calls show: older ones are not known."
        return LogReading(log, pages + 2, len(rows), max(known.values(), default=None), note)

    def _oldest(self, since: datetime, types: Sequence[str] | None) -> datetime | None:
        """When the oldest event of some types was that is kept: the log has everything from then on."""
        answer = self._page(since - _OLDEST, types, sort="ASC", limit=1, after=None)
        found = answer.read_as(list[dict[str, Any]], what="events")
        return timestamp(found[0], "timestamp") if found else None

    def _events(self, since: datetime) -> tuple[Sequence[Sequence[Record]], bool]:
        """The pages of events since a time, each event once, and whether that is all of them."""
        pages: list[list[Record]] = []
        seen: set[str] = set()
        after: Any = None
        types = (*_CONNECTED, *_USABLE, *_NAMED)
        for _ in range(_MOST_CALLS):
            answer = self._page(since, types, sort="DESC", limit=MOST_EVENTS, after=after)
            events = answer.read_as(list[dict[str, Any]], what="events")
            pages.append([event for event in events if (text(event, "id") or "") not in seen])
            seen.update(key for event in events if (key := text(event, "id")))
            before, after = after, next_mark(answer.headers)
            if len(events) < event_limit(answer.headers) or after is None or after == before:
                return pages, True
        return pages, False

    def _page(self, start: datetime, types: Sequence[str] | None, *, sort: str, limit: int, after: Any) -> Response:
        body: dict[str, Any] = {
            "service": ["directory", "access_management"],
            "start_time": start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "limit": limit,
            "sort": sort,
            "fields": [
                "id",
                "event_type",
                "timestamp",
                "success",
                "resource",
                "association",
                "initiated_by",
                "changes",
            ],
        }
        if types is not None:
            body["search_term"] = {"and": [{"event_type": list(types)}]}
        if after is not None:
            body["search_after"] = after
        return self._client.send(Call(method="POST", route=EVENTS, body=body, endpoint_class="read"))


def _changes(event: Record) -> Iterator[Change]:
    """The change that an event tells; nothing for one that failed, or is about devices, directories, …."""
    at, kind = timestamp(event, "timestamp"), (text(event, "event_type") or "").lower()
    if at is None or event.get("success") is False:
        return
    actor, entry = record(event, "initiated_by"), text(event, "id") or ""
    by = text(actor, "email") or text(actor, "username") or text(actor, "id")
    if kind in _USABLE:
        if account := text(record(event, "resource"), "id"):
            yield Change(at, ResourceKind.ACCOUNT, "", account, present=_USABLE[kind], by=by, record=entry)
        return
    association = record(event, "association")
    connection = record(association, "connection")
    ends = dict(the_end(record(connection, side)) for side in ("from", "to"))
    op = (text(association, "op") or "").lower()
    if op not in {"add", "remove"}:
        return
    application, group, user = (ends.get(name) for name in ("application", "user_group", "user"))
    resource = (ResourceKind.APPLICATION, application) if application else (ResourceKind.GROUP, group)
    principal = user or (group if application else None)
    if resource[1] and principal:
        yield Change(
            at,
            resource[0],
            resource[1],
            principal,
            present=op == "add",
            by=by,
            of_group=not user,
            record=entry,
            cause=_OWN_REQUEST if kind == _BY_REQUEST else None,
        )


def _named(events: Sequence[Record]) -> Mapping[tuple[ResourceKind, str], datetime]:
    """Since when things that were made or renamed have their names. An update without its changes may be one [assumed]."""
    found: dict[tuple[ResourceKind, str], datetime] = {}
    for event in events:
        kind = _NAMED.get((text(event, "event_type") or "").lower())
        at, thing = timestamp(event, "timestamp"), text(record(event, "resource"), "id")
        if kind is None or at is None or thing is None or event.get("success") is False:
            continue
        fields = {text(each, "field") for each in records(event, "changes")}
        if not fields or fields & {"name", "displayLabel"}:
            found[kind, thing] = max(at, found.get((kind, thing), at))
    return found
