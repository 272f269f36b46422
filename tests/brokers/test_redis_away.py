"""A Redis that is a replica for a while, or cannot prove who it is."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from redis import Redis as RedisClient
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from config.settings import Settings
from demo.patience import slowness
from tests.brokers.certificates import certificate
from tests.brokers.conftest import MakeSite
from tests.conftest import absent
from tests.crash.process_stack import ProcessStack
from tests.machine import Redis, free_port
from tests.patience import PATIENCE_SECONDS
from worker.broker import BrokerUnusable, prove_broker
from worker.intake_consumer import publish


class RedisServer:
    """A Redis of a test, which may be made a replica; with ``tls`` it speaks TLS only, by a certificate of its own."""

    def __init__(self, folder: Path, *, tls: bool = False) -> None:
        program = shutil.which("redis-server")
        if program is None:
            absent("redis-server", "it is not installed")
        self.port = free_port()
        options = ["--port", str(self.port)]
        if tls:
            self.certificate, key = certificate(folder)
            options = ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no"]
            options += ["--tls-cert-file", str(self.certificate), "--tls-key-file", str(key)]
        self._process = subprocess.Popen(
            [program, "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *options], stdout=subprocess.DEVNULL
        )
        retry = Retry(ConstantBackoff(0.05), int(PATIENCE_SECONDS * slowness() * 20))
        url = (
            f"rediss://localhost:{self.port}?ssl_ca_certs={self.certificate}"
            if tls
            else f"redis://localhost:{self.port}"
        )
        self.client = RedisClient.from_url(url, retry=retry)
        self.client.ping()

    def close(self) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait()


MakeRedis = Callable[..., RedisServer]


@pytest.fixture
def make_redis(tmp_path: Path) -> Iterator[MakeRedis]:
    made: list[RedisServer] = []

    def make(*, tls: bool = False) -> RedisServer:
        made.append(RedisServer(tmp_path, tls=tls))
        return made[-1]

    yield make
    for server in made:
        server.close()


def up(make_site: MakeSite, store: str, url: str) -> ProcessStack:
    stack = make_site(store, Redis(url, prefix="test."), None)

    def hand_in(body: bytes) -> None:
        with stack.process.app.connection() as connection:
            publish(connection, stack.process.queues, [body])

    stack.hand_in = hand_in
    stack.up()
    return stack


def goes_well(stack: ProcessStack) -> None:
    group = stack.company.jumpcloud_group()
    stack.ended(stack.grant(stack.company.person(), f"jumpcloud:group:{group}:member"))


def test_a_replica_is_waited_out(make_site: MakeSite, sqlite_url: str, make_redis: MakeRedis) -> None:
    redis = make_redis()
    stack = up(make_site, sqlite_url, f"redis://127.0.0.1:{redis.port}/0")
    goes_well(stack)
    redis.client.replicaof("127.0.0.1", 1)
    group = stack.company.jumpcloud_group()
    with stack.store.write() as work:
        body = '{"id": "meanwhile", "action": "grant", "subject": {"email": "%s"}, "entitlement": "%s"}'
        body %= (stack.company.person(), f"jumpcloud:group:{group}:member")
        now = stack.process.provisor.services.clock.now()
        work.inbox.add(body.encode(), content_type="application/json", source="test", now=now)
    stack.ended("meanwhile")
    stack.until(lambda: "read only replica" in stack.worker.log.read_text(), what="the refusal")
    redis.client.replicaof("NO", "ONE")
    goes_well(stack)
    assert stack.worker.stop() == 0


def address(redis: RedisServer, host: str = "localhost", query: str = "") -> Settings:
    return Settings.model_validate({"broker": {"url": f"rediss://{host}:{redis.port}/0{query}"}})


def test_a_redis_that_cannot_prove_who_it_is_is_refused(make_redis: MakeRedis) -> None:
    redis = make_redis(tls=True)
    authority = f"?ssl_ca_certs={redis.certificate}"
    prove_broker(address(redis, query=authority))
    for stranger in (address(redis), address(redis, host="127.0.0.1", query=authority)):
        with pytest.raises(BrokerUnusable):
            prove_broker(stranger)
    prove_broker(address(redis, query="?ssl_cert_reqs=none"))
