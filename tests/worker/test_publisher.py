"""Wake-ups go out by Celery's own sender, on the queue of their lane."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from celery import Celery
from celery.signals import before_task_publish

from access.operations import Lane
from config.settings import Settings
from store.outbox import Topic, WakeUp
from worker.celery_app import make_app
from worker.publisher import CeleryPublisher
from worker.queues import queues_from


def publisher_for(broker_url: str) -> tuple[Celery, CeleryPublisher]:
    settings = Settings.model_validate({"broker": {"url": broker_url, "prefix": "eu."}})
    app, publisher = make_app(settings, {}), CeleryPublisher(queues_from(settings))
    publisher.attach(app)
    return app, publisher


@pytest.fixture
def published() -> Iterator[list[dict[str, Any]]]:
    """What Celery's signal tells its listeners, which trace messages from sender to worker."""
    seen: list[dict[str, Any]] = []

    def listen(**details: Any) -> None:
        seen.append(details)

    before_task_publish.connect(listen)
    yield seen
    before_task_publish.disconnect(listen)


def test_a_wake_up_carries_one_id_on_the_queue_of_its_lane(published: list[dict[str, Any]]) -> None:
    app, publisher = publisher_for("memory://")
    publisher.send([WakeUp(Topic.CLAIM, "cl1", Lane.REVOKE, id=7), WakeUp(Topic.SYNC, "run1", Lane.SYNC)])
    assert [(each["sender"], each["routing_key"], each["exchange"]) for each in published] == [
        ("provisor.claim", "eu.provisor.lane.revoke", ""),
        ("provisor.sync", "eu.provisor.lane.sync", ""),
    ]
    assert publisher.sent() == [7]
    assert publisher.sent() == []
    with app.connection() as connection:
        message = connection.SimpleQueue("eu.provisor.lane.revoke").get_nowait()
        assert message.payload[0] == ["cl1"]
        assert message.headers["task"] == "provisor.claim"


def test_a_broker_that_is_away_keeps_the_wake_ups_in_the_outbox() -> None:
    _, publisher = publisher_for("amqp://127.0.0.1:1//")
    publisher.send([WakeUp(Topic.CLAIM, "cl1", Lane.REVOKE, id=7)])
    assert publisher.sent() == []
