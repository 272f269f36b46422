from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """The result of one check."""

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
    """The result of one check in an area: one sentence of how it is, and for a problem one of what to change."""

    area: str
    check: str
    outcome: Outcome
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


@dataclass(frozen=True, slots=True)
class Check:
    """Makes the findings of one check in an area."""

    area: str
    name: str

    def ok(self, message: str) -> Finding:
        """It is as it should be."""
        return Finding(self.area, self.name, Outcome.OK, message)

    def unknown(self, message: str) -> Finding:
        """It could not be proven."""
        return Finding(self.area, self.name, Outcome.UNKNOWN, message)

    def warning(self, message: str, remedy: str) -> Finding:
        """It works, and somebody should know."""
        return Finding(self.area, self.name, Outcome.WARNING, message, remedy)

    def problem(self, message: str, remedy: str) -> Finding:
        """It will not work."""
        return Finding(self.area, self.name, Outcome.PROBLEM, message, remedy)
