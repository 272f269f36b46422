"""The door for monitoring: ``/live``, ``/ready`` and ``/metrics`` by HTTP, beside the broker and without it.

It answers questions about this process alone, takes nothing, and tells nobody's name. Bind it where the monitoring system is.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6

import structlog
from prometheus_client import CONTENT_TYPE_LATEST

from worker.heartbeats import Heartbeats

_log = structlog.get_logger(__name__)

#: A thread that ended no turn for so long hangs: the longest call to the database may take 10 minutes.
_HANGS_AFTER_SECONDS = 660.0

#: How long somebody who connects may take to ask.
_ASK_WITHIN_SECONDS = 10

_JSON = "application/json"


class MonitoringServer:
    """Serves on ``address`` (``host:port``), on threads of its own.

    ``metrics`` gives the figures as text, ``not_ready`` why the process cannot work, or None. Raises ``OSError`` when the
    address cannot be listened at.
    """

    def __init__(
        self,
        address: str,
        heartbeats: Heartbeats,
        *,
        metrics: Callable[[], bytes],
        not_ready: Callable[[], str | None],
    ) -> None:
        self._heartbeats = heartbeats
        self._metrics = metrics
        self._not_ready = not_ready
        self._stopping = False
        host, _, port = address.rpartition(":")
        self._server = _Server((host.strip("[]"), int(port)), _handler(self))

    @property
    def port(self) -> int:
        """The port it listens at."""
        port: int = self._server.server_address[1]
        return port

    def start(self) -> None:
        """Begin to answer."""
        threading.Thread(target=self._server.serve_forever, name="monitoring", daemon=True).start()
        _log.info("monitoring.up", port=self.port)

    def stop(self) -> None:
        """Say that the process is not ready any more; it is answered until the end."""
        self._stopping = True

    def join(self, until: float) -> None:
        """Close the door; ``until`` is a moment of the monotonic clock."""
        del until  # Nothing is waited for that may hang.
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        """The status, type and body of the answer to a path."""
        match path.partition("?")[0]:
            case "/live":
                return _said(_hanging(self._heartbeats), good="live")
            case "/ready":
                why = "The process is about to end." if self._stopping else self._not_ready()
                return _said(why, good="ready")
            case "/metrics":
                return HTTPStatus.OK, CONTENT_TYPE_LATEST, self._metrics()
        return HTTPStatus.NOT_FOUND, _JSON, b'{"paths": ["/live", "/ready", "/metrics"]}\n'


def _said(why_not: str | None, *, good: str) -> tuple[HTTPStatus, str, bytes]:
    status = HTTPStatus.OK if why_not is None else HTTPStatus.SERVICE_UNAVAILABLE
    body = {good: why_not is None} | ({} if why_not is None else {"why": why_not})
    return status, _JSON, json.dumps(body).encode() + b"\n"


def _hanging(heartbeats: Heartbeats) -> str | None:
    silent = heartbeats.silent_for()
    hanging = [name for name, seconds in silent.items() if seconds > _HANGS_AFTER_SECONDS]
    return f"These threads do not turn any more: {', '.join(hanging)}." if hanging else None


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = AF_INET6 if ":" in address[0] else AF_INET
        super().__init__(address, handler)


def _handler(server: MonitoringServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _ASK_WITHIN_SECONDS
        server_version = "Provisor"
        sys_version = ""

        def do_GET(self) -> None:
            try:
                status, kind, body = server.answer(self.path)
            except Exception:  # noqa: BLE001 - a question must never end the door
                _log.exception("monitoring.error")
                status, kind, body = HTTPStatus.INTERNAL_SERVER_ERROR, _JSON, b"{}\n"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: monitoring asks all the time."""

    return Handler
