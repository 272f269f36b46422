"""No bytes in any body, header, property or list entry end a process, block what stands behind them, or vanish."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as Client

from access.clock import SystemClock
from store.dead_letters import DeadLetter
from tasks.incoming_message import BEGINNING_BYTES, WHOLE_BYTES
from tests.brokers.conftest import MakeSite
from tests.brokers.raw_messages import BOMB, PROPERTIES, RawMessage, publish_raw, text_header, wanted
from tests.crash.process_stack import ProcessStack
from tests.machine import LANES, SILENCE_SECONDS, Amqp, Redis
from tests.patience import until
from worker.amqp_intake import DIED_ON_IT
from worker.queues import INTAKE, OLD_INTAKE, OLD_LANES, OLD_RETURNED, RETURNED, Queues
from worker.redis_intake import RedisSource

_NUMBERS = count(1)


def new_id() -> str:
    return f"good-{next(_NUMBERS)}"


def letters(stack: ProcessStack) -> list[DeadLetter]:
    """All dead letters, oldest first."""
    with stack.store.read() as work:
        found = [work.dead_letters.get(each.id) for each in work.dead_letters.recent(over=True, limit=None)]
    return [each for each in reversed(found) if each is not None]


def taken_in(stack: ProcessStack, request_id: str) -> None:
    stack.until(lambda: stack.request(request_id) is not None, what=f"{request_id} in the store")


def lives(stack: ProcessStack) -> None:
    """The one process that was started takes messages still, and no message surprised it."""
    events = stack.worker.events()
    assert events["provisor.up"] == 1
    assert not events["intake.error"]
    assert not events["intake.broker_unreachable"]
    assert not events["message.error"]


@pytest.fixture
def on_rabbitmq(make_site: MakeSite, sqlite_url: str, rabbitmq: Amqp) -> ProcessStack:
    return started(make_site(sqlite_url, rabbitmq, None))


@pytest.fixture
def on_redis(make_site: MakeSite, sqlite_url: str, redis: Redis) -> ProcessStack:
    return started(make_site(sqlite_url, redis, None))


def started(stack: ProcessStack) -> ProcessStack:
    if stack.process.queues.amqp:
        stack.declare_queues()
    worker = stack.up()
    stack.until(lambda: worker.events()["provisor.up"], what="the start")
    return stack


def test_properties_are_never_acted_on(on_rabbitmq: ProcessStack, rabbitmq: Amqp) -> None:
    """E1, E2: each stands on a message that is none, and on a request; what was sent is kept with its properties."""
    for properties in PROPERTIES.values():
        broken, good, behind = RawMessage(b"{oh", **properties), RawMessage(wanted(new_id()), **properties), new_id()
        before = len(letters(on_rabbitmq))
        publish_raw(rabbitmq, [broken, good, RawMessage(wanted(behind))])
        taken_in(on_rabbitmq, behind)
        kept = letters(on_rabbitmq)[before:]
        assert kept[0].body == broken.body
        assert kept[0].properties == broken.properties()
        good_id = json.loads(good.body)["id"]
        assert (on_rabbitmq.request(good_id) is not None) != (good.body in [each.body for each in kept])
    lives(on_rabbitmq)


def test_a_small_body_that_would_unpack_to_much_is_kept_as_it_is(on_rabbitmq: ProcessStack, rabbitmq: Amqp) -> None:
    """E1."""
    behind = new_id()
    bombs = [
        RawMessage(BOMB, headers=(text_header("compression", name),))
        for name in (b"bzip2", b"application/x-bz2", b"gzip", b"nothing")
    ]
    publish_raw(rabbitmq, [*bombs, RawMessage(wanted(behind))])
    taken_in(on_rabbitmq, behind)
    assert [each.body for each in letters(on_rabbitmq)] == [BOMB] * len(bombs)
    lives(on_rabbitmq)


def envelope(**changes: Any) -> bytes:
    plain: dict[str, Any] = {
        "body": base64.b64encode(wanted("in-an-envelope")).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {},
        "properties": {"body_encoding": "base64", "delivery_tag": "1"},
    }
    return json.dumps(plain | changes).encode()


#: Entries, and what the reason of the dead letter says; None for a request.
ENTRIES: dict[bytes, str | None] = {
    wanted("plain"): None,
    envelope(): None,
    envelope(properties={}, body=wanted("as-it-stands").decode()): None,
    envelope(headers={"compression": "none"}, body=base64.b64encode(wanted("claims-compression")).decode()): None,
    b"{}": "required",
    b"not json": "not JSON",
    b"": "not JSON",
    b"[]": "not a JSON object",
    b"\xff\xfe": "not UTF-8",
    b'{"id": "\\ud800"}': "half a character",
    envelope(body="$$$"): "not base64",
    envelope(properties={"body_encoding": "rot13"}): "body_encoding",
    envelope(properties={"body_encoding": ["base64"]}): "body_encoding",
    envelope(properties=[]): "not an object",
    envelope(body=7): "not a text",
    envelope(**{"content-type": 7}): "content-type",
    envelope(**{"content-type": "x" * 4000}): "content type",
    envelope(headers={"compression": "bzip2"}, body=base64.b64encode(BOMB).decode()): "UTF-8",
    envelope(body=base64.b64encode(b"{oh").decode()): "not JSON",
}


def push(redis: Redis, *entries: bytes, name: str = INTAKE) -> None:
    with closing(Client.from_url(redis.url)) as client:
        client.lpush(redis.prefix + name, *entries)


def left(redis: Redis, name: str = INTAKE) -> int:
    with closing(Client.from_url(redis.url)) as client:
        return client.llen(redis.prefix + name)


def test_each_entry_of_a_list_is_a_request_or_a_dead_letter(on_redis: ProcessStack, redis: Redis) -> None:
    """E3."""
    push(redis, *ENTRIES, wanted("behind"))
    taken_in(on_redis, "behind")
    wrong = {entry: said for entry, said in ENTRIES.items() if said is not None}
    kept = letters(on_redis)
    assert len(kept) == len(wrong)
    for letter, (entry, said) in zip(kept, wrong.items(), strict=True):
        assert said in letter.reason
        assert entry in (letter.body, letter.properties)
    for request_id in ("plain", "in-an-envelope", "as-it-stands", "claims-compression"):
        assert on_redis.request(request_id) is not None
    on_redis.until(lambda: left(redis) == 0, what="an empty list")
    lives(on_redis)


GARBAGE = (b"[]", b"{}", b"not json", b"\xff\xfe", b'"x"', b"", BOMB)


def test_garbage_on_a_lane_is_dropped_and_workers_live_on_rabbitmq(on_rabbitmq: ProcessStack, rabbitmq: Amqp) -> None:
    """E4: wake-ups alone travel there, and the sweep finds what a lost one was for."""
    kinds = [{}, *PROPERTIES.values(), {"headers": (text_header("task", b"provisor.request"),)}]
    kinds += [{"content_type": b"application/json", "headers": (text_header("compression", b"bzip2"),)}]
    for lane in LANES:
        everything = [RawMessage(body, **kind) for body in GARBAGE for kind in kinds]
        publish_raw(rabbitmq, everything, queue=f"provisor.lane.{lane}")
    on_rabbitmq.until(lambda: rabbitmq.depth("provisor.lane.grant") == 0, what="an empty lane")
    publish_raw(rabbitmq, [RawMessage(wanted("r1"))])
    on_rabbitmq.ended("r1", state="refused")
    assert on_rabbitmq.worker.events()["wake_up.dropped"] > len(GARBAGE)
    lives(on_rabbitmq)


def test_garbage_on_a_lane_is_dropped_and_workers_live_on_redis(on_redis: ProcessStack, redis: Redis) -> None:
    """E4."""
    headers: list[Any] = [{}, {"task": "provisor.request"}, {"compression": "bzip2"}, [], None, 7]
    for lane in LANES:
        push(redis, *GARBAGE, *(envelope(headers=each) for each in headers), name=f"provisor.lane.{lane}")
    push(redis, wanted("r1"))
    on_redis.ended("r1", state="refused")
    on_redis.until(lambda: left(redis, "provisor.lane.grant") == 0, what="an empty lane")
    assert on_redis.worker.events()["wake_up.dropped"] > len(GARBAGE)
    lives(on_redis)


def test_a_good_message_that_came_with_bad_ones_is_taken_in(on_rabbitmq: ProcessStack, rabbitmq: Amqp) -> None:
    """E6: also where all of them were returned, and are tried once more."""
    for queue, bad in ((INTAKE, (b"[]", b"{}")), (RETURNED, (b"[1]", b'{"a": 1}'))):
        good = new_id()
        publish_raw(rabbitmq, [RawMessage(bad[0]), RawMessage(wanted(good)), RawMessage(bad[1])], queue=queue)
        taken_in(on_rabbitmq, good)
    on_rabbitmq.until(lambda: len(letters(on_rabbitmq)) == 4, what="the others")
    lives(on_rabbitmq)


def test_what_was_delivered_alone_in_vain_is_buried_unread(
    make_site: MakeSite, sqlite_url: str, rabbitmq: Amqp
) -> None:
    """As if processes died on it one after the other; RabbitMQ counts."""
    stack = make_site(sqlite_url, rabbitmq, None)
    stack.declare_queues()
    publish_raw(rabbitmq, [RawMessage(wanted("deadly"))], queue=RETURNED)
    with closing(rabbitmq.connect()) as connection:
        channel: Any = connection.channel()
        channel.basic_qos(0, 1, a_global=False)
        rejections: list[int] = []

        def reject(message: Any) -> None:
            if len(rejections) < 10:
                rejections.append(message.delivery_tag)
                channel.basic_reject(message.delivery_tag, requeue=True)

        channel.basic_consume(rabbitmq.prefix + RETURNED, callback=reject)
        while len(rejections) < 10:
            connection.drain_events(timeout=SILENCE_SECONDS)
    publish_raw(rabbitmq, [RawMessage(wanted("good"))], queue=RETURNED)
    started(stack)
    taken_in(stack, "good")
    [letter] = letters(stack)
    assert (letter.reason, letter.body) == (DIED_ON_IT, wanted("deadly"))


def memory(pid: int) -> int:
    """The most memory that a process had since ``forget_peak``, in bytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def forget_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")


