"""What a client asks before each call. The shared budget behind the answer is kept elsewhere, by whoever wires the client."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class RateLimiter(Protocol):
    """One lane of the shared rate budget of one system.

    A rate limiter never sleeps for fulfilment: a caller that is refused puts its work back with a time.
    """

    def take(self, endpoint_class: str) -> None:
        """Take one call of this class from the budget.

        Raises ``Transient``, not counted and with ``retry_after``, when the budget is used up or the service asked for a stop.
        """
        ...

    def stop(self, endpoint_class: str, until: datetime) -> datetime:
        """Let no call of this class through before ``until`` (aware, UTC): the service asked for that.

        Returns when this lane may try again, which may be sooner for a lane that no service may hold for long.
        """
        ...

    def answered(self, endpoint_class: str, *, room: bool = True) -> None:
        """Note that the service answered a call of this class and asked for no stop; ``room`` is False when little is left."""
        ...


class Unlimited:
    """A rate limiter that lets every call through: for tests, and for the few calls of an operator's command."""

    def take(self, endpoint_class: str) -> None:
        """Let the call through."""

    def stop(self, endpoint_class: str, until: datetime) -> datetime:
        """Keep nothing: the next call may be made then, and is not stopped before."""
        del endpoint_class
        return until

    def answered(self, endpoint_class: str, *, room: bool = True) -> None:
        """Keep nothing."""
