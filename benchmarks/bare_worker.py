"""The yardstick: a plain Celery task that makes the calls and the commits of a grant, and keeps none of the promises.

The task runs under the same settings of Celery and the broker, in the same pool, and writes through the same engine.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial
from typing import Any

import requests
from celery import Celery, bootsteps
from celery.worker import WorkController
from requests.adapters import HTTPAdapter
from sqlalchemy import Column, Integer, MetaData, String, Table, func, select, update

from access.operations import Lane
from benchmarks.child import Commands, serve
from benchmarks.drivers import drive
from benchmarks.grants import Grant
from benchmarks.replay import ReplayedCall
from config.settings import Settings
from store.database import Database
from worker.celery_app import make_app
from worker.queues import Queues

_TASK = "bare.grant"
_TIMEOUTS = (3.0, 20.0)

_METADATA = MetaData()
_ROWS = Table(
    "bare_grants",
    _METADATA,
    Column("id", String, primary_key=True),
    Column("step", Integer, nullable=False),
    Column("done", Integer, nullable=False),
)


class BareDriver:
    """Sends the task; its table says which are done."""

    def __init__(self, app: Celery, queues: Queues, database: Database) -> None:
        self._app = app
        self._queue = queues.lane(Lane.GRANT).name
        self._database = database

    def send(self, grants: Sequence[Grant]) -> None:
        for number, grant in enumerate(grants):
            self._app.send_task(_TASK, args=(number, grant.document()), queue=self._queue)

    def done(self) -> int:
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(_ROWS).where(_ROWS.c.done == 1)).scalar() or 0


class BareTask:
    """The calls in order, the commits spread among them."""

    def __init__(
        self, database: Database, *, address: str, api_key: str, concurrency: int, calls: Sequence[ReplayedCall]
    ) -> None:
        self._database = database
        self._address = address
        self._calls = calls
        #: Commits of a grant, on average. At a fraction, some tasks make one commit more than others.
        self.commits = float(len(calls))
        self._session = requests.Session()
        self._session.headers.update({"x-api-key": api_key, "Accept": "application/json"})
        self._session.mount("http://", HTTPAdapter(pool_maxsize=concurrency))

    def __call__(self, number: int, document: dict[str, Any]) -> None:
        grant = Grant(**document)
        commits = int((number + 1) * self.commits) - int(number * self.commits)
        writes = [partial(self._commit, grant, step, done=step == commits - 1) for step in range(commits)]
        first, last = writes[:-1], writes[-1:]
        for place, call in enumerate(self._calls):
            for write in first[len(first) * place // len(self._calls) : len(first) * (place + 1) // len(self._calls)]:
                write()
            self._call(call, grant)
        for write in last:
            write()

    def _call(self, call: ReplayedCall, grant: Grant) -> None:
        answer = self._session.request(
            call.method,
            self._address + call.path.format(**grant.document()),
            params=[(name, value.format(**grant.document())) for name, value in call.query],
            json=call.body(grant),
            timeout=_TIMEOUTS,
        )
        answer.raise_for_status()
        if answer.content:
            answer.json()

    def _commit(self, grant: Grant, step: int, *, done: bool) -> None:
        with self._database.write() as connection:
            if step == 0:
                connection.execute(_ROWS.insert().values(id=grant.id, step=step, done=int(done)))
            else:
                values = {"step": step, "done": int(done)}
                connection.execute(update(_ROWS).where(_ROWS.c.id == grant.id).values(values))


def bare_app(broker_url: str, prefix: str) -> Celery:
    """Celery as Provisor sets it up: late acknowledgement, no results, the same queues."""
    return make_app(Settings.model_validate({"broker": {"url": broker_url, "prefix": prefix}}), {})


def _start(setup: dict[str, Any]) -> Commands:
    queues = Queues(prefix=setup["prefix"], amqp=setup["broker_url"].startswith("amqp"))
    app = bare_app(setup["broker_url"], setup["prefix"])
    database = Database(setup["store_url"])
    _METADATA.create_all(database.engine)
    calls = [ReplayedCall(call["method"], call["path"], tuple(map(tuple, call["query"]))) for call in setup["calls"]]
    task = BareTask(
        database,
        address=setup["jumpcloud"]["url"],
        api_key=setup["jumpcloud"]["api_key"],
        concurrency=setup["concurrency"],
        calls=calls,
    )
    task.commits = setup["commits"]

    def run(number: int, document: dict[str, Any]) -> None:
        task(number, document)

    app.task(name=_TASK)(run)
    _run(app, setup["concurrency"])
    driver = BareDriver(app, queues, database)
    return {"drive": lambda asked: drive(driver, [Grant(**each) for each in asked["grants"]], timeout=asked["timeout"])}


def _run(app: Celery, concurrency: int) -> None:
    ready = threading.Event()

    class Ready(bootsteps.StartStopStep):
        requires = ("celery.worker.consumer.tasks:Tasks",)

        def start(self, parent: Any) -> None:
            del parent
            ready.set()

    app.steps["consumer"].add(Ready)
    worker = WorkController(
        app=app,
        pool="threads",
        concurrency=concurrency,
        loglevel="WARNING",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    threading.Thread(target=worker.start, name="worker", daemon=True).start()
    if not ready.wait(15):
        raise TimeoutError("The bare worker did not start.")


if __name__ == "__main__":
    serve(_start)
