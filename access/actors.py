"""Who an audit row says made a change: a closed set, which the database enforces.

What a sender says of itself (``requested_by``, ``approved_by``) is no actor: it stands in the detail of the row.
"""

from __future__ import annotations

#: Provisor's own work on what was asked for.
PROVISOR = "provisor"

#: Provisor's own schedule: what begins because of the time, and nobody asked for.
SCHEDULER = "scheduler"

_OPERATOR, _PRODUCER = "operator:", "producer:"

#: Stands for a name that is not told: an empty one keeps no change from being recorded.
_UNKNOWN = "unknown"


def operator(os_user: str) -> str:
    """A person who typed a command, by the user name of the operating system."""
    return f"{_OPERATOR}{os_user or _UNKNOWN}"


def producer(source: str) -> str:
    """Whoever handed a message in, by the source that intake knows it by."""
    return f"{_PRODUCER}{source or _UNKNOWN}"


def is_known(actor: str) -> bool:
    """Whether an actor is one of the set."""
    named = next((actor.removeprefix(kind) for kind in (_OPERATOR, _PRODUCER) if actor.startswith(kind)), None)
    return actor in (PROVISOR, SCHEDULER) if named is None else bool(named)
