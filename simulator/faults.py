"""Faults that can be played on demand: answers, drops, holds, cut bodies, delays and rate limits."""

import asyncio
import itertools
import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.types import ASGIApp

Moment = Literal["before", "after"]
Replicate = Callable[[str | None], Mapping[str, ASGIApp]]
"""Makes replicas that stand still: of one system, or of all when None."""

_IDENTIFIER = re.compile(
    r"(?<=/)(?:[0-9a-f]{24}|[A-Z][A-Z0-9_]+-[0-9]+|[0-9]+|[0-9a-fA-F-]{32,36}|[^/]*[:%|][^/]*)(?=/|$)"
)
"""Parts of a path that name one thing, so that a rate limit counts the endpoint and not the thing."""


class Fault(BaseModel):
    """A rule: which requests it meets, how often, and what happens to them.

    With no action but `latency_ms` the request is only delayed. "before" means that the simulated system never saw
    the request; "after" means that it carried the request out and the answer got lost or was replaced.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str | None = None
    """Every system when None."""
    method: str | None = None
    path: str = ""
    """A regular expression, searched for in the decoded path."""
    query: str = ""
    """A regular expression, searched for in the query string as sent."""
    times: int | None = Field(default=1, ge=1)
    """How often it is played; None is for ever."""
    after: int = Field(default=0, ge=0)
    """How many matching requests pass untouched first."""
    probability: float = Field(default=1.0, ge=0, le=1)
    """How likely a matching request is met."""
    seconds: float | None = Field(default=None, gt=0)
    """How long the fault is in place; None is until it is taken away."""

    latency_ms: float = Field(default=0, ge=0)
    status: int | None = Field(default=None, ge=100, le=599)
    applied: bool = False
    """With `status`: the request is carried out before the answer is replaced."""
    body: Any = None
    """JSON, or text as it is; the service's own error body when None."""
    content_type: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    drop: Moment | None = None
    """The connection ends without a byte of answer."""
    reset: bool = False
    """With `drop`: a TCP reset and not an orderly end."""
    hold: Moment | None = None
    """The request stands still until released."""
    truncate_to: int | None = Field(default=None, ge=0)
    """Bytes of the body, with a content-length that fits them."""
    break_after: int | None = Field(default=None, ge=0)
    """Bytes of the body, then the connection ends."""
    bytes_per_second: float | None = Field(default=None, gt=0)
    """The answer leaves a byte at a time, at this pace."""
    slow_from: Literal["start", "body"] = "body"
    """With `bytes_per_second`: whether the status line and the headers are slow too."""
    endless: bool = False
    """The body never ends: blanks follow the JSON until the client leaves."""
    inflate_to: int | None = Field(default=None, ge=0)
    """The body is sent with gzip, and has so many bytes once unpacked: blanks follow the JSON."""
    stale: bool = False
    """The answer comes from a replica that stands still since the fault was put in place. Meant for reads: a write
    that meets the replica is lost."""

    @model_validator(mode="after")
    def _patterns_are_patterns(self) -> Self:
        for name, pattern in (("path", self.path), ("query", self.query)):
            try:
                re.compile(pattern)
            except re.error as exc:
                raise ValueError(f"{name} is not a regular expression: {exc}") from exc
        return self


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came: the system, the method, the decoded path, the query string and the body as sent."""

    system: str
    method: str
    path: str
    query: str
    body: bytes


class Falsifier(Protocol):
    """Answers falsely where no rule for single requests would do: it knows what it answered before."""

    def query(self, asked: Asked) -> str:
        """Return the query string that is answered in place of the one that came."""

    def answer(
        self, asked: Asked, route: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> tuple[Mapping[str, str], bytes]:
        """Return the headers (names in lower case) and the body that leave in place of those of the system."""


class ArmedFault:
    """A fault in place: what it has met so far, and the gate that held requests wait at."""

    def __init__(self, ident: str, fault: Fault, replicas: Mapping[str, ASGIApp]) -> None:
        self.id = ident
        self.fault = fault
        self.replicas = replicas
        """With `stale`: each system as it was when the fault was put in place."""
        self.matched = 0
        self.played = 0
        self.holding = 0
        self.drop_when_released = False
        self.gate = asyncio.Event()
        self._path = re.compile(fault.path)
        self._query = re.compile(fault.query)
        self._until = None if fault.seconds is None else time.monotonic() + fault.seconds

    @property
    def spent(self) -> bool:
        """Return whether it has been played as often as it may."""
        over = self._until is not None and time.monotonic() >= self._until
        return over or (self.fault.times is not None and self.played >= self.fault.times)

    def meets(self, system: str, method: str, path: str, query: str, rng: random.Random) -> bool:
        """Count this request, and say whether the fault is to be played on it."""
        fault = self.fault
        if self.spent or fault.system not in (None, system) or fault.method not in (None, method):
            return False
        if not self._path.search(path) or not self._query.search(query):
            return False
        self.matched += 1
        if self.matched <= fault.after or (fault.probability < 1 and rng.random() >= fault.probability):
            return False
        self.played += 1
        return True

    def view(self) -> dict[str, Any]:
        """Return the rule and its counts as plain JSON."""
        return {
            "id": self.id,
            "matched": self.matched,
            "played": self.played,
            "holding": self.holding,
            **self.fault.model_dump(exclude_defaults=True),
        }


class RateLimit(BaseModel):
    """A token bucket for each method and endpoint that the rule meets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str | None = None
    method: str | None = None
    path: str = ""
    rate: float = Field(gt=0)
    """Tokens a second."""
    burst: float = Field(default=1, ge=1)
    per: Literal["endpoint", "rule"] = "endpoint"
    """One bucket for each endpoint, or one for all of them."""
    retry_after: Literal["none", "seconds", "date"] = "seconds"
    status: int = Field(default=429, ge=400, le=599)
    headers: dict[str, str] = Field(default_factory=dict)


