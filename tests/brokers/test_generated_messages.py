"""No generated message stops intake, while faults come and go (E): each is a request or a dead letter, byte for byte.

Behind each batch stands a request to take access away that the simulated system holds.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from simulator.systems import act
from store.dead_letters import DeadLetter
from tests.brokers.conftest import MakeSite
from tests.brokers.passing_faults import AFTER_THE_START, SESSIONS_ENDED, ProcessFaults
from tests.brokers.proxy import Proxy
from tests.brokers.raw_messages import BOMB, NO_MOMENT, RawMessage, publish_raw, text_header, wanted
from tests.brokers.test_hostile_messages import envelope, letters, push
from tests.crash.process_stack import ProcessStack
from tests.larger import larger
from tests.machine import Amqp, Redis
from tests.proof import Case, Kept, Lost, Proof, Wrongful, promise

_NUMBERS = count(1)

_short = st.one_of(
    st.binary(max_size=40), st.sampled_from([b"application/json", b"utf-8", b"gzip", b"\xed\xa0\x80", b"\0"])
)
_values = st.one_of(
    st.binary(max_size=60).map(lambda value: text_header("", value)[1]),
    st.sampled_from([NO_MOMENT, b"V", b"t\x01", b"d\x7f\xe0" + bytes(6), b"D\xff\x7f\xff\xff\xff", b"F" + bytes(4)]),
)
_names = st.one_of(st.sampled_from([b"compression", b"task", b"\xff"]), st.binary(min_size=1, max_size=20))
_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=6), inner, max_size=3)),
    max_leaves=8,
)


def _cut(body: bytes, place: int) -> bytes:
    return body[: place % (len(body) + 1)]


_bodies = st.one_of(
    st.binary(max_size=300),
    _json.map(lambda value: json.dumps(value).encode()),
    st.integers(0, 400).map(lambda place: _cut(wanted("cut"), place)),
    st.sampled_from(
        [BOMB, gzip.compress(b"{}"), b"[" * 5000, b'{"a":' * 5000, b"9" * 5000, wanted("x", reason="a\0b")]
    ),
)
_raw_messages = st.builds(
    RawMessage,
    _bodies,
    content_type=st.none() | _short,
    content_encoding=st.none() | _short,
    headers=st.lists(st.tuples(_names, _values), max_size=3, unique_by=lambda pair: pair[0]).map(tuple),
    correlation_id=st.none() | _short,
    timestamp=st.none() | st.integers(0, 2**64 - 1),
    routing_key=_short,
)
_envelopes = st.builds(
    envelope,
    body=_json | st.binary(max_size=60).map(lambda body: base64.b64encode(body).decode()),
    headers=_json,
    properties=_json | st.fixed_dictionaries({"body_encoding": _json | st.just("base64"), "delivery_tag": _json}),
)
_entries = st.one_of(_bodies, _envelopes)

#: Most cases have none: each costs real time.
_faults = st.one_of(st.none(), st.none(), st.sampled_from(AFTER_THE_START))

MANY = larger(40, share=0.5)
CASES = pytest.mark.parametrize(
    ("url", "cases"),
    [
        ("sqlite_url", 12),
        pytest.param("sqlite_url", MANY, marks=pytest.mark.long),
        pytest.param("postgresql_url", MANY, marks=pytest.mark.long),
    ],
)


def generated(cases: int) -> settings:
    """Not shrunk: each example needs a process and a broker."""
    unchecked = list(HealthCheck)
    return settings(max_examples=cases, deadline=None, phases=[Phase.generate], suppress_health_check=unchecked)


class Batches:
    """A Provisor on a broker behind a proxy, and batches of messages for it."""

    def __init__(self, make_site: MakeSite, url: str, broker: Amqp | Redis, proxy: Proxy) -> None:
        self.stack: ProcessStack = make_site(url, broker, None, url=proxy.url)
        if self.stack.process.queues.amqp:
            self.stack.declare_queues()
        self.stack.up()
        self.stack.until(lambda: self.stack.worker.events()["provisor.up"], what="the start")
        self.faults = ProcessFaults(self.stack, proxy, url)
        self.proof = Proof(
            "E", on=self.stack.store.database.engine.dialect.name, faults={*AFTER_THE_START} - {SESSIONS_ENDED}
        )

    def try_one(
        self, bodies: list[bytes], fault: str | None, send: Callable[[bytes], None], kept: Callable[[DeadLetter], bytes]
    ) -> None:
        """A batch with a good message behind: that is carried out, and everything else is kept byte for byte."""
        with self.proof.case(bodies, fault) as case:
            before = len(letters(self.stack))
            email, group = self.stack.company.person(jira=False), self.stack.company.jumpcloud_group()
            act(self.stack.company.jumpcloud, "add_member", group=group, user=email)
            behind = f"good-{next(_NUMBERS)}"
            if fault is not None:
                self.faults.come(fault)
            send(
                wanted(behind, action="revoke", subject={"email": email}, entitlement=f"jumpcloud:group:{group}:member")
            )
            self.faults.go()
            case.faults.update(self.faults.fired)
            self.faults.fired.clear()
            self.check(case, behind, email, group)
            everything = [kept(each) for each in letters(self.stack)]
            found = Counter(everything[before:])
            promise(Wrongful, found.keys() <= {*bodies}, found, bodies)
            if fault is None:
                promise(Lost, found == Counter(bodies), found, bodies)
            else:  # What may have been delivered before, byte for byte, is kept once.
                promise(Lost, {*bodies} <= {*everything}, bodies, everything)

    def check(self, case: Case, behind: str, email: str, group: str) -> None:
        try:
            self.stack.ended(behind)
        except AssertionError as exc:
            case.removal(done=False)
            raise Lost(behind) from exc
        case.removal(done=True)
        promise(Kept, not self.stack.company.in_jumpcloud(email, group), behind)
        promise(Wrongful, self.stack.audited("request.received")[behind] == 1, behind)
        events = self.stack.worker.events()
        promise(Lost, events["provisor.up"] == 1 and not events["intake.error"] and not events["message.error"], events)


@pytest.fixture
def on_rabbitmq(make_site: MakeSite, rabbitmq: Amqp, proxy: Proxy, url: str, request: Any) -> Batches:
    return Batches(make_site, request.getfixturevalue(url), rabbitmq, proxy)


@pytest.fixture
def on_redis(make_site: MakeSite, redis: Redis, url: str, request: Any) -> Iterator[Batches]:
    proxy = Proxy(redis.url)
    yield Batches(make_site, request.getfixturevalue(url), redis, proxy)
    proxy.close()


@CASES
@pytest.mark.timeout(1800)
def test_no_generated_message_stops_rabbitmq(on_rabbitmq: Batches, rabbitmq: Amqp, url: str, cases: int) -> None:
    del url

    @generated(cases)
    @given(st.lists(_raw_messages, max_size=12), _faults)
    def holds(messages: list[RawMessage], fault: str | None) -> None:
        def send(behind: bytes) -> None:
            publish_raw(rabbitmq, [*messages, RawMessage(behind)])

        on_rabbitmq.try_one([each.body for each in messages], fault, send, lambda letter: letter.body)

    holds()


@CASES
@pytest.mark.timeout(1800)
def test_no_generated_entry_stops_redis(on_redis: Batches, redis: Redis, url: str, cases: int) -> None:
    del url

    @generated(cases)
    @given(st.lists(_entries, max_size=12), _faults)
    def holds(entries: list[bytes], fault: str | None) -> None:
        def send(behind: bytes) -> None:
            push(redis, *entries, behind)

        on_redis.try_one(entries, fault, send, lambda each: each.properties or each.body)

    holds()
