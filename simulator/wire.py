"""HTTP on a socket, by uvicorn's protocol on httptools, without uvicorn's process machinery.

`uvicorn.Server` polls ten times a second to start and to stop. Tests start and stop simulators by the hundred, and
several systems share one loop here, so the protocol is put on the sockets directly.
"""

import asyncio
import contextlib
import socket
import time
from asyncio import Server
from email.utils import formatdate

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

TRANSPORT = "simulator.transport"
"""Where a request's scope has the transport it came by, for those who want to cut it."""

_BACKLOG = 2_048
_KEEP_ALIVE_SECONDS = 120
"""Longer than pooled connections of clients usually rest, so that only a fault ends a connection."""
_DATE_SECONDS = 1.0


class _Protocol(HttpToolsProtocol):
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[TRANSPORT] = self.transport  # type: ignore[literal-required] # a scope may carry keys of the server


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket, so that its address can be given out before anything is served; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns Nagle's algorithm off only for sockets that say they are TCP.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


class Listener:
    """One application on one socket."""

    def __init__(self, app: ASGIApp, sock: socket.socket) -> None:
        self._config = Config(
            app=app,
            http=_Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        )
        self._socket = sock
        self._state = ServerState()
        self._server: Server | None = None
        self._dating: asyncio.TimerHandle | None = None

    @property
    def port(self) -> int:
        """Return the port of the socket."""
        port: int = self._socket.getsockname()[1]
        return port

    async def start(self) -> None:
        """Serve from now on."""
        self._config.load()
        loop = asyncio.get_running_loop()
        self._stamp(loop)
        self._server = await loop.create_server(
            lambda: _Protocol(config=self._config, server_state=self._state, app_state={}, _loop=loop),
            sock=self._socket,
            backlog=_BACKLOG,
        )

    async def stop(self) -> None:
        """End every connection and request at once, and close the socket."""
        if self._dating is not None:
            self._dating.cancel()
        if self._server is not None:
            self._server.close()
        for connection in list(self._state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)
        tasks = list(self._state.tasks)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
        self._socket.close()

    def _stamp(self, loop: asyncio.AbstractEventLoop) -> None:
        self._state.default_headers = [(b"date", formatdate(time.time(), usegmt=True).encode())]
        self._dating = loop.call_later(_DATE_SECONDS, self._stamp, loop)
