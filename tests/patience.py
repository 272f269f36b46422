"""How long tests wait for what has to come: a bound on what hangs, and never a verdict on how fast the machine is.

Waits, the limit of a whole test (``conftest.py``) and those of CI (``python -m tests.patience``) all grow by the slowness
that is measured here.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

#: What nothing that works takes on a quiet machine.
PATIENCE_SECONDS = 60.0

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


def fair_seconds(since: float) -> float:
    """What has passed since a moment of the monotonic clock, in seconds of a quiet machine."""
    return (time.monotonic() - since) / slowness()


class Patience:
    """A limit in seconds of a quiet machine: a second of a machine that is n times slower counts 1/n."""

    def __init__(self, seconds: float = PATIENCE_SECONDS) -> None:
        self._left = seconds
        self._looked = time.monotonic()

    def lasts(self) -> bool:
        """Whether to wait on; to be asked again and again."""
        passed = time.monotonic() - self._looked
        if passed >= _PERIOD_SECONDS:
            self._left -= passed / slowness()
            self._looked = time.monotonic()
        return self._left > 0


def until(look: Callable[[], T | None], what: str | Callable[[], str]) -> T:
    """What ``look`` finds, as soon as it finds something; ``what`` says what did not come."""
    patience = Patience()
    while not (found := look()):
        if not patience.lasts():
            raise AssertionError(f"{what if isinstance(what, str) else what()} did not come about")
        time.sleep(0.02)  # noqa: TID251 - other threads and processes make it come
    return found


def until_met(
    faults: Any, fault: str, *, holding: int = 0, played: int = 0, what: str | Callable[[], str] = ""
) -> None:
    """Wait until a fault of a simulator holds or has played so many calls."""
    until(
        lambda: faults.wait_until(fault, holding=holding, played=played, timeout=1),
        what or f"holding {holding} and having played {played} calls by {fault}",
    )


if __name__ == "__main__":
    sys.stdout.write(f"{math.ceil(slowness())}\n")
