"""The queues: requests come in on one, copies of refused messages lie in another, and each lane of wake-ups has its own.

On RabbitMQ these are quorum queues, so that a lost node loses no request. RabbitMQ moves a message to ``….returned`` when
workers died on it as often as ``_DELIVERY_LIMIT`` allows; Provisor makes a dead letter of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kombu import Exchange, Queue

from access.operations import Lane
from config.settings import Settings

INTAKE = "access.requests"
DEAD = "access.requests.dead"
RETURNED = "access.requests.returned"

#: How often RabbitMQ delivers one message again before it moves the message to the returned ones.
_DELIVERY_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of one Provisor on its broker. ``prefix`` keeps several Provisors apart; ``amqp`` means RabbitMQ."""

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
        """Messages that the broker delivers no more."""
        return self._queue(RETURNED)

    @property
    def dead(self) -> Queue:
        """A copy of every refused message, with the reason in its headers, for people who watch queues."""
        return self._queue(DEAD)

    def lane(self, lane: Lane) -> Queue:
        """Wake-ups of one lane."""
        return self._queue(f"provisor.{lane}")

    def _queue(self, name: str, **arguments: Any) -> Queue:
        name = self.prefix + name
        extra = {"x-queue-type": "quorum", **arguments} if self.amqp else None
        return Queue(name, Exchange("", type="direct"), routing_key=name, durable=True, queue_arguments=extra)


def queues_from(settings: Settings) -> Queues:
    """The queues that the settings name."""
    amqp = settings.broker.url.get_secret_value().startswith(("amqp", "pyamqp"))
    return Queues(prefix=settings.broker.prefix, amqp=amqp)
