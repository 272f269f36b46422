"""Intake: a message ends as a request or among the dead letters, and never stands in the way of the next."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from random import Random

import pytest

from access.lifecycle import RequestState
from store.database import Database
from store.unit_of_work import Store, Unavailable
from tasks.incoming_message import WHOLE_BYTES, Arrival, Body
from tasks.intake import Accepted, Intake, Rejected, Repeated
from tests.fakes.local_stack import ADA, GROUP, LocalStack
from tests.together import together


@pytest.fixture(params=["sqlite", "postgresql"])
def taking(request: pytest.FixtureRequest) -> Iterator[LocalStack]:
    database = Database(request.getfixturevalue(f"{request.param}_url"), pool_size=8)
    yield LocalStack.over(Store(database))
    database.close()


def body(request_id: str = "r1", **changes: object) -> bytes:
    plain = {"id": request_id, "action": "grant", "subject": {"id": ADA}, "entitlement": GROUP}
    return json.dumps(plain | changes).encode()


def take(stack: LocalStack, message: bytes) -> object:
    return stack.intake.take(message, content_type="application/json", source="test")


def test_the_same_again_is_answered_and_another_of_its_id_is_a_conflict(taking: LocalStack) -> None:
    assert isinstance(take(taking, body()), Accepted)
    assert isinstance(take(taking, body()), Repeated)
    refused = take(taking, body(reason="another one"))
    assert isinstance(refused, Rejected)
    assert "A different request" in refused.reason


def rare(seed: int, most: int) -> str:
    """So many bytes of letters that nothing shortens: PostgreSQL packs what repeats before it makes a key of it."""
    return "".join(map(chr, Random(seed).choices(range(0x20000, 0x2A6D0), k=most // 4)))  # noqa: S311 - no secret


ADDRESS, NAME = 254 - len("@b.example"), 1000 - len("jumpcloud:application::assigned")


@pytest.mark.parametrize("longer", [0, 4])
@pytest.mark.parametrize("action", ["grant", "extend", "revoke"])
def test_the_longest_request_is_a_key_that_the_database_takes_and_a_longer_one_stops_nobody(
    taking: LocalStack, action: str, longer: int
) -> None:
    """PostgreSQL says of a key over 2704 bytes that a limit of the program is exceeded, and not that the value is refused."""
    message = {
        "action": action,
        "subject": {"email": f"{rare(1, ADDRESS + longer)}@b.example", "username": rare(2, 2000)},
        "entitlement": f"jumpcloud:application:{rare(3, NAME + longer)}:assigned",
        "requested_by": rare(4, 2000),
    } | ({"duration": "PT1H"} if action == "extend" else {})
    taken = take_together(taking, body("r1", **message), body("r2"))
    assert [type(one) for one in taken] == [Rejected if longer else Accepted, Accepted]
    taking.run(timedelta(minutes=1))
    assert taking.request("r2").state is RequestState.DONE
    if not longer:
        assert taking.request("r1").state in (RequestState.REFUSED, RequestState.BLOCKED)


def take_together(stack: LocalStack, *messages: bytes) -> list[object]:
    return list(
        stack.intake.take_all(
            [Arrival(Body.of(message), "test", content_type="application/json") for message in messages]
        )
    )


def test_of_messages_taken_in_together_each_comes_to_its_own_end(taking: LocalStack) -> None:
    take(taking, body("r0"))
    taken = take_together(
        taking, body("r0"), body("r1"), b"not json", body("r2"), body("r1"), body("r2", reason="another one")
    )
    assert [type(one) for one in taken] == [Repeated, Accepted, Rejected, Accepted, Repeated, Rejected]
    with taking.store.read() as work:
        assert work.requests.counts() == {"received": 3}
        assert len(work.dead_letters.recent()) == 2
        assert [row.event for row in work.audit.of_request("r1")] == ["request.received"]
    assert sorted(wake_up.ref for wake_up in taking.publisher.wake_ups) == ["r0", "r1", "r2"]


def test_messages_taken_in_together_came_in_one_after_the_other(taking: LocalStack) -> None:
    """A request to take access away ends what came before it, and nothing that came after, whatever a clock says."""
    names = [f"r{number}" for number in range(5)]
    take_together(taking, *(body(name) for name in names))
    with taking.store.read() as work:
        sequences = work.requests.sequences(names)
    assert [sequences[name] for name in names] == [1, 2, 3, 4, 5]


def test_of_many_that_come_at_once_a_few_are_woken_removals_first_and_all_are_due(taking: LocalStack) -> None:
    names = [f"r{number}" for number in range(20)]
    take_together(taking, *(body(name) for name in names), body("last", action="revoke"))
    woken = [wake_up.ref for wake_up in taking.publisher.wake_ups]
    assert woken[0] == "last"
    assert 1 < len(woken) < 10
    marked = {wake_up.ref for wake_up in taking.sweep()}
    assert marked | {*woken} == {*names, "last"}


def test_one_message_that_cannot_be_stored_does_not_spoil_those_taken_in_with_it(taking: LocalStack) -> None:
    taken = take_together(taking, body("r1"), body("r2", reason="a\0b"), body("r3"))
    assert [type(taken[0]), type(taken[2])] == [Accepted, Accepted]
    with taking.store.read() as work:
        counts = work.requests.counts()["received"]
        assert counts + len(work.dead_letters.recent()) == 3


def test_of_the_same_message_at_many_workers_one_becomes_the_request(taking: LocalStack) -> None:
    taken = together([lambda: take(taking, body())] * 6)
    assert sum(isinstance(each, Accepted) for each in taken) == 1
    assert sum(isinstance(each, Repeated) for each in taken) == 5


@pytest.mark.parametrize("character", ["\0", "\ud800", "\U0001f600", "\u2028"])
def test_no_character_stops_the_intake(taking: LocalStack, character: str) -> None:
    assert isinstance(take(taking, body(reason=f"a{character}b")), (Accepted, Rejected))
    assert isinstance(take(taking, body("r2")), Accepted)


def test_a_letter_that_is_no_request_does_not_keep_the_others_waiting(taking: LocalStack) -> None:
    now = taking.clock.now()
    with taking.store.write() as work:
        work.inbox.add(body("r1"), content_type=None, source="first", now=now)
        work.inbox.add(b"not json", content_type=None, source="second", now=now)
        work.inbox.add(body("r3"), content_type=None, source="third", now=now)
    assert taking.intake.drain_inbox(10) == 3
    assert taking.intake.drain_inbox(10) == 0
    with taking.store.read() as work:
        assert work.requests.counts() == {"received": 2}
        [letter] = [work.dead_letters.get(each.id) for each in work.dead_letters.recent()]
    assert letter is not None
    assert letter.body == b"not json"


def test_a_dead_letter_is_sent_again_once(taking: LocalStack) -> None:
    rejected = take(taking, b"not json")
    assert isinstance(rejected, Rejected)
    assert taking.intake.resend(rejected.number, by="grace") is True
    assert taking.intake.resend(rejected.number, by="grace") is False
    assert taking.intake.drain_inbox(10) == 1


def test_a_dead_letter_is_put_away_once_with_the_reason(taking: LocalStack) -> None:
    rejected = take(taking, b"not json")
    assert isinstance(rejected, Rejected)
    assert taking.intake.acknowledge(rejected.number, why="the sender is mended", by="grace") is True
    assert taking.intake.acknowledge(rejected.number, why="once more", by="grace") is False
    assert taking.intake.acknowledge(rejected.number + 1, why="there is none", by="grace") is False
    with taking.store.read() as work:
        assert work.dead_letters.recent() == []
        [letter] = work.dead_letters.recent(over=True)
        [told] = [row for _, row in work.audit.after(0, limit=10) if row.event == "dead_letter.acknowledged"]
    assert letter.acknowledged_why == told.detail["reason"] == "the sender is mended"
    assert (told.entity, told.entity_id, told.actor) == ("dead_letter", str(rejected.number), "operator:grace")


def test_dead_letters_are_forgotten_when_they_have_been_kept_long_enough(taking: LocalStack) -> None:
    take(taking, b"old")
    taking.clock.advance(timedelta(days=2))
    take(taking, b"new")
    assert taking.intake.forget_dead_letters(older_than=timedelta(days=1)) == 1
    assert taking.intake.forget_dead_letters(older_than=timedelta(days=1)) == 0
    with taking.store.read() as work:
        [left] = work.dead_letters.recent(over=True)
        [told] = [row for _, row in work.audit.after(0, limit=10) if row.event == "dead_letter.forgotten"]
    assert left.sha256 == sha256(b"new").hexdigest()
    assert told.detail == {"sha256": sha256(b"old").hexdigest()}
    assert (told.entity, told.entity_id) == ("dead_letter", str(left.id - 1))


def test_what_the_broker_delivers_again_is_one_dead_letter_and_what_is_sent_again_is_another(
    taking: LocalStack,
) -> None:
    first = Arrival(Body.of(b"[]"), "queue")
    [one] = taking.intake.take_all([first])
    [again] = taking.intake.take_all([replace(first, again=True)])
    [another] = taking.intake.take_all([first])
    assert one == again != another


def test_a_rehearsal_leaves_nothing_behind(taking: LocalStack) -> None:
    taking.intake.rehearse()
    with taking.store.read() as work:
        assert work.requests.counts() == {}
        assert work.dead_letters.recent() == []
        assert work.audit.after(0, limit=10) == []


def test_long_bodies_in_the_inbox_are_taken_in_a_few_at_a_time(taking: LocalStack) -> None:
    long = b"x" * (3 * WHOLE_BYTES)
    with taking.store.write() as work:
        for _ in range(6):
            work.inbox.add(long, content_type=None, source="test", now=taking.clock.now())
    taken = []
    while number := taking.intake.drain_inbox(10):
        taken.append(number)
    assert sum(taken) == 6
    assert max(taken) < 6
    with taking.store.read() as work:
        letters = work.dead_letters.recent()
    assert {(letter.length, letter.sha256) for letter in letters} == {(len(long), sha256(long).hexdigest())}


def test_one_holder_has_the_lease_and_only_while_it_has_it_may_it_store(taking: LocalStack) -> None:
    other = Intake(taking.store, taking.clock, taking.publisher)
    assert taking.intake.take_lease()
    assert not other.take_lease()
    with pytest.raises(Unavailable):
        other.take_all([Arrival(Body.of(body()), "queue")], leased=True)
    taking.clock.advance(timedelta(minutes=1))
    assert other.take_lease()
    with pytest.raises(Unavailable):
        taking.intake.take_all([Arrival(Body.of(body()), "queue")], leased=True)
    other.give_lease_back()
    assert taking.intake.take_lease()
