"""How the use-cases wake workers up: ids only, and only after the commit that made the work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from store.outbox import Wake


class Courier(Protocol):
    """Sends wake-ups. Must not raise: a wake-up that cannot be sent now is found by the relay or the sweep."""

    def send(self, wakes: Iterable[Wake]) -> None:
        """Hand wake-ups to the broker."""
        ...


class Bench:
    """A courier that only keeps what it was given: for tests and rehearsals that drive the use-cases by hand."""

    def __init__(self) -> None:
        self.wakes: list[Wake] = []

    def send(self, wakes: Iterable[Wake]) -> None:
        """Keep them."""
        self.wakes += wakes
