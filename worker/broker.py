"""The broker as other processes use it: whether it lets them in, and requests put on the intake queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from enum import StrEnum
from ssl import SSLError
from typing import Any

from amqp import Message
from amqp.exceptions import AccessRefused, NotAllowed, NotFound, PreconditionFailed
from kombu import Connection
from kombu.exceptions import OperationalError
from redis import RedisError

from access.operations import Lane
from config.settings import Settings
from worker.celery_app import broker_url
from worker.intake_consumer import publish
from worker.queues import Queues, queues_from

#: Words in the errors of transports that mean a login was refused.
_LOGIN_REFUSED = ("accessrefused", "access_refused", "authentication", "noauth", "403")


class BrokerFault(StrEnum):
    """Why a broker cannot be used."""

    #: User or password are not right.
    LOGIN = "login"
    #: The virtual host is not there, or not for this user.
    VIRTUAL_HOST = "virtual host"
    #: A right to our queues is missing.
    RIGHTS = "rights"
    #: A queue is there, and was made otherwise than this version makes it.
    QUEUES = "queues"
    #: It does not prove who it is, or what names its authority cannot be read.
    CERTIFICATE = "certificate"
    #: The name in its address does not resolve.
    NAME = "name"
    #: Nothing answers as a broker.
    CONNECTION = "connection"


class BrokerUnusable(Exception):  # noqa: N818 - told to an operator
    """The broker cannot be used. ``error`` is the name of the transport's own error, or of a right or queue: no secret."""

    def __init__(self, exc: Exception, fault: BrokerFault | None = None, *, about: str = "") -> None:
        cause = exc.__cause__ or exc
        self.error = about or type(cause).__name__
        self.fault = fault or _fault(exc, cause)
        super().__init__(f"{self.fault}: {self.error}")


def _fault(exc: BaseException, cause: BaseException) -> BrokerFault:
    if any(isinstance(each, SSLError | FileNotFoundError) for each in (exc, cause, cause.__context__)):
        return BrokerFault.CERTIFICATE
    if isinstance(cause, NotAllowed):
        return BrokerFault.VIRTUAL_HOST
    if any(word in f"{type(cause).__name__} {cause}".lower() for word in _LOGIN_REFUSED):
        return BrokerFault.LOGIN
    return BrokerFault.NAME if type(cause).__name__ == "gaierror" else BrokerFault.CONNECTION


def is_embedded(settings: Settings) -> bool:
    """Whether the broker is memory of the worker's own process, which no other process can reach."""
    return settings.broker.url.get_secret_value().startswith("memory:")


def prove_broker(settings: Settings) -> None:
    """Log in, open a channel, and prove the rights to the queues. Nothing is changed. Raises ``BrokerUnusable``."""
    with _connected(settings) as connection:
        if connection.transport.driver_type == "amqp":
            _prove_rights(connection, queues_from(settings))


def _prove_rights(connection: Connection, queues: Queues) -> None:
    """Ask for what is not there: RabbitMQ looks at the right first. A queue that is there is declared as ``up`` declares it."""
    nothing = queues.lane(Lane.GRANT).name + ".none"
    asked: dict[str, Callable[[Any], object]] = {
        "configure": lambda channel: channel.queue_delete(nothing),
        "read": lambda channel: channel.basic_get(nothing),
        "write": lambda channel: channel.basic_publish(Message(""), exchange="", routing_key=nothing),
    }
    for right, ask in asked.items():
        try:
            with connection.channel() as channel, suppress(NotFound):
                ask(channel)
        except AccessRefused as exc:
            raise BrokerUnusable(exc, BrokerFault.RIGHTS, about=right) from exc
    for queue in (queues.dead, queues.returned, queues.intake, *map(queues.lane, Lane)):
        try:
            with suppress(NotFound):
                queue.bind(connection.channel()).queue_declare(passive=True)
                queue.bind(connection.channel()).queue_declare()
        except PreconditionFailed as exc:
            raise BrokerUnusable(exc, BrokerFault.QUEUES, about=queue.name) from exc


def publish_requests(settings: Settings, bodies: Sequence[bytes]) -> None:
    """Put messages on the intake queue; the broker has confirmed each. Raises ``BrokerUnusable``."""
    with _connected(settings) as connection:
        try:
            publish(connection, queues_from(settings), bodies)
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