class Bucket:
    """The tokens of one rate limit; time is monotonic seconds."""

    __slots__ = ("_burst", "_rate", "_since", "_tokens")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._since = now

    def wait(self, now: float) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        self._tokens = min(self._burst, self._tokens + (now - self._since) * self._rate)
        self._since = now
        if self._tokens >= 1:
            self._tokens -= 1
            return 0.0
        return (1 - self._tokens) / self._rate


class Faults:
    """All faults, rate limits and delays of the running systems; safe to use from any thread."""

    def __init__(self, seed: int = 0, *, replicate: Replicate = lambda _: {}) -> None:
        self.active = False
        self.falsifier: Falsifier | None = None
        self._replicate = replicate
        self._rng = random.Random(seed)
        self._ids = itertools.count(1)
        self._armed: dict[str, ArmedFault] = {}
        self._limits: dict[str, RateLimit] = {}
        self._buckets: dict[tuple[str, ...], Bucket] = {}
        self._latency_ms: dict[str, float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed = threading.Condition()

    def bind(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Name the loop that held requests wait in."""
        self._loop = loop

    def add(self, fault: Fault | None = None, /, **rule: Any) -> str:
        """Put a fault in place and return its id."""
        fault = fault or Fault.model_validate(rule)
        replicas = self._replicate(fault.system) if fault.stale else {}
        armed = ArmedFault(f"f{next(self._ids)}", fault, replicas)
        self._armed[armed.id] = armed
        self._weigh()
        return armed.id

    def limit(self, limit: RateLimit | None = None, /, **rule: Any) -> str:
        """Put a rate limit in place and return its id."""
        ident = f"l{next(self._ids)}"
        self._limits[ident] = limit or RateLimit.model_validate(rule)
        self._weigh()
        return ident

    def falsify(self, falsifier: Falsifier | None) -> None:
        """Let every answer that no fault meets pass through a falsifier; None ends it."""
        self.falsifier = falsifier
        self._weigh()

    def latency(self, latency_ms: float, system: str = "*") -> None:
        """Delay every answer of one system, or of all of them."""
        self._latency_ms[system] = latency_ms
        self._weigh()

    def get(self, ident: str) -> ArmedFault:
        """Return one fault by its id; raises KeyError when there is none."""
        return self._armed[ident]

    def remove(self, ident: str) -> None:
        """Take a fault or a rate limit away, and let go what it holds; raises KeyError when there is none."""
        if ident in self._limits:
            del self._limits[ident]
        else:
            self.release(ident)
            del self._armed[ident]
        self._weigh()

    def clear(self) -> None:
        """Take everything away, and let go what is held."""
        for ident in [*self._armed, *self._limits]:
            self.remove(ident)
        self._buckets.clear()
        self._latency_ms.clear()
        self.falsifier = None
        self._weigh()

    def release(self, ident: str, *, drop: bool = False) -> None:
        """Let held requests go on, or end their connections without an answer."""
        armed = self._armed[ident]
        armed.drop_when_released = drop
        if self._loop is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(armed.gate.set)
        else:
            armed.gate.set()

    def wait_until(self, ident: str, *, holding: int = 0, played: int = 0, timeout: float = 5) -> bool:
        """Wait (not in the event loop) until a fault holds or has played that many requests; False when it did not."""
        armed = self._armed[ident]
        with self._changed:
            return self._changed.wait_for(lambda: armed.holding >= holding and armed.played >= played, timeout=timeout)

    def pick(self, system: str, method: str, path: str, query: str) -> ArmedFault | None:
        """Return the first fault that is to be played on this request."""
        for armed in list(self._armed.values()):
            if armed.meets(system, method, path, query, self._rng):
                self.tell()
                return armed
        return None

    def limited(self, system: str, method: str, path: str) -> tuple[RateLimit, float] | None:
        """Return the rate limit that this request runs into, and the seconds to wait."""
        for ident, limit in list(self._limits.items()):
            if limit.system not in (None, system) or limit.method not in (None, method):
                continue
            if not re.search(limit.path, path):
                continue
            key = (ident,) if limit.per == "rule" else (ident, system, method, _IDENTIFIER.sub("*", path))
            now = time.monotonic()
            bucket = self._buckets.setdefault(key, Bucket(limit.rate, limit.burst, now))
            if (seconds := bucket.wait(now)) > 0:
                return limit, seconds
        return None

    def delay_of(self, system: str) -> float:
        """Return the delay of every answer of this system, in seconds."""
        return max(self._latency_ms.get(system, 0), self._latency_ms.get("*", 0)) / 1000

    def tell(self) -> None:
        """Wake those who wait for a fault to be played or to hold something."""
        with self._changed:
            self._changed.notify_all()

    def view(self) -> dict[str, Any]:
        """Return everything in place as plain JSON."""
        return {
            "faults": [armed.view() for armed in self._armed.values()],
            "limits": [{"id": ident, **limit.model_dump()} for ident, limit in self._limits.items()],
            "latency_ms": dict(self._latency_ms),
        }

    def _weigh(self) -> None:
        disturbed = self._armed or self._limits or any(self._latency_ms.values())
        self.active = bool(disturbed) or self.falsifier is not None
