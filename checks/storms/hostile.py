"""Messages of any bytes and any properties among requests: each is kept byte for byte, and holds nothing up."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

from sqlalchemy import func, select

from checks.storms.site import Site
from store.tables import dead_letters
from tests.brokers.raw_messages import BOMB, PROPERTIES, RawMessage, publish_raw, wanted

_NAME = "hostile message"
#: Messages that are published at a time, between requests.
_AT_ONCE = 200


def hostile(site: Site) -> None:
    """As many hostile messages as the storm has times, among its requests."""
    assert site.rabbitmq is not None
    site.wanted[_NAME] = site.sizes.times
    messages = [_message(site.rng, number) for number in range(site.sizes.times)]
    site.up()
    parts = -(-len(messages) // _AT_ONCE)
    for number, part in enumerate(site.workload.slices(parts)):
        sent = messages[number * _AT_ONCE : (number + 1) * _AT_ONCE]
        publish_raw(site.rabbitmq, sent)
        site.fired[_NAME] += len(sent)
        site.ask(part)
    site.wait(lambda: _kept(site) >= len(messages))
    with site.stack.store.database.read() as connection:
        kept = Counter(bytes(body) for (body,) in connection.execute(select(dead_letters.c.body)))
    missing = Counter(each.body for each in messages) - kept
    site.also_lost += [f"{times} times {body[:60]!r} is in no dead letter" for body, times in missing.items()]


def _kept(site: Site) -> int:
    with site.stack.store.database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(dead_letters)).scalar_one())


def _message(rng: Random, number: int) -> RawMessage:
    """A message that is no request, whatever its properties say."""
    whole = wanted(f"hostile-{number}")
    bodies = (
        rng.randbytes(rng.randrange(300)),
        whole[: rng.randrange(len(whole))],
        BOMB,
        b"[" * rng.randrange(1, 5_000),
        b'{"a":' * rng.randrange(1, 5_000),
        wanted("x", reason="a\0b"),
        json.dumps({"id": f"hostile-{number}", "action": rng.choice(["grant", "", None, []])}).encode(),
    )
    return RawMessage(rng.choice(bodies), **rng.choice([{}, *PROPERTIES.values()]))
