"""The budget every call is taken from: shared by all workers, kept by the store, asked before each call."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class RateLimiter(Protocol):
    """One lane's door to the shared rate budget of one system.

    It never sleeps: a caller that is told no puts its work back with a time.
    """

    def take(self, endpoint_class: str) -> None:
        """Take one call of this class from the budget.

        Raises ``Transient`` with ``retry_after`` when the budget, or a stop the service asked for, says no.
        """
        ...

    def stop(self, endpoint_class: str, until: datetime) -> None:
        """Let no call of this class through before ``until`` (aware, UTC): the service itself asked for that."""
        ...


class Unlimited:
    """A rate_limiter that is always open: for tests, rehearsals and single calls of an operator."""

    def take(self, endpoint_class: str) -> None:
        """Let the call through."""

    def stop(self, endpoint_class: str, until: datetime) -> None:
        """Forget what the service asked for."""
