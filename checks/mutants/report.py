"""What came out of a run, as counts and one line of JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass

from checks.mutants.equivalents import Equivalent
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
    stale: tuple[Equivalent, ...]

    @property
    def share(self) -> float:
        """Killed mutants of all that were tried."""
        return self._killed / len(self.tried) if self.tried else 0.0

    @property
    def enough(self) -> bool:
        """Whether so many mutants were tried that the share says something."""
        return len(self.tried) >= max(1, self.least)

    @property
    def ok(self) -> bool:
        """Whether enough mutants were tried, and enough of them killed."""
        return self.enough and self.share >= WANTED_SHARE

    def as_json(self) -> str:
        """One object on one line. ``killed`` includes ``timeouts``; ``survived`` includes ``not_covered``."""
        return json.dumps(
            {
                "ok": self.ok,
                "mutants": len(self.tried),
                "killed": self._killed,
                "survived": len(self.tried) - self._killed,
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
