from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from access.remedies import WithRemedy


class Outcome(StrEnum):
    """What came of looking at one thing."""

    #: It is as it should be.
    OK = "ok"
    #: It could not be proven either way without changing something.
    UNKNOWN = "unknown"
    #: It works, and somebody should know.
    WARNING = "warning"
    #: Something that is switched on will not work.
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding(WithRemedy):
    """One thing that was looked at: ``what`` is how it is, ``remedy`` is empty where it is as it should be."""

    area: str
    check: str
    outcome: Outcome
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """Makes the findings of one area."""

    name: str

    def ok(self, check: str, what: str) -> Finding:
        """It is as it should be."""
        return Finding(self.name, check, Outcome.OK, what)

    def unknown(self, check: str, what: str, remedy: str = "") -> Finding:
        """It could not be proven."""
        return Finding(self.name, check, Outcome.UNKNOWN, what, remedy)

    def warning(self, check: str, what: str, remedy: str) -> Finding:
        """It works, and somebody should know."""
        return Finding(self.name, check, Outcome.WARNING, what, remedy)

    def problem(self, check: str, what: str, remedy: str) -> Finding:
        """It will not work."""
        return Finding(self.name, check, Outcome.PROBLEM, what, remedy)
