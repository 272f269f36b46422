"""A wake-up is owed in the very transaction that makes the work, or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.operations import Lane
from store.database import Database
from store.outbox import Topic, WakeUp
from store.unit_of_work import Store, Unavailable
from tests.store.records import NOW, add_request


class BoomError(Exception):
    pass


def test_what_is_rolled_back_owes_nothing(store: Store) -> None:
    with pytest.raises(BoomError), store.write() as work:  # noqa: PT012 - the one transaction is the rule
        add_request(work)
        work.audit.record("request.received", "request", "r1", now=NOW, request_id="r1")
        work.outbox.add([WakeUp(Topic.REQUEST, "r1", Lane.GRANT)], now=NOW)
        raise BoomError
    with store.read() as work:
        assert work.requests.get("r1") is None
        assert work.audit.of_request("r1") == []
        assert work.outbox.unsent(before=NOW, limit=10) == []


def test_what_is_owed_stays_until_the_broker_has_it(store: Store) -> None:
    with store.write() as work:
        wake_ups = work.outbox.add([WakeUp(Topic.REQUEST, f"r{number}", Lane.GRANT) for number in range(3)], now=NOW)
    with store.read() as work:
        assert work.outbox.unsent(before=NOW, limit=10) == wake_ups
        assert work.outbox.unsent(before=NOW - timedelta(seconds=1), limit=10) == []
        assert work.outbox.unsent(before=NOW, limit=2) == wake_ups[:2]
    with store.write() as work:
        work.outbox.forget([wake_ups[0].id or 0, wake_ups[2].id or 0])
    with store.read() as work:
        assert work.outbox.unsent(before=NOW, limit=10) == [wake_ups[1]]


def test_a_read_keeps_nothing(store: Store) -> None:
    with store.read() as work:
        work.inbox.remove(1)
        work.requests.wake_planned(now=NOW)
    with store.read() as work:
        assert work.inbox.waiting(1) == []


def test_a_database_that_is_away_is_unavailable_and_says_nothing_of_what_was_to_be_written() -> None:
    store = Store(Database("postgresql+psycopg://nobody:hush-hush@127.0.0.1:1/nowhere", pool_size=1))
    with pytest.raises(Unavailable) as caught, store.read() as work:
        work.requests.get("r1")
    assert "hush-hush" not in str(caught.value)
    store.database.close()
