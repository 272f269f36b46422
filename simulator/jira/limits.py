from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from simulator.jira.switches import Switches

REFILL = {"GET": 100.0, "POST": 100.0, "PUT": 50.0, "DELETE": 50.0}
"""Tokens a second [docs], per method and endpoint and shared by the whole tenant."""
FASTER = {
    ("GET", "/issue/{key}"): 150.0,
    ("GET", "/issue/{key}/changelog"): 200.0,
    ("GET", "/user"): 150.0,
    ("POST", "/search/approximate-count"): 150.0,
}
GATEWAY = "gateway"
ISSUES_REMEMBERED = 10_000


@dataclass(slots=True)
class Bucket:
    """A token bucket; `at` is the time of `left` on the monotonic clock."""

    left: float
    at: float

    def take(self, refill: float, size: int, now: float) -> bool:
        """Take one token if there is one."""
        self.left = min(float(size), self.left + (now - self.at) * refill)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Limits:
    """Burst and per-issue limits, in real time whatever the world's clock says; `ticks` are seconds of that."""

    def __init__(self, switches: Switches, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self._switches = switches
        self._ticks = ticks
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._writes: dict[str, deque[float]] = {}

    def check(self, method: str, path: str, *, issue: str | None, user_search: bool) -> dict[str, str] | None:
        """Count a call; gives the headers of the 429 it earns, or None."""
        switches = self._switches
        now = self._ticks()
        if switches.throttle_next:
            switches.throttle_next -= 1
            return self._headers(switches.throttle_reason)
        if user_search and switches.user_search_limit_per_s:
            limit = switches.user_search_limit_per_s
            if not self._bucket(("*", "user search"), limit, now).take(limit, limit, now):
                return self._headers("jira-burst-based")
        if switches.burst_bucket:
            refill = FASTER.get((method, path), REFILL.get(method, 100.0))
            bucket = self._bucket((method, path), switches.burst_bucket, now)
            if not bucket.take(refill, switches.burst_bucket, now):
                return self._headers("jira-burst-based")
        if issue is not None and self._too_many_writes(issue, now):
            return self._headers("jira-per-issue-on-write")
        return None

    def _bucket(self, name: tuple[str, str], size: int, now: float) -> Bucket:
        return self._buckets.setdefault(name, Bucket(float(size), now))

    def _too_many_writes(self, issue: str, now: float) -> bool:
        if len(self._writes) > ISSUES_REMEMBERED:
            self._writes = {each: times for each, times in self._writes.items() if times and times[-1] > now - 30}
        writes = self._writes.setdefault(issue, deque())
        while writes and writes[0] < now - 30:
            writes.popleft()
        short, long = self._switches.issue_writes_per_2s, self._switches.issue_writes_per_30s
        recent = sum(1 for at in writes if at > now - 2)
        if (short and recent >= short) or (long and len(writes) >= long):
            return True
        writes.append(now)
        return False

    def _headers(self, reason: str) -> dict[str, str]:
        if reason == GATEWAY:
            return {"X-Failure-Category": "FAILURE CLIENT RATE LIMITED"}
        wait = self._switches.retry_after_s
        form = "%Y-%m-%dT%H:%MZ" if self._switches.reset_without_seconds else "%Y-%m-%dT%H:%M:%SZ"
        return {
            "Retry-After": str(wait),
            "RateLimit-Reason": reason,
            "X-RateLimit-Limit": str(self._switches.burst_bucket),
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": f"{datetime.fromtimestamp(time.time() + wait, UTC):{form}}",
        }
