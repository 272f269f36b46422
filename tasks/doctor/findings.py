from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from access.remedies import WithRemedy


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
class Finding(WithRemedy):
    """The result of one check in an area: ``what`` is how it is, ``remedy`` what to change, empty where nothing is wrong."""

    area: str
    check: str
    outcome: Outcome
    what: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """Makes the findings of one check in an area."""

    area: str
    name: str

    def ok(self, what: str) -> Finding:
        """It is as it should be."""
        return Finding(self.area, self.name, Outcome.OK, what)

    def unknown(self, what: str) -> Finding:
        """It could not be proven."""
        return Finding(self.area, self.name, Outcome.UNKNOWN, what)

    def warning(self, what: str, remedy: str) -> Finding:
        """It works, and somebody should know."""
        return Finding(self.area, self.name, Outcome.WARNING, what, remedy)

    def problem(self, what: str, remedy: str) -> Finding:
        """It will not work."""
        return Finding(self.area, self.name, Outcome.PROBLEM, what, remedy)
