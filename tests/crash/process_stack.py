"""A company with workers in processes of their own, which can be killed at any point and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import yaml
from sqlalchemy import Table, update

from access.clock import SystemClock
from access.operations import Lane
from config.settings import Settings
from simulator.jumpcloud.records import Group
from store.fault_tables import faults
from store.tables import claims, operations, requests, tickets
from tests.flow.simulated_stack import SimulatedCompany, SimulatedStack
from worker.process import prepare
from worker.roles import ProcessRole

#: A held call whose worker is dead is lost, or takes effect late.
Fate = Literal["lost", "late"]

#: Short waits, and a long lease: a worker that starts must free the leases of its killed predecessor.
EMBEDDED: dict[str, Any] = {
    "worker": {"concurrency": 6, "poll": "0.03s", "lease": "60s"},
    "fuse": {"revokes": 1_000_000},
    "limits": {
        "attempts": 4,
        "first_wait": "0.1s",
        "verification": "0.4s",
        "read_timeout": "60s",
        "connect_timeout": "60s",
    },
    "ticketing": {"project": "OPS", "poll": "0.1s", "believe_within": "0.2s", "look_for": "1s", "reopen_limit": 2},
}

#: Several workers share the work: another takes over when the lease of a killed one has run out (``let_leases_run_out``).
SHARED: dict[str, Any] = {**EMBEDDED, "worker": {"concurrency": 6, "poll": "0.05s", "lease": "60s"}}


class ForkServer:
    """The process that forks workers (``tests/crash/fork_server.py``)."""

    def __init__(self, **environment: str) -> None:
        bare = environment | {name: value for name, value in os.environ.items() if not name.startswith("PROVISOR_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.fork_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            env=bare,
            text=True,
        )

    def start(self, config: Path, log: Path, roles: Sequence[ProcessRole]) -> Worker:
        pid = self._order(config=str(config), log=str(log), roles=[str(role) for role in roles])
        return Worker(self, pid, log)

    def end(self, pid: int, number: int) -> int:
        """Send a worker a signal, or none if 0, and wait until it is dead; its exit code."""
        return self._order(pid=pid, signal=number)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _order(self, **order: Any) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


class Worker:
    """One worker process."""

    def __init__(self, fork_server: ForkServer, pid: int, log: Path) -> None:
        self._fork_server = fork_server
        self.pid = pid
        self.log = log
        self.alive = True

    def kill(self) -> None:
        """SIGKILL, and wait until it is dead."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM, and wait until it has ended; its exit code."""
        self.tell()
        return self.ended()

    def tell(self) -> None:
        """SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

    def ended(self) -> int:
        """Wait until it has ended, which it was told to; its exit code."""
        return self._end(0)

    def freeze(self) -> None:
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def said(self) -> list[dict[str, Any]]:
        """Its log so far."""
        if not self.log.exists():
            return []
        lines = self.log.read_text(errors="replace").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]

    def events(self) -> Counter[str]:
        return Counter(str(line["event"]) for line in self.said())

    def _end(self, number: int) -> int:
        assert self.alive
        self.alive = False
        return self._fork_server.end(self.pid, number)


class ProcessStack(SimulatedStack):
    """A company and a Provisor in other processes; requests come in through ``hand_in``, or else the store's inbox."""

    fork_server: ForkServer
    folder: Path
    config: Path
    hand_in: Callable[[bytes], None] | None
    workers: list[Worker]

    @classmethod
    def made(
        cls,
        company: SimulatedCompany,
        folder: Path,
        settings: dict[str, Any],
        fork_server: ForkServer,
        hand_in: Callable[[bytes], None] | None = None,
    ) -> ProcessStack:
        stack = cls(company, prepare(Settings(**settings)))
        stack.fork_server, stack.folder, stack.hand_in, stack.workers = fork_server, folder, hand_in, []
        stack.config = folder / "provisor.yaml"
        stack.config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        return stack

    def send(self, *messages: dict[str, Any]) -> None:
        for message in messages:
            body = json.dumps(message).encode()
            if self.hand_in is not None:
                self.hand_in(body)
                continue
            with self.store.write() as work:
                work.inbox.add(body, content_type="application/json", source="test", now=SystemClock().now())

    def declare_queues(self) -> None:
        """Make the queues that a worker makes, so that messages can be sent before one is up."""
        queues = self.process.queues
        with self.process.app.connection() as connection:
            for queue in (queues.intake, queues.returned, queues.dead, *map(queues.lane, Lane)):
                queue.bind(connection.default_channel).declare()

    def group_by_hand(self) -> Group:
        """A new JumpCloud group that only tickets change."""
        found = self.company.jumpcloud.groups.get(self.company.jumpcloud_group("by-ticket"))
        assert found is not None
        return found

    @property
    def worker(self) -> Worker:
        """The newest one."""
        return self.workers[-1]

    def up(self, *roles: ProcessRole, by: ForkServer | None = None) -> Worker:
        """Start one more worker, by another fork server where its environment has to be another."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        self.workers.append((by or self.fork_server).start(self.config, log, roles or tuple(ProcessRole)))
        return self.worker

    def kill(self) -> None:
        """Kill the newest worker; where others would have to wait for the end of its leases, the time passes."""
        self.worker.kill()
        if self.process.queues.amqp:
            self.let_leases_run_out()

    def let_leases_run_out(self) -> None:
        """What a minute does: no lease lasts any more, and whatever wake-up was sent, another may be sent."""
        self._let_pass("lease_until", "dispatched_until", of=(requests, operations, claims, tickets))

    def let_waits_run_out(self) -> None:
        """What an hour does: whatever is tried again later is due now. Claims end at their own time."""
        self._let_pass("due_at", "next_test_at", of=(requests, operations, tickets, faults))

    def _let_pass(self, *columns: str, of: Sequence[Table]) -> None:
        past = self.process.provisor.services.clock.now() - timedelta(seconds=1)
        # One table at a time, since workers lock rows in an order of their own.
        for table in of:
            with self.store.database.write() as connection:
                for name in {*columns} & set(table.c.keys()):
                    connection.execute(update(table).where(table.c[name].is_not(None)).values({name: past}))

    def kill_while(self, held: str, *, fate: Fate = "lost") -> None:
        """Wait until the fault ``held`` holds a call, kill the worker that makes it, and let the call have its fate."""
        self.until_held(held)
        self.kill()
        self.faults.release(held, drop=fate == "lost")

    def close(self) -> None:
        self.faults.clear()
        for worker in self.workers:
            if worker.alive:
                worker.kill()
        self.store.database.close()

    def changes(self, group: str, email: str | None = None) -> list[str]:
        """Every change ever made to the members of a JumpCloud group, by its own event log: "add" and "remove"."""
        user = None if email is None else self.company.jumpcloud.user_ids[email]
        return [
            event.body["association"]["op"]
            for event in list(self.company.jumpcloud.journal)
            if event.body["event_type"] == "association_change"
            and event.body["association"]["connection"]["from"]["object_id"] == group
            and user in (None, event.body["association"]["connection"]["to"]["object_id"])
        ]

    def audited(self, event: str) -> Counter[str | None]:
        """How often an event stands in the audit trail, by request."""
        with self.store.read() as work:
            return Counter(row.request_id for _, row in work.audit.after(0, limit=100_000) if row.event == event)

    def story(self) -> str:
        logs = [f"{each.log.name}: {each.log.read_text()[-3000:]}" for each in self.workers if each.log.exists()]
        return "\n".join([super().story(), *logs])
