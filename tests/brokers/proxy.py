"""A door in front of a broker that can be slammed: connections are cut, and none is let in for as long as it stays shut."""

from __future__ import annotations

import contextlib
import socket
import threading
from urllib.parse import urlparse, urlunparse

_LOOPBACK = "127.0.0.1"


class Proxy:
    """Passes bytes between whoever connects here and the broker at ``url``."""

    def __init__(self, url: str) -> None:
        at = urlparse(url)
        self._behind = (at.hostname or _LOOPBACK, at.port or 5672)
        self._door = socket.create_server((_LOOPBACK, 0))
        user = f"{at.username}:{at.password}@" if at.username else ""
        self.url = urlunparse(at._replace(netloc=f"{user}{_LOOPBACK}:{self._door.getsockname()[1]}"))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._shut = threading.Event()
        self._talking = threading.Event()
        self._talking.set()
        threading.Thread(target=self._let_in, daemon=True).start()

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
        """Let nobody in, and cut those who are."""
        self._shut.set()
        self.cut()

    def fall_silent(self) -> None:
        """Keep connections open and let new ones in, and pass nothing on."""
        self._talking.clear()

    def open(self) -> None:
        """UnitOfWork again; what was kept back while silent is passed on."""
        self._shut.clear()
        self._talking.set()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.cut()

    def _let_in(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                inside, _ = self._door.accept()
                if self._shut.is_set():
                    inside.close()
                    continue
                outside = socket.create_connection(self._behind)
                self._pairs.append((inside, outside))
                for one, other in ((inside, outside), (outside, inside)):
                    threading.Thread(target=_pass, args=(one, other, self._talking), daemon=True).start()


def _pass(one: socket.socket, other: socket.socket, talking: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65_536):
            talking.wait()
            other.sendall(data)
    for end in (one, other):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
