"""What stands at the name of the version before's list, on Redis: nobody needs it, so it stops nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis as Client

from tests.machine import Redis
from worker.queues import Queues
from worker.redis_intake import RedisSource

Put = Callable[[Any, str], object]

OTHER_THINGS: dict[str, Put] = {
    "text": lambda client, key: client.set(key, "x"),
    "set": lambda client, key: client.sadd(key, "x"),
    "stream": lambda client, key: client.xadd(key, {"x": "y"}),
}


class Alone:
    """The lease of a process that no other wants to follow."""

    def take_lease(self) -> bool:
        return True

    def give_lease_back(self) -> None: ...


@pytest.mark.parametrize("thing", OTHER_THINGS)
def test_a_key_of_that_name_that_is_no_list_stops_nobody(redis: Redis, thing: str) -> None:
    queues = Queues(prefix=redis.prefix)
    with Client.from_url(redis.url) as client:
        OTHER_THINGS[thing](client, queues.old[0])
        client.lpush(queues.intake.name, b"{}")
        session = RedisSource(redis.url, queues, Alone(), most=10, timeout=5).open()
        assert session is not None
        batch = session.next_batch()
        assert batch is not None
        assert [arrival.body.kept for arrival in batch.arrivals] == [b"{}"]
        session.acknowledge(batch)
        assert session.next_batch() is None
        session.close()
        client.delete(queues.old[0])
