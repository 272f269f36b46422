"""A TCP proxy in front of a server: it can cut connections, refuse new ones, fall silent, and speak TLS to its clients."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from urllib.parse import urlparse, urlunparse

_LOOPBACK = "127.0.0.1"

#: What a client of PostgreSQL asks in clear before TLS begins: 8 bytes, answered by one.
_ASKED, _GRANTED = 8, b"S"


class Proxy:
    """Passes bytes between its clients and the server at ``url``.

    ``tls`` is what it shows its clients; ``refused`` counts the connections that were not let in.
    """

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None) -> None:
        at = urlparse(url)
        self._tls = tls
        self._asked_for_tls = at.scheme.startswith("postgresql")
        self._behind = (at.hostname or _LOOPBACK, at.port or 5672)
        self._listener = socket.create_server((_LOOPBACK, 0))
        user = f"{at.username}:{at.password}@" if at.username else ""
        self.url = urlunparse(at._replace(netloc=f"{user}{_LOOPBACK}:{self._listener.getsockname()[1]}"))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self.refused = 0
        self._shut = threading.Event()
        self._passing = threading.Event()
        self._passing.set()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> int:
        """End every connection; how many there were."""
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
                end.close()
        return len(pairs)

    def shut(self) -> None:
        """Refuse new connections, and cut the open ones."""
        self._shut.set()
        self.cut()

    def fall_silent(self) -> None:
        """Keep connections open and let new ones in, and pass nothing on."""
        self._passing.clear()

    def open(self) -> None:
        """Work again; bytes that came while silent are passed on."""
        self._shut.clear()
        self._passing.set()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                inside, _ = self._listener.accept()
                if self._shut.is_set():
                    self.refused += 1
                    inside.close()
                    continue
                if self._tls is not None:
                    try:
                        inside = self._encrypted(inside, self._tls)
                        inside.do_handshake()
                    except OSError:
                        inside.close()
                        continue
                outside = socket.create_connection(self._behind)
                self._pairs.append((inside, outside))
                for one, other in ((inside, outside), (outside, inside)):
                    threading.Thread(target=_pass, args=(one, other, self._passing), daemon=True).start()

    def _encrypted(self, inside: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
        if self._asked_for_tls:
            inside.recv(_ASKED)
            inside.sendall(_GRANTED)
        return tls.wrap_socket(inside, server_side=True, do_handshake_on_connect=False)


def _pass(one: socket.socket, other: socket.socket, talking: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65_536):
            talking.wait()
            other.sendall(data)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
