"""What arrives on the queue: stored before it is acknowledged, and refused where everybody can see it."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import amqp
import pytest
from amqp.exceptions import MessageNacked, PreconditionFailed
from kombu import Connection, Queue
from kombu.exceptions import OperationalError
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from access import actors
from access.sources import UNKNOWN
from store.dead_letters import DeadLetter
from tasks.message_parsing import EVENT_TYPE, MAX_BODY
from tests.crash.process_stack import ProcessStack
from tests.machine import Amqp, Seen
from worker.intake_consumer import publish
from worker.queues import INTAKE, RETURNED, Queues


def wanted(stack: ProcessStack, **more: Any) -> dict[str, Any]:
    entitlement = f"jumpcloud:group:{stack.company.jumpcloud_group()}:member"
    return {
        "id": "r1",
        "action": "grant",
        "subject": {"email": stack.company.person()},
        "entitlement": entitlement,
    } | more


def dead(stack: ProcessStack, number: int = 1) -> list[DeadLetter]:
    """The dead letters, oldest first, once there are so many."""

    def there() -> list[DeadLetter] | None:
        with stack.store.read() as work:
            letters = [work.dead_letters.get(each.id) for each in work.dead_letters.recent(over=True)]
        return [each for each in letters[::-1] if each is not None] if len(letters) >= number else None

    return stack.until(there, what=f"{number} dead letters")


def copies(stack: ProcessStack, rabbitmq: Amqp, number: int = 1) -> list[Seen]:
    """What lies in the dead queue, once there is so much."""
    seen: list[Seen] = []

    def there() -> bool:
        seen.extend(rabbitmq.waiting())
        return len(seen) >= number

    stack.until(there, what=f"{number} messages in the dead queue")
    return seen


def test_a_message_is_acknowledged_only_once_it_is_stored(
    stack: ProcessStack, postgresql_url: str, rabbitmq: Amqp
) -> None:
    """The worker dies while the store keeps it waiting: the broker has the message again, and it is stored once."""
    rabbitmq.publish(json.dumps(wanted(stack, id="r0")))
    stack.ended("r0")  # the worker is reading
    request = wanted(stack)
    engine = create_engine(make_url(postgresql_url))
    with engine.connect() as connection:
        connection.execute(text("LOCK TABLE requests IN EXCLUSIVE MODE"))
        rabbitmq.publish(json.dumps(request))
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'requests'::regclass"
        stack.until(lambda: rabbitmq.depth() == 0, what="the message being taken")
        stack.until(lambda: connection.execute(text(waiting)).scalar(), what="a write that waits")
        stack.worker.kill()
        connection.rollback()
    engine.dispose()
    stack.until(lambda: rabbitmq.depth() == 1, what="the message being back")
    assert stack.request("r1") is None
    stack.up()
    stack.ended("r1")
    assert stack.audited("request.received") == {"r0": 1, "r1": 1}


def test_a_message_that_was_stored_and_not_acknowledged_is_known_when_it_comes_again(
    stack: ProcessStack, rabbitmq: Amqp
) -> None:
    request = wanted(stack)
    rabbitmq.publish(json.dumps(request), json.dumps(request))
    stack.ended("r1")
    rabbitmq.publish(json.dumps(dict(reversed(request.items())), indent=1))
    stack.until(lambda: stack.worker.events()["request.repeated"] == 2, what="two repetitions")
    assert stack.worker.events()["request.received"] == 1
    assert stack.audited("request.received") == {"r1": 1}
    with stack.store.read() as work:
        assert work.dead_letters.recent() == []


REFUSED: dict[str, tuple[str | bytes, str | None, str]] = {
    "not JSON": ("{oh", "application/json", "JSON"),
    "not text": (b"\xff\xfe\x00", "application/json", "UTF"),
    "a list": ("[]", "application/json", "not a JSON object"),
    "no request": ('{"id": "x"}', "application/json", "required"),
    "too long": ('"' + "x" * MAX_BODY + '"', "application/json", "at most"),
    "another content type": ("{}", "application/x-python-serialize", "content type"),
    "a batch": ("[]", "application/cloudevents-batch+json", "batch"),
}


def test_what_is_refused_lies_in_the_dead_queue_with_the_reason_and_among_the_dead_letters(
    stack: ProcessStack, rabbitmq: Amqp
) -> None:
    for body, content_type, _ in REFUSED.values():
        rabbitmq.publish(body, content_type=content_type)
    letters, seen = dead(stack, len(REFUSED)), copies(stack, rabbitmq, len(REFUSED))
    assert len(letters) == len(seen) == len(REFUSED)
    copy_of = {each.headers["x-provisor-dead-letter"]: each for each in seen}
    for letter, (body, content_type, said) in zip(letters, REFUSED.values(), strict=True):
        assert said in (letter.reason or "")
        assert letter.body == (body.encode() if isinstance(body, str) else body)
        assert copy_of[letter.id].body == letter.body
        assert copy_of[letter.id].headers["x-provisor-reason"] == letter.reason
        assert copy_of[letter.id].content_type == content_type
    request = wanted(stack)
    rabbitmq.publish(json.dumps(request))
    stack.ended("r1")


def test_another_request_under_the_same_id_is_refused_and_the_first_stays(stack: ProcessStack, rabbitmq: Amqp) -> None:
    request = wanted(stack)
    rabbitmq.publish(json.dumps(request), json.dumps(request | {"reason": "another"}))
    [letter], [seen] = dead(stack), copies(stack, rabbitmq)
    assert "A different request with the id 'r1'" in (letter.reason or "")
    assert seen.headers["x-provisor-reason"] == letter.reason
    assert not stack.ended("r1").message.reason


def test_a_dead_letter_sent_again_is_judged_anew(stack: ProcessStack, rabbitmq: Amqp) -> None:
    rabbitmq.publish('{"id": "x"}')
    [letter] = dead(stack)
    assert stack.process.provisor.intake.resend(letter.id, by="grace")
    first, again = dead(stack, 2)
    assert first.resent_at is not None
    assert again.body == first.body
    assert again.source == first.source
    assert not stack.process.provisor.intake.resend(letter.id, by="grace")


@pytest.mark.parametrize("content_type", [None, "application/json; charset=utf-8", "text/plain"])
def test_what_producers_call_json_is_read(stack: ProcessStack, rabbitmq: Amqp, content_type: str | None) -> None:
    rabbitmq.publish(json.dumps(wanted(stack)), content_type=content_type)
    stack.ended("r1")


def test_an_event_of_cloudevents_is_read(stack: ProcessStack, rabbitmq: Amqp) -> None:
    event = {"specversion": "1.0", "id": "e1", "source": "/hr", "type": EVENT_TYPE, "data": wanted(stack)}
    rabbitmq.publish(json.dumps(event), content_type="application/cloudevents+json")
    stack.ended("r1")


def test_what_was_returned_is_tried_once_more_and_buried_only_for_what_it_is(
    stack: ProcessStack, rabbitmq: Amqp
) -> None:
    rabbitmq.publish('{"id": "broken"}', json.dumps(wanted(stack)), queue=RETURNED)
    stack.ended("r1")
    [letter], [seen] = dead(stack), copies(stack, rabbitmq)
    assert (letter.source, letter.body) == (UNKNOWN, b'{"id": "broken"}')
    assert "required" in str(seen.headers["x-provisor-reason"])


def test_the_source_of_a_request_is_what_the_broker_shows_and_not_what_the_message_says(
    stack: ProcessStack, rabbitmq: Amqp
) -> None:
    said = {"requested_by": "rabbitmq:root"}
    rabbitmq.publish(json.dumps(wanted(stack, id="straight-to-the-queue", **said)))
    with Connection(rabbitmq.url) as connection:
        user = connection.userid
        assert user
        publish(
            connection, Queues(prefix=rabbitmq.prefix, amqp=True), [json.dumps(wanted(stack, id="as-user")).encode()]
        )
        channel: Any = connection.default_channel
        own, intake = rabbitmq.prefix + "hr", rabbitmq.prefix + INTAKE
        channel.exchange_declare(own, "fanout", durable=False, auto_delete=True)
        channel.queue_bind(intake, own, "")
        with connection.Producer(serializer=None) as producer:
            producer.publish(json.dumps(wanted(stack, id="own-exchange")).encode(), exchange=own, routing_key="")
    sources = {each: stack.ended(each).source for each in ("straight-to-the-queue", "as-user", "own-exchange")}
    assert sources == {
        "straight-to-the-queue": UNKNOWN,
        "as-user": f"rabbitmq:{user}",
        "own-exchange": f"exchange:{own}",
    }
    with stack.store.read() as work:
        received = work.audit.of_request("straight-to-the-queue")[0]
    assert (received.actor, received.detail["requested_by"]) == (actors.producer(UNKNOWN), "rabbitmq:root")


def test_rabbitmq_lets_nobody_name_another_user(rabbitmq: Amqp) -> None:
    """The source of a request rests on this: a broker that stops checking makes it worth nothing."""
    with closing(rabbitmq.connect()) as connection:
        message = amqp.Message(b"{}", user_id="somebody-else")
        with pytest.raises(PreconditionFailed):
            connection.channel().basic_publish_confirm(message, exchange="", routing_key=rabbitmq.prefix + INTAKE)


@dataclass(frozen=True)
class Full(Queues):
    """An intake queue that has room for one message, and says no to others."""

    @property
    def intake(self) -> Queue:
        limits = {"x-max-length": 1, "x-overflow": "reject-publish"}
        return Queue(self.prefix + INTAKE, self.intake_exchange, queue_arguments=limits)


def test_what_rabbitmq_says_no_to_fails_like_a_broker_that_is_away(rabbitmq: Amqp) -> None:
    with Connection(rabbitmq.url, transport_options={"confirm_publish": True}) as connection:
        publish(connection, Full(prefix=rabbitmq.prefix), [b"1"])
        with pytest.raises(OperationalError) as refused:
            publish(connection, Full(prefix=rabbitmq.prefix), [b"2"])
        assert isinstance(refused.value.__cause__, MessageNacked)
    assert rabbitmq.depth() == 1
