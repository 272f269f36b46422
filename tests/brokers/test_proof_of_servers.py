"""A server that cannot prove who it is is refused, unless its address says that it need not; Redis: ``test_redis_away.py``."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kombu import Connection

from config.settings import Settings
from store.database import Database
from store.unit_of_work import Store, Unavailable
from tests.brokers.certificates import certificate
from tests.brokers.proxy import Proxy
from tests.machine import Amqp
from worker.broker import BrokerUnusable, prove_broker
from worker.celery_app import broker_url

FAR = "db.example.com"

MakeDoor = Callable[[str, str], tuple[Proxy, Path]]


@pytest.fixture
def behind_tls(tmp_path: Path) -> Iterator[MakeDoor]:
    """Makes doors to servers that speak TLS only, as the host of this name; gives the authority too."""
    with ExitStack() as closing:

        def make(url: str, host: str) -> tuple[Proxy, Path]:
            authority, key = certificate(tmp_path, host)
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(authority, key)
            proxy = Proxy(url, tls=tls)
            closing.callback(proxy.close)
            return proxy, authority

        yield make


def test_a_rabbitmq_that_cannot_prove_who_it_is_is_refused(rabbitmq: Amqp, behind_tls: MakeDoor) -> None:
    proxy, authority = behind_tls(rabbitmq.url, "localhost")
    at = urlsplit(proxy.url)

    def address(host: str = "localhost", query: str = "") -> Settings:
        url = at._replace(scheme="amqps", netloc=at.netloc.replace(at.hostname or "", host), query=query).geturl()
        return Settings.model_validate({"broker": {"url": url}})

    known = f"ssl_ca_certs={authority}"
    for well in (address(query=known), address("127.0.0.1", f"{known}&ssl_check_hostname=false")):
        prove_broker(well)
    prove_broker(address(query="ssl_cert_reqs=none"))
    for stranger in (address(), address("127.0.0.1", known)):
        with pytest.raises(BrokerUnusable):
            prove_broker(stranger)


def test_a_connection_that_begins_again_or_is_copied_verifies_the_same(rabbitmq: Amqp, behind_tls: MakeDoor) -> None:
    """Celery keeps copies of one connection, and each goes on to the next host when one is lost."""
    proxy, authority = behind_tls(rabbitmq.url, "localhost")
    here = proxy.url.replace("127.0.0.1", "localhost").replace("amqp:", "amqps:")
    settings = Settings.model_validate({"broker": {"url": f"{here}?ssl_ca_certs={authority}"}})
    with Connection(broker_url(settings)) as connection:
        for each in (connection, connection.clone()):
            each.connect()
            each.close()
            each.connect()
            each.switch(broker_url(settings).replace("@localhost", "@127.0.0.1"))
            with pytest.raises(ssl.SSLError):
                each.connect()
            each.switch(broker_url(settings))
            each.connect()
            each.close()


def answers(url: str) -> bool:
    database = Database(url, pool_size=1)
    try:
        Store(database).now()
    except Unavailable:
        return False
    finally:
        database.close()
    return True


def test_a_postgresql_that_cannot_prove_who_it_is_is_refused(postgresql_url: str, behind_tls: MakeDoor) -> None:
    """The name is that of a far host, which is reached by a number."""
    proxy, authority = behind_tls(postgresql_url, FAR)
    far = f"{proxy.url}?hostaddr=127.0.0.1".replace("@127.0.0.1", f"@{FAR}")
    other = far.replace(FAR, "other.example.com")
    assert answers(f"{far}&sslrootcert={authority}")
    assert answers(f"{other}&sslmode=require")
    assert not answers(far)
    assert not answers(f"{other}&sslrootcert={authority}")


def test_a_far_postgresql_without_tls_is_for_those_who_write_so(postgresql_url: str) -> None:
    far = f"{postgresql_url}?hostaddr=127.0.0.1".replace("@127.0.0.1", f"@{FAR}")
    assert not answers(far)
    assert answers(f"{far}&sslmode=disable")
