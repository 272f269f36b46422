"""Faults of simulated systems that pass, by name: each is armed for some calls, and says how often it fired."""

from __future__ import annotations

from collections import Counter
from typing import Any

from httpclient import ClientOptions, RetryPolicy
from simulator.faults import Faults
from tests.httpclient.stub import TIMEOUTS

#: Whatever may come between a client and what it wants, for a while. In what is written to, it happened or it did not.
PASSING: dict[str, dict[str, Any]] = {
    "unavailable": {"status": 503},
    "bad gateway, carried out": {"status": 502, "applied": True},
    "throttled": {"status": 429, "headers": {"Retry-After": "2"}},
    "credential refused": {"status": 401},
    "forbidden": {"status": 403},
    "a page in between": {"status": 403, "body": "<html>Sign in</html>", "content_type": "text/html"},
    "redirected": {"status": 302, "headers": {"Location": "https://elsewhere.example/"}},
    "never arrived": {"drop": "before"},
    "answer lost": {"drop": "after"},
    "broken off": {"break_after": 5},
}
#: Those of them under which a write did not happen.
UNDONE = tuple(sorted({*PASSING} - {"bad gateway, carried out", "answer lost", "broken off"}))
#: It costs real seconds: nothing is said for half a second, and then nobody is there any more. (A client's own limit would be
#: a verdict by the speed of the machine here; ``tests/httpclient`` has that.)
SILENT = "silent"
_SILENT_TIMES = 2
#: A replica that stands still answers.
STALE = "stale"


class PassingFaults:
    """Arms faults, and counts those that fired, until they are taken away."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._armed: dict[str, str] = {}
        self.fired: Counter[str] = Counter()

    def come(self, name: str, *, times: int | None, **more: Any) -> None:
        """A fault is there for so many calls, None until it goes; ``more`` says for which calls.

        Silence is for two at the most: it costs real seconds.
        """
        if name == SILENT:
            times = min(times or _SILENT_TIMES, _SILENT_TIMES)
        special: dict[str, dict[str, Any]] = {SILENT: {"latency_ms": 500, "drop": "before"}, STALE: {"stale": True}}
        rule = special.get(name) or PASSING[name]
        self._armed[self._faults.add(**rule, times=times, **more)] = name

    def go(self) -> None:
        """All of them have passed."""
        for ident, name in self._armed.items():
            self.fired[name] += self._faults.get(ident).played
            self._faults.remove(ident)
        self._armed.clear()


def patient() -> ClientOptions:
    """A client that waits for a slow machine, and tries what failed once more at once."""
    return ClientOptions(timeouts=TIMEOUTS, retry_policy=RetryPolicy.without_waits(2))
