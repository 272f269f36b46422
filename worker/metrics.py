"""What a process tells Prometheus: the figures of the store, which every process tells alike, and a few of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from access.clock import Clock, MeasuredClock
from store.queries.figures import FIGURES, Figure, figures
from store.unit_of_work import Store, Unavailable
from worker.clock_check import own_clock_ahead
from worker.heartbeats import Heartbeats

_log = structlog.get_logger(__name__)

#: Put before every name.
PREFIX = "provisor_"

#: The figures that each process has of its own, with their labels, and what they say.
OWN = {
    "info": (("version", "provisioning"), "1; which version runs, and whether it changes anything"),
    "store_up": ((), "Whether the store answered when it was read last"),
    "clock_offset_seconds": ((), "How far this machine's clock is ahead of the store's"),
    "thread_silent_seconds": (("thread",), "The time since a thread of the process ended a turn"),
}

#: How long the figures of the store are told again before they are read anew.
_READ_EVERY_SECONDS = 10.0


class Figures(Collector):
    """The figures of the store, read when they are asked for and not newer. A store that is away is told as such."""

    def __init__(
        self, store: Store, clock: Clock, heartbeats: Heartbeats, *, version: str, provisioning: Callable[[], str]
    ) -> None:
        self._store = store
        self._clock = clock
        self._heartbeats = heartbeats
        self._version, self._provisioning = version, provisioning
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._found: Sequence[Figure] = ()
        self._up = False

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families in the form that the client library takes."""
        with self._lock:
            if monotonic() >= self._read_at + _READ_EVERY_SECONDS:
                self._read()
            found, is_up = self._found, self._up
        yield from _families(FIGURES, found)
        yield from _families(OWN, self._own(is_up=is_up))

    def _read(self) -> None:
        self._read_at = monotonic()
        try:
            with self._store.database.read() as connection:
                self._found = tuple(figures(connection, now=self._clock.now()))
            self._up = True
        except Exception as exc:  # noqa: BLE001 - whatever keeps us from reading, the process tells that
            _log.warning("metrics.postponed", why=str(exc))
            self._found, self._up = (), False

    def _own(self, *, is_up: bool) -> Iterator[Figure]:
        yield Figure("info", 1, (self._version, self._provisioning()))
        yield Figure("store_up", int(is_up))
        if isinstance(self._clock, MeasuredClock):
            yield Figure("clock_offset_seconds", own_clock_ahead(self._clock).total_seconds())
        for name, seconds in self._heartbeats.silent_for().items():
            yield Figure("thread_silent_seconds", seconds, (name,))


def _families(
    names: dict[str, tuple[tuple[str, ...], str]], found: Iterator[Figure] | Sequence[Figure]
) -> Iterator[GaugeMetricFamily]:
    by_name: dict[str, list[Figure]] = {}
    for figure in found:
        by_name.setdefault(figure.name, []).append(figure)
    for name, (labels, about) in names.items():
        family = GaugeMetricFamily(PREFIX + name, about, labels=labels)
        for figure in by_name.get(name, ()):
            family.add_metric(figure.labels, figure.value)
        yield family


def registry_of(collector: Figures) -> CollectorRegistry:
    """The figures together with those of the process: processor time, memory, descriptors."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def as_text(registry: CollectorRegistry) -> bytes:
    """All figures in Prometheus' text form."""
    return generate_latest(registry)


def why_not_ready(store: Store) -> str | None:
    """Why the process cannot work; None when it can: the store answers, and is of this version."""
    try:
        with store.read() as work:
            work.require_own_revision()
    except Unavailable as exc:
        return str(exc)
    return None
