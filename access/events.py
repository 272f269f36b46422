"""Events: which changes others are told of, and how. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: What events are about. Everything else that is audited is Provisor's own affair.
_ENTITIES = frozenset({"request", "claim", "operation", "ticket", "plan", "finding", "person", "owner"})

#: Audit rows about these that are steps on the way, and no outcome of anything.
_STEPS = frozenset({"operation.planned", "operation.retry", "ticket.intended"})

#: Who tells: the ``source`` of CloudEvents.
_SOURCE = "/provisor"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a request, a claim, an operation or a ticket.

    ``position`` is its place in the order of all events; None until it has one. It grows, and leaves places out.
    """

    at: datetime
    type: str
    entity: str
    entity_id: str
    request_id: str | None
    data: Mapping[str, Any]
    position: int | None = None


def is_event(audit_event: str, entity: str) -> bool:
    """Whether the change that an audit row of this name tells of is one that others are told of."""
    return entity in _ENTITIES and audit_event not in _STEPS


def cloud_event(event: Event) -> dict[str, Any]:
    """The event as a CloudEvent 1.0 in JSON (cloudevents.io, JSON event format 1.0): ``id`` is the position."""
    return {
        "specversion": "1.0",
        "id": str(event.position),
        "source": _SOURCE,
        "type": f"provisor.{event.type}",
        "subject": f"{event.entity}/{event.entity_id}",
        "time": event.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "datacontenttype": "application/json",
        "data": {"id": event.entity_id, "request": event.request_id, **event.data},
    }
