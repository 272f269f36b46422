"""Turns: threads of which exactly one runs, until it hands its turn back or ends.

Which thread runs next is decided outside, so that a seed decides it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from datetime import datetime

from tests.fakes.faults import Killed


@dataclass(eq=False)
class Running:
    """A process from its start to its end; ``killed`` when that was sudden."""

    killed: bool = False


@dataclass(eq=False)
class Turn:
    """A piece of work of a process, with a thread of its own. ``resumes`` is when it may run next."""

    work: Callable[[], object]
    process: Running
    resumes: datetime
    over: bool = False
    #: Whether it is within a transaction that writes: then nobody else may write, and it must not be kept from going on.
    writing: bool = False
    #: What the work raised, but for a kill.
    raised: BaseException | None = None
    _mine: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _back: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _thread: threading.Thread | None = None

    def run(self) -> None:
        """Let it run until it hands the turn back or ends."""
        if self._thread is None:
            context = copy_context()
            self._thread = threading.Thread(target=self._work, args=(context,), daemon=True)
            self._thread.start()
        else:
            self._mine.release()
        self._back.acquire()
        if self.over:
            self._thread.join()

    def hand_back(self, until: datetime) -> None:
        """Called by the thread that runs: let others run, at least until a moment. Raises ``Killed``."""
        self.resumes = until
        self._back.release()
        self._mine.acquire()
        if self.process.killed:
            raise Killed

    def _work(self, context: Context) -> None:
        try:
            context.run(self._within)
        except Killed:
            pass
        except BaseException as exc:  # noqa: BLE001 - kept for whoever judges
            self.raised = exc
        self.over = True
        self._back.release()

    def _within(self) -> None:
        RUNNING.set(self)
        self.work()


#: The turn that the running thread belongs to; None outside of all turns.
RUNNING: ContextVar[Turn | None] = ContextVar("running", default=None)
