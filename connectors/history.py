"""What Provisor asks of a system's log: who got and lost access when, for questions that only the past answers.

The port that each history implements. A log is no list of who has access, and may be late: it is asked only about access whose
present state a complete list shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from access.entitlements import System
from access.truth import Log


@dataclass(frozen=True, slots=True)
class LogReading:
    """A log as it was read: by how many ``pages`` and ``entries``, and back to when; ``note`` says what is not in it."""

    log: Log
    pages: int
    entries: int
    reaches: datetime | None
    note: str = ""


class AccessHistory(Protocol):
    """The log of one system."""

    @property
    def system(self) -> System:
        """The system."""
        ...

    def read(self, since: datetime) -> LogReading:
        """The changes of access since a time, as far as the log goes back and within a bounded number of calls.

        A log that cannot be read makes a reading whose gaps say why. Raises ``CredentialRefused`` and ``Transient``.
        """
        ...