LARGE = 16 * 1024 * 1024
MOST_ABOVE_REST = 64 * 1024 * 1024


@pytest.mark.parametrize("name", ["rabbitmq", "redis"])
def test_twelve_long_messages_are_kept_bounded_and_never_held(
    make_site: MakeSite, postgresql_url: str, request: pytest.FixtureRequest, name: str
) -> None:
    """E7: 16 MB each, and as many of just the length that is kept whole."""
    broker: Amqp | Redis = request.getfixturevalue(name)

    def send(*bodies: bytes) -> None:
        if isinstance(broker, Amqp):
            publish_raw(broker, [RawMessage(body) for body in bodies])
        else:
            push(broker, *bodies)

    stack = started(make_site(postgresql_url, broker, None))
    first, behind = new_id(), new_id()
    send(wanted(first))
    stack.ended(first, state="refused")
    forget_peak(stack.worker.pid)
    rest = memory(stack.worker.pid)
    large = b"x" * LARGE
    for _ in range(12):
        send(large)
    send(*[b"y" * WHOLE_BYTES] * 12)
    send(wanted(behind))
    taken_in(stack, behind)
    assert memory(stack.worker.pid) - rest < MOST_ABOVE_REST
    kept = letters(stack)
    assert [each.length for each in kept] == [LARGE] * 12 + [WHOLE_BYTES] * 12
    assert {each.sha256 for each in kept[:12]} == {sha256(large).hexdigest()}
    assert {len(each.body) for each in kept} == {BEGINNING_BYTES, WHOLE_BYTES}
    lives(stack)


