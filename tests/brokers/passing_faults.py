"""Faults of processes and servers that pass, by name, each counted when it fires."""

from __future__ import annotations

from collections import Counter

from sqlalchemy.engine import make_url

from access.clock import SystemClock
from tests.brokers.proxy import Proxy
from tests.crash.process_stack import ProcessStack
from tests.fakes.database_faults import execute
from tests.patience import until

#: How long a silence and a frozen process last: longer than a lease and a limit of silence of half a second.
_LASTS_SECONDS = 0.7

KILLED, FROZEN = "worker killed", "worker frozen past its lease"
CUT, AWAY, SILENT = "broker connections cut", "broker away", "broker silent"
SESSIONS_ENDED, DATABASE_SILENT = "database sessions ended", "database silent"
LEASES_LOST = "leases and marks run out"

#: Those of a process that is up and of its broker; the first costs less than a second.
AFTER_THE_START = (CUT, KILLED, SILENT, SESSIONS_ENDED)

_END_SESSIONS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class ProcessFaults:
    """Faults of one stack with one worker. ``database`` is the proxy before PostgreSQL, where there is one."""

    def __init__(self, stack: ProcessStack, broker: Proxy, url: str, database: Proxy | None = None) -> None:
        self._stack, self._broker, self._url, self._database = stack, broker, url, database
        self._here: list[str] = []
        self.fired: Counter[str] = Counter()

    def come(self, name: str) -> None:
        """The fault is there. One that the database cannot have does not fire."""
        postgresql = make_url(self._url).get_backend_name() == "postgresql"
        if name in (SESSIONS_ENDED, DATABASE_SILENT) and not postgresql:
            return
        match name:
            case "worker killed":
                self._stack.kill()
            case "worker frozen past its lease":
                self._stack.worker.freeze()
            case "broker connections cut":
                self._broker.cut()
            case "broker away":
                self._broker.shut()
            case "broker silent":
                self._broker.fall_silent()
            case "database sessions ended":
                self._stack.store.database.engine.dispose()  # The test's own are not what is tried.
                execute(self._url, _END_SESSIONS)
            case "database silent":
                assert self._database is not None
                self._database.fall_silent()
            case "leases and marks run out":
                self._stack.let_leases_run_out()
        self._here.append(name)
        self.fired[name] += 1

    def _is_up(self) -> bool:
        return self._stack.worker.events()["provisor.up"] > 0

    def go(self) -> None:
        """It has passed; what has to last has lasted."""
        if {SILENT, FROZEN, DATABASE_SILENT} & {*self._here}:
            begun = SystemClock().now()
            until(lambda: (SystemClock().now() - begun).total_seconds() > _LASTS_SECONDS, "the time of a silence")
        for name in self._here:
            if name == KILLED:
                self._stack.up()
                self._stack.until(self._is_up, what="the start")
            elif name == FROZEN:
                self._stack.worker.thaw()
            elif name in (AWAY, SILENT):
                self._broker.open()
            elif name == DATABASE_SILENT and self._database is not None:
                self._database.open()
        self._here.clear()
