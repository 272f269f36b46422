"""The yardstick of the intake: a plain consumer that keeps each message in a table, a batch in a commit, and no promise beside.

It has the same queue, the same prefetch and the same engine; a message is JSON and has an id.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from time import monotonic
from typing import Any

from kombu import Connection, Message
from sqlalchemy import Column, MetaData, String, Table

from benchmarks.child import Commands, serve
from store.database import Database
from worker.queues import Queues

_METADATA = MetaData()
_ROWS = Table(
    "bare_messages", _METADATA, Column("id", String, primary_key=True), Column("body", String, nullable=False)
)
_TIMEOUT_SECONDS = 60


class BareIntake:
    """Takes ``number`` messages in, ``most`` at a time; the seconds from the first commit to the last."""

    def __init__(self, database: Database, queues: Queues, broker_url: str, *, most: int) -> None:
        self._database = database
        self._queues = queues
        self._broker_url = broker_url
        self._most = most
        self._arrived: deque[Message] = deque()

    def take(self, number: int) -> float:
        ended: list[float] = []
        with Connection(self._broker_url) as connection, connection.channel() as channel:
            consumer = channel.Consumer(
                [self._queues.intake], on_message=self._arrived.append, prefetch_count=self._most, no_ack=False
            )
            with consumer:
                while number > 0:
                    while len(self._arrived) < min(self._most, number):
                        connection.drain_events(timeout=_TIMEOUT_SECONDS)
                    batch = [self._arrived.popleft() for _ in range(min(self._most, number))]
                    self._store([str(message.body) for message in batch])
                    batch[-1].ack(multiple=True)
                    ended.append(monotonic())
                    number -= len(batch)
        return ended[-1] - ended[0]

    def _store(self, bodies: Sequence[str]) -> None:
        rows = [{"id": json.loads(body)["id"], "body": body} for body in bodies]
        with self._database.write() as connection:
            connection.execute(_ROWS.insert(), rows)


def _start(setup: dict[str, Any]) -> Commands:
    database = Database(setup["store_url"])
    _METADATA.create_all(database.engine)
    intake = BareIntake(database, Queues(setup["prefix"], amqp=True), setup["broker_url"], most=setup["most"])
    return {"take": lambda asked: intake.take(asked["messages"])}


if __name__ == "__main__":
    serve(_start)
