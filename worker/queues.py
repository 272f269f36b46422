"""The queues: where requests come in, where refused ones are seen, and the lanes of wake-ups.

Quorum queues on RabbitMQ, so that a lost node loses no request. The intake queue returns to ``….returned`` what a worker
could not even refuse (it died on it as often as the broker allows); those become dead letters like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kombu import Exchange, Queue

from access.operations import Lane

INTAKE = "access.requests"
DEAD = "access.requests.dead"
RETURNED = "access.requests.returned"

#: How often RabbitMQ hands one message to workers that die on it before it goes to the returned ones.
_DELIVERY_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of one Provisor on its broker. ``prefix`` keeps several apart; ``amqp`` is whether it is RabbitMQ."""

    prefix: str = ""
    amqp: bool = False

    @property
    def intake(self) -> Queue:
        """Where access requests arrive."""
        arguments = {
            "x-delivery-limit": _DELIVERY_LIMIT,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.prefix + RETURNED,
        }
        return self._queue(INTAKE, **arguments)

    @property
    def returned(self) -> Queue:
        """What the broker gave up delivering."""
        return self._queue(RETURNED)

    @property
    def dead(self) -> Queue:
        """A copy of every message that was not accepted, with the reason in its headers, for those who watch queues."""
        return self._queue(DEAD)

    def lane(self, lane: Lane) -> Queue:
        """WakeUp-ups of one lane."""
        return self._queue(f"provisor.{lane}")

    def _queue(self, name: str, **arguments: Any) -> Queue:
        name = self.prefix + name
        extra = {"x-queue-type": "quorum", **arguments} if self.amqp else None
        return Queue(name, Exchange("", type="direct"), routing_key=name, durable=True, queue_arguments=extra)
