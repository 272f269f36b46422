"""The Celery application: a message carries one id, and nothing waits in the broker (docs/adr/0001, docs/adr/0014)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from celery import Celery
from kombu.transport import TRANSPORT_ALIASES

from access.operations import Lane
from config.settings import Settings
from store.outbox import Topic
from worker.amqp_frames import lenient_frames
from worker.queues import queues_from

_IN_MEMORY = "memory://localhost//"

#: Seconds that a broker may take for an answer; after that its connection counts as lost.
ANSWERS_WITHIN_SECONDS = 8

#: What takes a wake-up for each topic, given the id of the row; returns at once.
Handlers = Mapping[Topic, Callable[[str], None]]

#: A message that the broker did not take is sent once more: RabbitMQ refuses it while the leader of a queue is elected.
#: A refusal for good raises kombu's ``OperationalError`` only under a policy; without one, the driver's own error.
RETRY_POLICY = {"max_retries": 1, "interval_start": 0.3}


def task_name(topic: Topic) -> str:
    """The name of the task for a topic."""
    return f"provisor.{topic}"


def make_app(settings: Settings, handlers: Handlers) -> Celery:
    """A Celery application with one task for each topic in ``handlers``.

    A task only hands its wake-up to the dispatcher (``worker/dispatcher.py``). What is lost with a killed worker is found by
    the sweep.
    """
    url = broker_url(settings)
    queues = queues_from(settings)
    # By the registry: kombu knows by the name "rediss" that it has to encrypt.
    TRANSPORT_ALIASES.update(dict.fromkeys(("redis", "rediss"), "worker.redis_transport:Transport"))
    app = Celery("provisor", broker=url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        # A Redis that is a replica for a while refuses writes as an error of the channel: that is waited out too. RabbitMQ
        # closes a channel for a queue that is declared otherwise, which no waiting mends.
        broker_channel_error_retry=url.startswith("redis"),
        broker_connection_retry_on_startup=True,
        broker_transport_options=_transport_options(url, settings),
        control_exchange=f"{queues.prefix}provisor.control",
        event_exchange=f"{queues.prefix}provisor.events",
        event_queue_prefix=f"{queues.prefix}provisor.events",
        task_acks_late=True,
        task_create_missing_queues=False,
        task_default_exchange="",  # else Celery makes an exchange named like the default queue, and binds every queue to it
        task_default_queue=queues.lane(Lane.GRANT).name,
        task_ignore_result=True,
        task_publish_retry_policy=RETRY_POLICY,
        task_queues=[queues.lane(lane) for lane in Lane],
        task_serializer="json",
        worker_consumer="worker.celery_consumer:LeanConsumer",
        worker_enable_remote_control=settings.worker.remote_control,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=1,
        worker_redirect_stdouts=False,
        worker_send_task_events=settings.worker.task_events,
    )
    for topic, handle in handlers.items():
        # Not shared: other applications of this process must not carry out our work.
        app.task(name=task_name(topic), shared=False)(_task(handle))
    return app


def broker_url(settings: Settings) -> str:
    """The broker's URL as kombu needs it.

    - Without a host kombu warns, at each connection, that it takes localhost; a queue in memory has no host.
    - ``rediss://`` without a word about certificates means no verification to kombu [5.7]; here it means the opposite.
    """
    url = settings.broker.url.get_secret_value()
    if url.rstrip("/") == "memory:":
        return _IN_MEMORY
    return ";".join(_verified(each) if each.startswith("rediss:") else each for each in url.split(";"))


def _verified(url: str) -> str:
    if "ssl_cert_reqs=" in url:
        return url
    return f"{url}{'&' if '?' in url else '?'}ssl_cert_reqs=required"


def _task(handle: Callable[[str], None]) -> Callable[[str], None]:
    def run(ref: str) -> None:
        handle(ref)

    return run


def _transport_options(url: str, settings: Settings) -> dict[str, object]:
    scheme = url.partition(":")[0]
    if scheme == "memory":
        # Polling costs a dictionary look-up, and makes most of the latency of the embedded default.
        return {"polling_interval": 0.02}
    if scheme.startswith("redis"):
        return {
            "visibility_timeout": settings.broker.visibility_timeout.total_seconds(),
            "socket_connect_timeout": ANSWERS_WITHIN_SECONDS / 2,
            "socket_keepalive": True,
            "socket_timeout": ANSWERS_WITHIN_SECONDS,
        }
    return {
        "confirm_publish": True,
        "frame_handler": lenient_frames,
        # Without both, a worker would wait for the answer of a silent broker without end.
        "read_timeout": ANSWERS_WITHIN_SECONDS,
        "write_timeout": ANSWERS_WITHIN_SECONDS,
    }
