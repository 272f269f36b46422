"""Celery's consumer as Provisor has it."""

from __future__ import annotations

from celery.utils.imports import symbol_by_name
from celery.worker.consumer import Consumer

from config.settings import Settings
from worker.app import make_app
from worker.consumer import LeanConsumer


def test_a_worker_takes_every_usual_step_but_making_queues_for_delayed_messages() -> None:
    app = make_app(Settings.model_validate({"broker": {"url": "amqp://localhost//"}}), {})
    assert symbol_by_name(app.conf.worker_consumer) is LeanConsumer
    usual, ours = Consumer.Blueprint.default_steps, LeanConsumer.Blueprint.default_steps
    assert [step for step in usual if step not in ours] == [
        "celery.worker.consumer.delayed_delivery:DelayedDelivery",
    ]
    assert [step for step in ours if step not in usual] == []
