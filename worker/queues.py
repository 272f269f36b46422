"""The queues: requests come in on one, copies of refused messages lie in another, and each lane of wake-ups has its own.

On RabbitMQ these are quorum queues, so that a lost node loses no request. Requests come in through an exchange of their own:
who may write to it reaches the intake queue and no other. RabbitMQ moves a message that it has delivered as often as
``_DELIVERY_LIMIT`` allows to another queue: requests to ``….returned``, where Provisor tries each alone, wake-ups to ``….dead``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kombu import Exchange, Queue

from access.operations import Lane
from config.settings import Settings

INTAKE_EXCHANGE = "provisor.intake"
INTAKE = "provisor.intake.requests"
RETURNED = "provisor.intake.returned"
DEAD = "provisor.intake.dead"

#: Where requests came in until version 0.2; taken in from there too for one release, wherever these queues are.
OLD_INTAKE = "access.requests"
OLD_RETURNED = "access.requests.returned"
#: Where wake-ups were sent until then: they are dropped, since the sweep finds their rows.
OLD_LANES = ("provisor.revoke", "provisor.grant", "provisor.ticket", "provisor.sync")

#: How often RabbitMQ delivers one message again before it moves the message elsewhere.
_DELIVERY_LIMIT = 10


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of one Provisor on its broker. ``prefix`` keeps several Provisors apart; ``amqp`` means RabbitMQ."""

    prefix: str = ""
    amqp: bool = False

    @property
    def intake_exchange(self) -> Exchange:
        """Where producers publish on RabbitMQ. It asks for no routing key, and leads to the intake queue alone."""
        return Exchange(self.prefix + INTAKE_EXCHANGE, type="fanout", durable=True)

    @property
    def intake(self) -> Queue:
        """Where access requests arrive. RabbitMQ delivers them to one consumer at a time, which keeps their order."""
        arguments = {"x-single-active-consumer": True, **self._limit(RETURNED)}
        return self._queue(INTAKE, exchange=self.intake_exchange if self.amqp else None, arguments=arguments)

    @property
    def returned(self) -> Queue:
        """Requests that the broker delivered in vain as often as it may. They have no limit: none is lost."""
        return self._queue(RETURNED, arguments={"x-single-active-consumer": True})

    @property
    def dead(self) -> Queue:
        """A copy of every refused message, with the reason in its headers, for people who watch queues."""
        return self._queue(DEAD)

    @property
    def old(self) -> tuple[str, str]:
        """The names of the intake queue and the returned messages of the version before."""
        return self.prefix + OLD_INTAKE, self.prefix + OLD_RETURNED

    @property
    def old_lanes(self) -> tuple[str, ...]:
        """The names of the lanes of the version before."""
        return tuple(self.prefix + name for name in OLD_LANES)

    def lane(self, lane: Lane) -> Queue:
        """Wake-ups of one lane."""
        return self._queue(f"provisor.lane.{lane}", arguments=self._limit(DEAD))

    def _limit(self, target: str) -> dict[str, Any]:
        return {
            "x-delivery-limit": _DELIVERY_LIMIT,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": self.prefix + target,
        }

    def _queue(self, name: str, *, exchange: Exchange | None = None, arguments: dict[str, Any] | None = None) -> Queue:
        name = self.prefix + name
        extra = {"x-queue-type": "quorum"} | (arguments or {}) if self.amqp else None
        exchange = exchange or Exchange("", type="direct")
        return Queue(name, exchange, routing_key=name, durable=True, queue_arguments=extra)


def queues_from(settings: Settings) -> Queues:
    """The queues that the settings name."""
    amqp = settings.broker.url.get_secret_value().startswith(("amqp", "pyamqp"))
    return Queues(prefix=settings.broker.prefix, amqp=amqp)
