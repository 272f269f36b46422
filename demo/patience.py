"""How long to wait for what has to come: a bound on what hangs, and never a verdict on how fast the machine is."""

from __future__ import annotations

import time

#: What ``slowness`` computes, and how long that takes on a quiet machine [measured on two cores of 2024].
_STEPS = 4_000_000
_QUIET_SECONDS = 0.1

#: Between two measures of a wait: each costs about 2 % of that.
_PERIOD_SECONDS = 5.0


def slowness() -> float:
    """How many times as long as on a quiet machine work takes here and now; at least 1.

    Measured over several slices of the scheduler: less would come through at once on a machine with much to do.
    """
    begun = time.monotonic()
    number = 0
    for step in range(_STEPS):
        number += step
    return max(1.0, (time.monotonic() - begun) / _QUIET_SECONDS)


class Patience:
    """A limit in ``seconds`` of a quiet machine: a second of a machine that is n times slower counts 1/n."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._looked = time.monotonic()

    def lasts(self) -> bool:
        """Whether to wait on; to be asked again and again."""
        passed = time.monotonic() - self._looked
        if passed >= _PERIOD_SECONDS:
            self._left -= passed / slowness()
            self._looked = time.monotonic()
        return self._left > 0
