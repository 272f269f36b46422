import bisect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simulator.jumpcloud.ids import ObjectIds
from simulator.jumpcloud.records import Actor

SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of Directory Insights; times are seconds since 1970, `at` is cut to milliseconds."""

    id: str
    at: float
    seen_from: float
    body: Mapping[str, Any]


class Journal:
    """The event log, in the order in which things happened."""

    def __init__(self, clock: Callable[[], float], ids: ObjectIds, organization: str) -> None:
        self._clock = clock
        self._ids = ids
        self.organization = organization
        self._events: list[Event] = []

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def record(self, event_type: str, by: Actor, *, lag_ms: int = 0, service: str = "directory", **facts: Any) -> None:
        """Add an event that happened now."""
        at = int(self._clock() * 1000) / 1000
        ident = self._ids.next()
        body = {
            "id": ident,
            "event_type": event_type,
            "timestamp": timestamp(at),
            "service": service,
            "organization": self.organization,
            "success": True,
            "initiated_by": {"id": by.id, "type": by.type, "email": by.email},
            "auth_method": by.auth_method,
            "client_ip": by.client_ip,
            **facts,
        }
        self._events.append(Event(ident, at, at + lag_ms / 1000, body))

    def restore(self, bodies: list[Mapping[str, Any]]) -> None:
        """Put events back that were dumped."""
        known = {event.id for event in self._events}
        for body in bodies:
            if str(body["id"]) in known:
                continue
            at = seconds(str(body["timestamp"]))
            self._events.append(Event(str(body["id"]), at, at, body))
        self._events.sort(key=lambda event: event.at)

    def between(self, start: float, end: float, *, retention_days: int) -> list[Event]:
        """Return the events of a time that can be seen by now, oldest first."""
        now = self._clock()
        start = max(start, now - retention_days * SECONDS_A_DAY)
        low = bisect.bisect_left(self._events, start, key=lambda event: event.at)
        high = bisect.bisect_right(self._events, end, key=lambda event: event.at)
        return [event for event in self._events[low:high] if event.seen_from <= now]


def timestamp(at: float) -> str:
    """Return RFC 3339 with milliseconds, as the service writes times."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def seconds(text: str) -> float:
    """Return seconds since 1970 of an RFC 3339 time; without an offset it is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
