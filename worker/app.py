"""The Celery application: messages carry one id, nothing waits in the broker, nothing is believed because it was sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import structlog
from celery import Celery

from access.operations import Lane
from store.outbox import Topic
from worker.queues import Queues

_log = structlog.get_logger(__name__)

_IN_MEMORY = "memory://localhost//"

#: How long a broker may take to answer what it has to answer; then its connection counts as lost.
ANSWERS_WITHIN_SECONDS = 8

#: What a worker does about a wake-up for each topic, given the id of the row.
Handlers = Mapping[Topic, Callable[[str], None]]


#: A message that the broker did not take is sent once more: RabbitMQ says no to it while a queue's leader is being chosen.
#: Only what is sent with a policy raises ``OperationalError`` when it is refused for good; else it is the driver's own word.
RETRY_POLICY = {"max_retries": 1, "interval_start": 0.3}


def task_name(topic: Topic) -> str:
    """The name of the task that wakes up for a topic."""
    return f"provisor.{topic}"


def make_app(broker_url: str, queues: Queues, handlers: Handlers, *, visibility_timeout: timedelta) -> Celery:
    """A Celery application with one task for each topic.

    Acknowledged late: a wake-up that a killed worker had comes back at once, and the sweep would find its row anyway.
    """
    # Without a host kombu warns, at each connection, that it takes localhost: which a queue in memory never looks at.
    broker_url = _IN_MEMORY if broker_url.rstrip("/") == "memory:" else broker_url
    app = Celery("provisor", broker=broker_url, set_as_current=False)
    lanes = [queues.lane(lane) for lane in Lane]
    app.conf.update(
        accept_content=["json"],
        broker_connection_retry_on_startup=True,
        broker_transport_options=_transport_options(broker_url, visibility_timeout),
        task_acks_late=True,
        task_create_missing_queues=False,
        task_default_queue=lanes[1].name,
        task_ignore_result=True,
        task_queues=lanes,
        task_serializer="json",
        worker_consumer="worker.consumer:LeanConsumer",
        worker_enable_remote_control=False,
        worker_hijack_root_logger=False,
        worker_prefetch_multiplier=2,
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
    )
    for topic, handle in handlers.items():
        # Not shared: else every other application of this process would be given it, and carry out our work with it.
        app.task(name=task_name(topic), shared=False)(_handler(topic, handle))
    return app


def _handler(topic: Topic, handle: Callable[[str], None]) -> Callable[[str], None]:
    def run(ref: str) -> None:
        with structlog.contextvars.bound_contextvars(topic=str(topic), ref=ref):
            handle(ref)

    return run


def _transport_options(broker_url: str, visibility_timeout: timedelta) -> dict[str, object]:
    scheme = broker_url.partition(":")[0]
    if scheme == "memory":
        # Polling costs a dictionary look-up; this is most of the latency of the embedded default.
        return {"polling_interval": 0.01}
    if scheme.startswith("redis"):
        return {"visibility_timeout": visibility_timeout.total_seconds()}
    return {
        "confirm_publish": True,
        # Without these a worker whose broker falls silent waits for the answer to its last word, and never ends.
        "read_timeout": ANSWERS_WITHIN_SECONDS,
        "write_timeout": ANSWERS_WITHIN_SECONDS,
    }
