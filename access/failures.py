"""The failure words: how a call to the outside can end when it does not end well.

    Failure
    ├── Transient          it did not happen, and may work later
    ├── Permanent          it did not happen, and repeating will not help
    ├── Unknown            it may have happened: read before repeating
    └── CredentialRefused  the system does not know us: stop its lane, keep the work

Vendor exceptions never leave a connector or a ticketing provider; they are turned into exactly one of these there.
"""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from access.remedies import WithRemedy


class Failure(WithRemedy, Exception):  # noqa: N818 - "failure" is the word of the design, each subclass is one of its kinds
    """A call out that did not end well: ``what`` happened, and the ``remedy``.

    ``trace_id`` is the service's own id of the exchange, for its support desk. ``status`` is the HTTP status when there was one.
    """

    #: The failure word as it is stored and shown.
    word: ClassVar[str] = "failure"

    def __init__(
        self,
        what: str,
        *,
        remedy: str = "",
        status: int | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.status = status
        self.trace_id = trace_id

    def __str__(self) -> str:
        trace = f" (trace {self.trace_id})" if self.trace_id else ""
        remedy = f" {self.remedy}" if self.remedy else ""
        return f"{self.what}{trace}{remedy}"


class Transient(Failure):
    """It did not happen and may work later. ``retry_after`` is the wait the service asked for, when it did.

    ``counted`` is False where nothing was tried, because our own rate limiter held the call back.
    """

    word = "transient"

    def __init__(
        self,
        what: str,
        *,
        retry_after: timedelta | None = None,
        counted: bool = True,
        remedy: str = "",
        status: int | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(what, remedy=remedy, status=status, trace_id=trace_id)
        self.retry_after = retry_after
        self.counted = counted


def asked_wait(failure: Failure) -> timedelta:
    """The wait that the service asked for; zero when it asked for none."""
    return (failure.retry_after if isinstance(failure, Transient) else None) or timedelta(0)


class Permanent(Failure):
    """It did not happen and repeating it will not help; ``remedy`` says what would."""

    word = "permanent"


class Unseen(Permanent):
    """The system does not show the thing to Provisor: whether it is gone, or not Provisor's to see, cannot be told."""


class Unknown(Failure):
    """The outcome of a write is not known: it may have happened. Read before repeating."""

    word = "unknown"


class CredentialRefused(Failure):
    """The system refused our credential (401, anonymous responses, blocked address): the operator has to mend it."""

    word = "credential_refused"
