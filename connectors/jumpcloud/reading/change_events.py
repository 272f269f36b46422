"""Which lists to read again, by the events of Directory Insights.

Events only select what to read again; Provisor never uses their content as data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from access.failures import Permanent, Transient
from connectors.jumpcloud.reading.json_fields import Record, record, text
from connectors.reading import ChangesUnknown
from httpclient import Call, Fetcher, HttpClient, Response

EVENTS = "/insights/directory/v1/events"

#: Most events of one call [docs].
MOST_EVENTS = 10_000

#: After so many calls, reading everything is cheaper.
_MOST_CALLS = 10

#: Events come late [observed]; JumpCloud does not publish how late. Begin so long before the last snapshot.
OVERLAP = timedelta(minutes=15)

#: How far back events reach on the lowest plans [observed], less a margin; 90 days on others [docs].
_KEPT = timedelta(days=14)

_ASSOCIATIONS = ("association_change", "access_management_association_change")

#: The types that may change access [docs].
_TYPES = (
    *_ASSOCIATIONS,
    *(f"user_{what}" for what in ("create", "update", "delete", "suspended", "unsuspended", "activated")),
    *("user_lockout", "user_unlocked"),
    *(f"{thing}_{what}" for thing in ("group", "application", "admin") for what in ("create", "update", "delete")),
    *("admin_suspended", "admin_unsuspend", "admin_lockout"),
)

#: Types of objects whose connections are access.
_ENDS = frozenset({"user", "user_group", "application"})

#: Failures that the run waits for; after every other failure of events it reads everything.
_PASSING = frozenset({None, 408, 425, 429, 502, 503, 504})


@dataclass(slots=True)
class Changes:
    """What changed: whole lists, and the connections of single groups and applications."""

    users: bool = False
    admins: bool = False
    groups: bool = False
    applications: bool = False
    #: Groups whose members or rules changed.
    members: set[str] = field(default_factory=set)
    #: Applications and groups with a new or removed binding between them.
    app_groups: set[str] = field(default_factory=set)
    group_apps: set[str] = field(default_factory=set)
    #: Applications with a new or removed binding of a user.
    app_users: set[str] = field(default_factory=set)

    @property
    def memberships(self) -> bool:
        """Whether memberships may have changed; a changed user may change groups by their rules [docs]."""
        return self.users or bool(self.members)

    def add(self, event: Record) -> None:
        """Take an event into account. Raises ``ChangesUnknown`` when it does not say what changed."""
        kind = (text(event, "event_type") or "").lower()
        if event.get("success") is False:
            return
        if kind in _ASSOCIATIONS:
            self._connect(record(record(event, "association"), "connection"))
            return
        thing = kind.partition("_")[0]
        self.users |= thing == "user"
        self.admins |= thing == "admin"
        self.groups |= thing == "group"
        self.applications |= thing == "application"
        group = text(record(event, "resource"), "id")
        if thing == "group" and group:
            self.members.add(group)

    def _connect(self, connection: Record) -> None:
        """Take a connection into account, with either end as ``from`` [assumed] and types in any case [observed]."""
        ends = [the_end(record(connection, name)) for name in ("from", "to")]
        if any(kind is None for kind, _ in ends):
            raise ChangesUnknown("an event does not say what was connected")
        by_kind = dict(ends)
        if not by_kind.keys() <= _ENDS:
            return  # devices, directories, …
        if None in by_kind.values():
            raise ChangesUnknown("an event does not say what was connected")
        user, group, application = (by_kind.get(kind) for kind in ("user", "user_group", "application"))
        if group and user:
            self.members.add(group)
        if group and application:
            self.group_apps.add(group)
            self.app_groups.add(application)
        if user and application:
            self.app_users.add(application)


class ChangeEvents:
    """Reads the events of Directory Insights."""

    def __init__(self, client: HttpClient, fetching: Fetcher) -> None:
        self._client = client
        self._fetching = fetching

    def since(self, previous: datetime, *, now: datetime) -> Changes:
        """What changed since shortly before ``previous``. Raises ``ChangesUnknown``, ``Transient``, ``CredentialRefused``."""
        if now - previous > _KEPT:
            raise ChangesUnknown("the last snapshot is older than events are kept")
        changes = Changes()
        try:
            for event in self._events(previous - OVERLAP):
                changes.add(event)
        except Permanent as refusal:
            raise ChangesUnknown(f"events were refused ({refusal.status})") from refusal
        except Transient as failure:
            if failure.status in _PASSING:
                raise
            raise ChangesUnknown(f"events could not be read ({failure.status})") from failure
        return changes

    def _events(self, start: datetime) -> Iterator[Record]:
        """Every event once: the overlap and moving pages may bring one twice."""
        seen: set[str] = set()
        after: Any = None
        for _ in range(_MOST_CALLS):
            answer = self._page(start, after)
            events = answer.read_as(list[dict[str, Any]], what="events")
            for event in events:
                key = text(event, "id")
                if key is None or key not in seen:
                    yield event
                if key is not None:
                    seen.add(key)
            if len(events) < event_limit(answer.headers):
                return
            before, after = after, next_mark(answer.headers)
            if after is None or after == before:
                raise ChangesUnknown("the list of events does not go on")
        raise ChangesUnknown("there are too many events")

    def _page(self, start: datetime, after: Any) -> Response:
        body: dict[str, Any] = {
            "service": ["directory", "access_management"],
            "start_time": start.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "limit": MOST_EVENTS,
            "sort": "ASC",
            "fields": ["id", "event_type", "timestamp", "success", "resource", "association"],
            "search_term": {"and": [{"event_type": list(_TYPES)}]},
        }
        if after is not None:
            body["search_after"] = after
        call = Call(method="POST", route=EVENTS, body=body, endpoint_class="read")
        return self._fetching.one(lambda: self._client.send(call))


def the_end(of: Record) -> tuple[str | None, str | None]:
    """The type of one end of a connection in lower case with underscores, and its id."""
    kind = text(of, "type")
    return (kind.lower().replace("-", "_").replace(" ", "_") if kind else None), text(of, "object_id")


def event_limit(headers: Mapping[str, str]) -> int:
    """The most events of a page, as the answer says it."""
    value = headers.get("x-limit", "")
    return int(value) if value.isdecimal() and int(value) > 0 else MOST_EVENTS


def next_mark(headers: Mapping[str, str]) -> Any:
    """Where the next page begins, None when the answer does not say: the text of a JSON array [docs]."""
    try:
        mark = json.loads(headers.get("x-search_after", ""))
    except ValueError:
        return None
    return mark if isinstance(mark, list) and mark else None
