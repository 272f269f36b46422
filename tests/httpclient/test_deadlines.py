"""No server holds a call beyond its deadline, however slowly it answers, and none fills the memory."""

from __future__ import annotations

import gzip
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from access.failures import Permanent, Transient, Unknown
from httpclient import ClientOptions, RetryPolicy, Timeouts
from tests.httpclient.stub import CREATE, READ, TIMEOUTS, Reply, Stub, client_of

#: Each byte comes well within ``read``; only the total ends the call.
SLOW = Timeouts(connect=timedelta(seconds=10), read=timedelta(seconds=10), total=timedelta(seconds=0.5))
MEGABYTE = 1024 * 1024


@contextmanager
def dripping(beginning: bytes) -> Iterator[str]:
    """The URL of a server that sends a beginning, and then a byte every so often for as long as somebody listens."""
    stopping = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip(connection: socket.socket) -> None:
            with connection:
                connection.recv(65536)
                connection.sendall(beginning)
                while not stopping.wait(0.02):
                    try:
                        connection.sendall(b"a")
                    except OSError:
                        return

        def serve() -> None:
            while not stopping.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=drip, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        stopping.set()


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nX-Slow: ",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffff\r\n",
        b"HTTP/1.1 404 Not Found\r\n\r\n",
    ],
    ids=["status line", "headers", "body", "chunk", "body without an end"],
)
def test_a_byte_every_so_often_does_not_hold_a_call(beginning: bytes) -> None:
    with dripping(beginning) as url:
        client = client_of(url, options=ClientOptions(timeouts=SLOW, retry_policy=RetryPolicy.none()))
        with pytest.raises(Transient, match="in time"):
            client.send(READ)
        with pytest.raises(Unknown, match="in time"):
            client.send(CREATE)


def test_a_proxy_that_dawdles_does_not_hold_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    with dripping(b"HTTP/1.1 200 Connection ") as url:
        monkeypatch.setenv("https_proxy", url)
        client = client_of("https://far.invalid", options=ClientOptions(timeouts=SLOW, retry_policy=RetryPolicy.none()))
        with pytest.raises(Transient):
            client.send(READ)


def test_a_connection_that_was_slow_once_serves_the_next_call(stub: Stub) -> None:
    client = client_of(stub.url, options=ClientOptions(timeouts=TIMEOUTS, retry_policy=RetryPolicy.none()))
    stub.will(Reply(200, "x" * MEGABYTE), Reply(200, {"n": 1}))
    client.send(READ)
    assert client.send(READ).body == {"n": 1}
    assert stub.connections == 1


@pytest.mark.parametrize("pack", [lambda raw: raw, gzip.compress], ids=["plain", "gzip"])
def test_a_body_over_the_limit_is_not_read_to_its_end_however_it_is_packed(stub: Stub, pack: object) -> None:
    assert callable(pack)
    packed = pack(b" " * 64 * MEGABYTE)
    headers = {} if len(packed) > MEGABYTE else {"Content-Encoding": "gzip"}
    options = ClientOptions(timeouts=TIMEOUTS, body_limit=MEGABYTE, retry_policy=RetryPolicy.none())
    client = client_of(stub.url, options=options)
    for call, word in ((READ, Permanent), (CREATE, Unknown)):
        stub.will(Reply(200, packed, headers))
        tracemalloc.start()
        with pytest.raises(word, match=f"larger than {MEGABYTE} bytes"):
            client.send(call)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * MEGABYTE
