"""How the use-cases wake workers up: ids only, and only after the commit that made the work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from store.outbox import WakeUp


class Publisher(Protocol):
    """Sends wake-ups. Must not raise: a wake-up that cannot be sent now is found by the relay or the sweep."""

    def send(self, wake_ups: Iterable[WakeUp]) -> None:
        """Hand wake-ups to the broker."""
        ...


class RecordingPublisher:
    """A publisher that only keeps what it was given: for tests and rehearsals that drive the use-cases by hand."""

    def __init__(self) -> None:
        self.wake_ups: list[WakeUp] = []

    def send(self, wake_ups: Iterable[WakeUp]) -> None:
        """Keep them."""
        self.wake_ups += wake_ups
