"""The broker as other processes use it: whether it lets them in, and requests put on the intake queue."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum

from kombu import Connection
from kombu.exceptions import OperationalError
from redis import RedisError

from config.settings import Settings
from worker.celery_app import broker_url
from worker.intake_consumer import publish
from worker.queues import Queues

#: Words in the errors of transports that mean a login was refused.
_LOGIN_REFUSED = ("accessrefused", "access_refused", "authentication", "noauth", "403")


class BrokerFault(StrEnum):
    """Why a broker cannot be used."""

    #: User or password are not right.
    LOGIN = "login"
    #: The name in its address does not resolve.
    NAME = "name"
    #: Nothing answers as a broker.
    CONNECTION = "connection"


class BrokerUnusable(Exception):  # noqa: N818 - told to an operator
    """The broker cannot be used. ``error`` is the name of the transport's own error, which holds no secret."""

    def __init__(self, exc: Exception) -> None:
        cause = exc.__cause__ or exc
        self.error = type(cause).__name__
        self.fault = BrokerFault.CONNECTION
        if any(word in f"{self.error} {cause}".lower() for word in _LOGIN_REFUSED):
            self.fault = BrokerFault.LOGIN
        elif self.error == "gaierror":
            self.fault = BrokerFault.NAME
        super().__init__(f"{self.fault}: {self.error}")


def is_embedded(settings: Settings) -> bool:
    """Whether the broker is memory of the worker's own process, which no other process can reach."""
    return settings.broker.url.get_secret_value().startswith("memory:")


def prove_broker(settings: Settings) -> None:
    """Log in, and open a channel. Raises ``BrokerUnusable``."""
    with _connected(settings):
        pass


def publish_requests(settings: Settings, bodies: Sequence[bytes]) -> None:
    """Put messages on the intake queue; the broker has confirmed each. Raises ``BrokerUnusable``."""
    amqp = settings.broker.url.get_secret_value().startswith("amqp")
    with _connected(settings) as connection:
        try:
            publish(connection, Queues(prefix=settings.broker.prefix, amqp=amqp), bodies)
        except (OperationalError, RedisError, OSError) as exc:
            raise BrokerUnusable(exc) from exc


@contextmanager
def _connected(settings: Settings) -> Iterator[Connection]:
    url = broker_url(settings)
    timeout = settings.limits.connect_timeout.total_seconds()
    silence = {"socket_connect_timeout": timeout, "socket_timeout": timeout}
    options = {"confirm_publish": True} if url.startswith("amqp") else silence
    with Connection(url, transport_options=options, connect_timeout=timeout) as connection:
        try:
            connection.ensure_connection(max_retries=1, timeout=max(1, round(timeout)))
            connection.channel()
        except Exception as exc:  # transports raise errors of their own for a login that was refused
            raise BrokerUnusable(exc) from exc
        yield connection
