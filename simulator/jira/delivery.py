from __future__ import annotations

import heapq
import ipaddress
import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import count
from urllib.parse import urlsplit

log = logging.getLogger(__name__)
FAILURES_KEPT = 1_000
RETRIES = 5
"""After the first try [docs]."""
RETRIED = {408, 409, 425, 429}
TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Post:
    """One webhook request; `retry` counts the times it was sent before."""

    url: str
    body: bytes
    headers: Mapping[str, str]
    retry: int = 0


@dataclass(order=True, slots=True)
class _Due:
    at: float
    number: int
    post: Post = field(compare=False)
    pause: float = field(compare=False)


class Delivery:
    """Sends webhooks from a daemon thread, so that no answer of the simulator waits for somebody else's server.

    Only loopback addresses are called unless `any_host` says so: a simulator must not reach out by mistake.
    Redirects are not followed.
    """

    def __init__(self) -> None:
        self.failed: deque[Post] = deque(maxlen=FAILURES_KEPT)
        self.sent = 0
        self._due: list[_Due] = []
        self._numbers = count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def put(self, post: Post, *, delay: float, pause: float, any_host: bool) -> None:
        """Queue a request to leave after `delay` seconds; refused ones are repeated every `pause` seconds."""
        if not any_host and not _is_loopback(post.url):
            log.warning("Not delivering a webhook to %s: it is no loopback address.", urlsplit(post.url).hostname)
            self.failed.append(post)
            return
        with self._changed:
            heapq.heappush(self._due, _Due(time.monotonic() + delay, next(self._numbers), post, pause))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="jira-webhooks", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            due = self._wait()
            if _taken(due.post):
                self.sent += 1
            elif due.post.retry >= RETRIES:
                self.failed.append(due.post)
            else:
                self._again(due)

    def _wait(self) -> _Due:
        with self._changed:
            while not self._due or self._due[0].at > time.monotonic():
                self._changed.wait(self._due[0].at - time.monotonic() if self._due else None)
            return heapq.heappop(self._due)

    def _again(self, due: _Due) -> None:
        retry = due.post.retry + 1
        headers = {**due.post.headers, "X-Atlassian-Webhook-Retry": str(retry)}
        post = Post(due.post.url, due.post.body, headers, retry)
        with self._changed:
            heapq.heappush(self._due, _Due(time.monotonic() + due.pause, next(self._numbers), post, due.pause))


def _taken(post: Post) -> bool:
    """Send a request; False when it should be repeated."""
    parts = urlsplit(post.url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("POST", parts._replace(scheme="", netloc="").geturl() or "/", post.body, dict(post.headers))
        status = connection.getresponse().status
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return status not in RETRIED and status < 500


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
