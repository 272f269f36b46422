"""What Provisor changes of Celery's worker, pinned to the version it was measured with.

When the first test fails, look again whether each change still earns its place:

- ``LeanConsumer`` leaves ``DelayedDelivery`` out: has Celery a setting against its queues by now?
- ``LeanConsumer.stop`` asks a silent broker once: does Celery leave one in bounded time by itself
  (``test_it_ends_and_starts_though_the_broker_says_nothing``)?
- ``PromptShutdown`` ends the wait for messages at a signal: does Celery end at once by itself
  (``test_an_idle_worker_ends_as_soon_as_it_is_told_to``)?
- ``WorkerThread`` sets ``celery.worker.state.should_stop``: does ``start_worker`` wait for threads at work by now?
- ``worker/amqp_frames.py`` reads frames in place of py-amqp, ``worker/redis_transport.py`` entries in place of kombu:
  does each live through every message of ``tests/brokers/test_hostile_messages.py`` by itself by now?
"""

from __future__ import annotations

import celery
from celery.utils.imports import symbol_by_name
from celery.worker import state
from celery.worker.consumer import Consumer

from config.settings import Settings
from worker.celery_app import make_app
from worker.celery_consumer import LeanConsumer


def test_celery_is_the_version_that_was_measured() -> None:
    assert celery.__version__.startswith("5.7."), "read this module's docstring"


def test_a_worker_takes_every_usual_step_but_making_queues_for_delayed_messages() -> None:
    app = make_app(Settings.model_validate({"broker": {"url": "amqp://localhost//"}}), {})
    assert symbol_by_name(app.conf.worker_consumer) is LeanConsumer
    usual, ours = Consumer.Blueprint.default_steps, LeanConsumer.Blueprint.default_steps
    assert [step for step in usual if step not in ours] == [
        "celery.worker.consumer.delayed_delivery:DelayedDelivery",
    ]
    assert [step for step in ours if step not in usual] == []


def test_celery_has_the_switch_that_ends_a_worker_in_a_thread() -> None:
    assert state.should_stop is None
