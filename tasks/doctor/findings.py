from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
class Finding:
    """One thing that was looked at: one sentence of how it is, and for a problem one of what to change."""

    area: str
    check: str
    outcome: Outcome
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


@dataclass(frozen=True, slots=True)
class Area:
    """Makes the findings of one area."""

    name: str

    def ok(self, check: str, message: str) -> Finding:
        """It is as it should be."""
        return Finding(self.name, check, Outcome.OK, message)

    def unknown(self, check: str, message: str, remedy: str = "") -> Finding:
        """It could not be proven."""
        return Finding(self.name, check, Outcome.UNKNOWN, message, remedy)

    def warning(self, check: str, message: str, remedy: str) -> Finding:
        """It works, and somebody should know."""
        return Finding(self.name, check, Outcome.WARNING, message, remedy)

    def problem(self, check: str, message: str, remedy: str) -> Finding:
        """It will not work."""
        return Finding(self.name, check, Outcome.PROBLEM, message, remedy)