def test_queues_of_the_version_before_are_drained(make_site: MakeSite, sqlite_url: str, rabbitmq: Amqp) -> None:
    with closing(rabbitmq.connect()) as connection:
        channel = connection.channel()
        for name in (OLD_INTAKE, OLD_RETURNED):
            channel.queue_declare(
                rabbitmq.prefix + name, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
            )
    rabbitmq.publish(wanted("r1"), b"{oh", queue=OLD_INTAKE)
    rabbitmq.publish(wanted("r2"), queue=OLD_RETURNED)
    stack = started(make_site(sqlite_url, rabbitmq, None))
    taken_in(stack, "r1")
    taken_in(stack, "r2")
    stack.until(lambda: letters(stack), what="the dead letter")
    lives(stack)


def test_lanes_of_the_version_before_are_drained_and_their_rows_found(
    make_site: MakeSite, sqlite_url: str, rabbitmq: Amqp
) -> None:
    """What lies there are wake-ups, and whatever else somebody sent there: nothing of it is read."""
    with closing(rabbitmq.connect()) as connection:
        for name in OLD_LANES:
            connection.channel().queue_declare(
                rabbitmq.prefix + name, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"}
            )
    stack = make_site(sqlite_url, rabbitmq, None)
    with stack.store.write() as work:
        work.inbox.add(wanted("r1"), content_type="application/json", source="test", now=SystemClock().now())
    for name in OLD_LANES:
        rabbitmq.publish(b'[["r1"], {}, {}]', b"{oh", BOMB, queue=name)
    started(stack)
    stack.until(lambda: not any(rabbitmq.depth(name) for name in OLD_LANES), what="empty lanes of the version before")
    stack.ended("r1", state="refused")
    assert letters(stack) == []
    lives(stack)


def test_a_list_of_the_version_before_is_drained(on_redis: ProcessStack, redis: Redis) -> None:
    push(redis, envelope(), b"[]", name=OLD_INTAKE)
    taken_in(on_redis, "in-an-envelope")
    on_redis.until(lambda: letters(on_redis), what="the dead letter")


class AlwaysOurs:
    """The lease of the intake, where no other process wants it."""

    def take_lease(self) -> bool:
        return True

    def give_lease_back(self) -> None:
        pass


def test_lists_of_the_lanes_of_the_version_before_are_dropped_once_nobody_reads_them(redis: Redis) -> None:
    *lanes, no_list = (redis.prefix + name for name in OLD_LANES)
    with closing(Client.from_url(redis.url)) as client:
        client.set(no_list, "somebody else's")
        client.lpush(lanes[0], b'[["r1"], {}, {}]', b"{oh", BOMB)
        client.lpush(lanes[1], *map(str, range(1009)))
        session = RedisSource(redis.url, Queues(redis.prefix), AlwaysOurs(), most=5, timeout=8).open()
        assert session is not None

        def empty() -> bool:
            client.lmove(lanes[1], lanes[1])  # It has a reader, and a writer.
            assert session.next_batch() is None
            return not client.exists(lanes[0])

        until(empty, "the wake-ups of the version before being dropped")
        assert client.llen(lanes[1]) == 1009
        assert client.exists(no_list)
        session.close()
