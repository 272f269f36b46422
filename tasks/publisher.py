"""The port by which the use-cases send wake-ups: ids only, and only after the commit that made the work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from store.outbox import WakeUp


class Publisher(Protocol):
    """Sends wake-ups. Must not raise: the relay sends later what cannot be sent now, or the sweep finds its row."""

    def send(self, wake_ups: Iterable[WakeUp]) -> None:
        """Hand wake-ups to the broker."""
        ...


class RecordingPublisher:
    """A publisher that keeps the wake-ups, for tests that drive the use-cases by hand."""

    def __init__(self) -> None:
        self.wake_ups: list[WakeUp] = []

    def send(self, wake_ups: Iterable[WakeUp]) -> None:
        """Keep the wake-ups."""
        self.wake_ups += wake_ups
