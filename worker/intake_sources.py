"""Where an intake gets messages from: what each broker's source does for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tasks.incoming_message import Arrival

#: Bytes of bodies in one batch, unless one message alone has more.
BATCH_BYTES = 4 * 1024 * 1024

#: While messages come in numbers, those that come within this time of the first are stored in one commit. A commit for each
#: would make an intake on PostgreSQL and RabbitMQ three times slower [measured]. A message that comes alone does not wait.
LINGER_SECONDS = 0.005

#: The longest wait for a message: how late a stop is noticed.
IDLE_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages in their order, with what the session needs to acknowledge them.

    ``leased``: they may be stored only while this process has the lease of the intake.
    """

    arrivals: Sequence[Arrival]
    handle: Any
    leased: bool = False


class Session(Protocol):
    """Messages from one broker, as long as its connection lasts."""

    #: Seconds between two looks for messages, where looking does not wait for one.
    pause: float

    def next_batch(self) -> Batch | None:
        """The next messages; None when there are none. Waits ``IDLE_SECONDS`` at the most."""

    def keep_alive(self) -> None:
        """Tell the broker that this process lives. Called every second while the database works."""

    def acknowledge(self, batch: Batch) -> None:
        """Take the messages, which are stored, from the broker."""

    def close(self) -> None:
        """Leave everything that is not acknowledged to the broker. Raises nothing."""


class Source(Protocol):
    """A broker that has messages."""

    #: What its methods raise when the broker is away.
    errors: tuple[type[Exception], ...]

    def open(self) -> Session | None:
        """Begin to take messages; None while another process is the one that takes them."""
