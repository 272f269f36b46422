"""What came out of a run, as counts and one line of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

from checks.mutants.equivalents import Known
from checks.mutants.trial import Tried, Verdict

#: The share of mutants that tests have to kill.
WANTED_SHARE = 0.85


@dataclass(frozen=True, slots=True)
class Report:
    """The mutants that were tried of those ``drawn``, how many ``equivalent`` ones were passed over, and stale entries."""

    seed: int
    least: int
    drawn: int
    tried: tuple[Tried, ...]
    equivalent: int
    stale: tuple[Known, ...]

    @property
    def share(self) -> float:
        """Killed mutants of those that were decided."""
        return self._killed / self.decided if self.decided else 0.0

    @property
    def decided(self) -> int:
        """How many mutants a test noticed, or all tests that run their line did not."""
        return sum(each.decided for each in self.tried)

    @property
    def enough(self) -> bool:
        """Whether so many mutants were decided that the share says something."""
        return self.decided >= max(1, self.least)

    @property
    def ok(self) -> bool:
        """Whether enough mutants were decided, and enough of them killed."""
        return self.enough and self.share >= WANTED_SHARE

    def as_json(self) -> str:
        """One object on one line. ``killed`` includes ``timeouts``; ``survived`` includes ``not_covered``."""
        return json.dumps(
            {
                "ok": self.ok,
                "mutants": self.decided,
                "killed": self._killed,
                "survived": self.decided - self._killed,
                "undecided": self._count(Verdict.UNDECIDED),
                "equivalent": self.equivalent,
                "not_covered": self._count(Verdict.NOT_COVERED),
                "timeouts": self._count(Verdict.TIMED_OUT),
                "stale_equivalents": len(self.stale),
                "drawn": self.drawn,
                "least": self.least,
                "seed": self.seed,
                "share": round(self.share, 4),
            }
        )

    @property
    def _killed(self) -> int:
        return sum(each.killed for each in self.tried)

    def _count(self, verdict: Verdict) -> int:
        return sum(each.verdict is verdict for each in self.tried)
