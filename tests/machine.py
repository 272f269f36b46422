"""The brokers of the machine through their plain clients, as producers and operators use them."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import randbelow
from typing import Any
from urllib.parse import urlparse

import amqp
import redis
from amqp.exceptions import AMQPError, NotFound

from demo.patience import slowness
from tests.patience import PATIENCE_SECONDS
from worker.queues import DEAD, INTAKE, INTAKE_EXCHANGE, OLD_INTAKE, OLD_LANES, OLD_RETURNED, RETURNED

#: Where the services of the machine are; each may be elsewhere, or nowhere.
POSTGRESQL = os.environ.get("PROVISOR_TEST_POSTGRESQL", "postgresql+psycopg://root@127.0.0.1:5432/postgres")
RABBITMQ = os.environ.get("PROVISOR_TEST_RABBITMQ", "amqp://guest:guest@127.0.0.1:5672//")
REDIS = os.environ.get("PROVISOR_TEST_REDIS", "redis://127.0.0.1:6379/15")

#: A broker that says nothing for this long is away.
SILENCE_SECONDS = PATIENCE_SECONDS * slowness()

LANES = ("revoke", "grant", "ticket", "sync")


def free_port() -> int:
    """A port for a server that a test starts; not among those that the machine gives to whoever asks for any."""
    while True:
        port = 20_000 + randbelow(12_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


class AmqpAway(Exception):  # noqa: N818 - a fact about the machine
    pass


class RedisAway(Exception):  # noqa: N818 - a fact about the machine
    pass


@dataclass(frozen=True, slots=True)
class Seen:
    """A message as it lies in a queue."""

    body: bytes
    headers: Mapping[str, Any]
    content_type: str | None


def _seen(message: amqp.Message) -> Seen:
    body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
    return Seen(body, message.properties.get("application_headers", {}), message.properties.get("content_type"))


class Amqp:
    """RabbitMQ through py-amqp alone: neither Celery nor kombu has a part in what is published or seen here."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self.url = url
        self.prefix = prefix
        with contextlib.closing(self.connect()):
            pass

    def connect(self) -> amqp.Connection:
        at = urlparse(self.url)
        connection = amqp.Connection(
            host=f"{at.hostname}:{at.port or 5672}",
            userid=at.username or "guest",
            password=at.password or "guest",
            virtual_host=at.path[1:] or "/",
            confirm_publish=True,
            connect_timeout=SILENCE_SECONDS,
            read_timeout=SILENCE_SECONDS,
            write_timeout=SILENCE_SECONDS,
        )
        try:
            connection.connect()
        except (OSError, AMQPError) as exc:
            raise AmqpAway(str(exc)) from exc
        return connection

    def publish(self, *bodies: bytes | str, content_type: str | None = "application/json", queue: str = INTAKE) -> None:
        with contextlib.closing(self.connect()) as connection:
            channel = connection.channel()
            properties = {} if content_type is None else {"content_type": content_type}
            for body in bodies:
                message = amqp.Message(body, delivery_mode=2, **properties)
                channel.basic_publish_confirm(message, exchange="", routing_key=self.prefix + queue, mandatory=True)

    def waiting(self, queue: str = DEAD) -> list[Seen]:
        """Take everything that lies in a queue."""
        seen: list[Seen] = []
        with contextlib.closing(self.connect()) as connection:
            channel = connection.channel()
            declared = channel.queue_declare(self.prefix + queue, passive=True)
            assert declared is not None
            # Consumed: RabbitMQ gives nothing else out of a queue with a single active consumer.
            channel.basic_consume(
                self.prefix + queue, no_ack=True, callback=lambda message: seen.append(_seen(message))
            )
            while len(seen) < declared[1]:
                connection.drain_events(timeout=SILENCE_SECONDS)
        return seen

    def depth(self, queue: str = INTAKE) -> int:
        """How many messages are ready in a queue."""
        with contextlib.closing(self.connect()) as connection:
            declared = connection.channel().queue_declare(self.prefix + queue, passive=True)
            assert declared is not None
            return int(declared[1])

    def has_queue(self, queue: str = INTAKE) -> bool:
        try:
            self.depth(queue)
        except NotFound:
            return False
        return True

    def has_exchange(self, name: str) -> bool:
        with contextlib.closing(self.connect()) as connection:
            try:
                connection.channel().exchange_declare(self.prefix + name, "direct", passive=True)
            except NotFound:
                return False
        return True

    def purge(self) -> None:
        """Lose every wake-up."""
        with contextlib.closing(self.connect()) as connection:
            channel = connection.channel()
            for lane in LANES:
                channel.queue_purge(f"{self.prefix}provisor.lane.{lane}")

    def clean(self) -> None:
        """Remove every queue, since each costs a broker file descriptors, and the exchanges of Celery's own commands."""
        with contextlib.closing(self.connect()) as connection:
            for name in (
                INTAKE,
                DEAD,
                RETURNED,
                OLD_INTAKE,
                OLD_RETURNED,
                *OLD_LANES,
                *(f"provisor.lane.{lane}" for lane in LANES),
            ):
                with contextlib.suppress(NotFound):
                    connection.channel().queue_delete(self.prefix + name)
            control, events = f"{self.prefix}provisor.control.pidbox", f"{self.prefix}provisor.events"
            for name in (control, f"reply.{control}", events, self.prefix + INTAKE_EXCHANGE):
                connection.channel().exchange_delete(name)


class Redis:
    """Redis as an operator sees it."""

    def __init__(self, url: str, *, prefix: str) -> None:
        self.url = url
        self.prefix = prefix
        self._client = redis.Redis.from_url(url, socket_timeout=SILENCE_SECONDS)
        try:
            self._client.ping()
        except redis.ConnectionError as exc:
            raise RedisAway(str(exc)) from exc

    def clean(self) -> None:
        for key in self._client.scan_iter(match=f"*{self.prefix}*"):
            self._client.delete(key)
        self._client.close()
