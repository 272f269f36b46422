"""A process that has imported everything, and forks a worker at each order.

Each worker is a real process and dies of a real SIGKILL; the fork saves the imports. Orders are lines of JSON on standard
input; at its end the remaining workers are killed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from cli.up import run_roles
from demo.patience import Patience
from worker.roles import ProcessRole

#: Modules that a worker imports once it runs; imported before the first fork, so that no worker spends time on them.
_LATE = (
    "celery.concurrency.thread",
    "celery.events",
    "celery.fixups.django",
    "celery.worker.consumer",
    "kombu.matcher",
    "kombu.mixins",
    "kombu.pidbox",
    "kombu.transport.memory",
    "kombu.transport.pyamqp",
    "kombu.transport.redis",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "psycopg",
    "worker.process",
)

#: A worker that is told to end does so within 10 seconds, whatever is silent; one that takes twice that of a quiet machine
#: is stuck.
_STUCK_SECONDS = 20


def _work(config: str, log: str, roles: list[str]) -> NoReturn:
    """A forked worker does exactly what ``provisor up`` does."""
    for stream, target in ((0, os.devnull), (1, log), (2, log)):
        flags = os.O_RDONLY if stream == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND
        os.dup2(os.open(target, flags, 0o600), stream)
    code = 70
    try:
        code = run_roles(Path(config), roles=[ProcessRole(role) for role in roles])
    except BaseException as exc:  # noqa: BLE001 - a worker never goes on as a fork_server
        sys.stderr.write(f"{type(exc).__name__}: {exc}\n")
        sys.stderr.flush()
    os._exit(code)


def _ended(pid: int) -> int:
    """Wait until a worker has ended; its exit code. A worker that does not end in time is killed: -9."""
    patience = Patience(_STUCK_SECONDS)
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if not patience.lasts():
            os.kill(pid, signal.SIGKILL)
            return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        time.sleep(0.005)  # noqa: TID251 - waiting for a child with a limit of time is a matter of looking again


def main() -> None:
    """Carry orders out until there are no more."""
    for name in _LATE:
        import_module(name)
    living: set[int] = set()
    while line := sys.stdin.readline():
        order = json.loads(line)
        if "config" in order:
            pid = os.fork()
            if pid == 0:
                _work(**order)
            living.add(pid)
            answer = pid
        else:
            os.kill(order["pid"], order["signal"])
            answer = _ended(order["pid"])
            living.discard(order["pid"])
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()
    for pid in living:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main()
