"""A total deadline for one exchange: from the start of the call to the last byte of its answer.

A socket's own timeout starts anew with each byte that arrives, so a server that sends one byte a second would hold a call for
as long as it likes. The connections made here read with whatever is left of the deadline instead, in headers, body and the
answer of a proxy alike.
"""

from __future__ import annotations

import io
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

#: When the exchange under way in this thread must be over, on the monotonic clock.
_ends_at: ContextVar[float] = ContextVar("ends_at")


@contextmanager
def deadline(total: timedelta) -> Iterator[None]:
    """Bound the exchange made within this context to ``total``, over an adapter of this module.

    What is late ends as a read that timed out.
    """
    token = _ends_at.set(time.monotonic() + total.total_seconds())
    try:
        yield
    finally:
        _ends_at.reset(token)


class DeadlineAdapter(HTTPAdapter):
    """An adapter of ``requests`` whose connections keep to the deadline of the exchange. SOCKS proxies are left as they are."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of direct connections."""
        super().init_poolmanager(*args, **kwargs)
        self._pools: dict[str, Any] = {}
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Make the pools of connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        if not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = _POOLS
        return manager

    def get_connection_with_tls_context(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """The pool for the host of a request: always the same, since ways to a host do not change.

        To have requests look for the pool takes a tenth of the time of a call [measured].
        """
        host = "/".join(request.url.split("/", 3)[:3])
        pool = self._pools.get(host)
        if pool is None:
            pool = self._pools[host] = super().get_connection_with_tls_context(request, *args, **kwargs)
        return pool


class _TimedReader(io.RawIOBase):
    """Reads from a socket for as long as the deadline allows."""

    def __init__(self, sock: socket.socket, raw: io.RawIOBase) -> None:
        self._sock = sock
        self._raw = raw
        self._between_bytes = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        left = _ends_at.get() - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the call has passed")
        self._sock.settimeout(left if self._between_bytes is None else min(left, self._between_bytes))
        return self._sock.recv_into(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedReader(sock, self.fp.detach()))


class _Connection(HTTPConnection):
    response_class = _TimedResponse


class _SecureConnection(HTTPSConnection):
    response_class = _TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}
