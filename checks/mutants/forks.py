"""Forked children: each runs pytest in a copy of the project, and inherits the libraries that its parent has imported."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from select import select
from time import monotonic

#: How long an interrupted child may take to clean up, in seconds.
_CLEANING = 10.0
_BROKEN = 70
#: What stands for the exit status of a child that was stopped, or ended by a signal.
OUT_OF_TIME = -1


@dataclass(slots=True)
class Child:
    """A child that runs. ``deadline`` is a moment of the monotonic clock; ``ends`` is readable when the child has ended."""

    pid: int
    ends: int
    deadline: float
    interrupted: bool = False

    def finish(self) -> int:
        """Take what the child has left, processes that it began too. Its exit status, or ``OUT_OF_TIME``."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self.ends)
        self._signal_group(signal.SIGKILL)
        code = os.waitstatus_to_exitcode(status)
        return OUT_OF_TIME if self.interrupted or code < 0 else code

    def stop_when_late(self) -> None:
        """Past the deadline: interrupt the child, so that its tests clean up; end it when that takes too long."""
        if monotonic() < self.deadline:
            return
        if self.interrupted:
            self._signal_group(signal.SIGKILL)
        else:
            self._signal_group(signal.SIGINT)
        self.interrupted = True
        self.deadline = monotonic() + _CLEANING

    def kill(self) -> None:
        """End the child and what it began."""
        self._signal_group(signal.SIGKILL)
        self.finish()

    def _signal_group(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return


def complete(child: Child) -> int:
    """Wait until one child has ended, and end it when it is late or this process is interrupted. Its exit status."""
    try:
        while not wait_for_any([child]):
            child.stop_when_late()
    except BaseException:
        child.kill()
        raise
    return child.finish()


def fork(work: Callable[[], int], *, root: Path, tree: Path, output: Path, seconds: float) -> Child:
    """Run ``work`` in a child whose project is ``tree`` instead of ``root``; what it prints goes to ``output``."""
    readable, writable = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid:
        os.close(writable)
        _own_group(pid)
        return Child(pid, readable, monotonic() + seconds)
    status = _BROKEN
    try:
        os.close(readable)
        _own_group(0)
        _move(root, tree, output)
        status = work()
    except BaseException:  # noqa: BLE001 - a child never returns into the code of its parent
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait_for_any(children: list[Child], *, until: float | None = None) -> list[Child]:
    """Those that have ended, as soon as one has, or at the first deadline."""
    soonest = min(child.deadline for child in children)
    if until is not None:
        soonest = min(soonest, until)
    ended, _, _ = select([child.ends for child in children], [], [], max(0.0, soonest - monotonic()))
    return [child for child in children if child.ends in ended]


def _own_group(pid: int) -> None:
    """Both parent and child say so, since either may be first."""
    try:
        os.setpgid(pid, 0 if pid == 0 else pid)
    except (PermissionError, ProcessLookupError):
        return


def _move(root: Path, tree: Path, output: Path) -> None:
    opened = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, number in ((nothing, 0), (opened, 1), (opened, 2)):
        os.dup2(source, number)
    os.chdir(tree)
    sys.path[:] = [str(tree), *(entry for entry in sys.path if Path(entry).resolve() != root)]
    os.environ["PYTHONPATH"] = str(tree)  # processes that tests begin import the copy too
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
