"""How long tests wait for what has to come: a bound on what hangs, and never a verdict on how fast the machine is.

Waits, the limit of a whole test (``conftest.py``) and those of CI (``python -m tests.patience``) all grow by one measured
slowness, which is the demonstration's too (``demo/patience.py``).
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

from demo.patience import Patience, slowness

T = TypeVar("T")

#: What nothing that works takes on a quiet machine.
PATIENCE_SECONDS = 60.0


def fair_seconds(since: float) -> float:
    """What has passed since a moment of the monotonic clock, in seconds of a quiet machine."""
    return (time.monotonic() - since) / slowness()


def until(look: Callable[[], T | None], what: str | Callable[[], str]) -> T:
    """What ``look`` finds, as soon as it finds something; ``what`` says what did not come."""
    patience = Patience(PATIENCE_SECONDS)
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
