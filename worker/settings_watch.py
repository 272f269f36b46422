"""What a process does by its settings and its policy, exchanged as a whole when these change, or at SIGHUP.

All files are read again and checked as at a start, and everything that follows them is wired anew (docs/adr/0030). What is under
way ends by what was in force when it began: leases keep it apart from the new, as they keep processes apart. Files that cannot be
used leave in force what is. The log says so, and an alarm does until they can be used.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Protocol

import structlog

from access.provisioning import Provisioning
from config.errors import SettingsError
from config.setting_keys import only_at_start
from config.settings import Settings
from store.alarms import AlarmKind
from store.outbox import Topic
from store.unit_of_work import Unavailable
from tasks.faults import begin_alarm
from worker.composition import Provisor

_log = structlog.get_logger(__name__)

#: Between two looks at the files. They are read when two looks show the same: one may be written to at the moment.
_LOOK_SECONDS = 1.0

#: What is under way when the settings change is waited for so long before the threads are left to end by themselves.
_STOP_SECONDS = 7.0

_ENTITY = "settings"

#: The time of the last change, the size and the number of a file; None where there is none.
_Stamp = tuple[int, int, int] | None


class Part(Protocol):
    """Threads that work until they are told to stop."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End soon."""

    def join(self, until: float) -> None:
        """Wait for the end until a moment of the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Following:
    """What follows the settings: the wiring, the threads that work by it, and what takes a wake-up."""

    provisor: Provisor
    parts: Sequence[Part]
    wake: Callable[[Topic, str], None]

    def start(self) -> None:
        """Begin."""
        for part in self.parts:
            part.start()

    def stop(self) -> None:
        """Begin nothing more; a sync that is under way goes on elsewhere."""
        self.provisor.syncing.stop()
        for part in self.parts:
            part.stop()

    def join(self, until: float) -> None:
        """Wait for what is under way until a moment of the monotonic clock."""
        for part in self.parts:
            part.join(until)


class SettingsWatch:
    """Runs what follows the settings, and makes it anew by ``make`` when they change.

    ``make`` may raise ``SettingsError``. What only a start can change stays as it is: that is said, and is an alarm.
    """

    def __init__(self, first: Following, make: Callable[[Settings], Following]) -> None:
        self.current = first
        self._make = make
        #: What the process was started with: where files are, and what only a start can change.
        self.first_settings = first.provisor.settings
        self._ref = str(next(iter(self.first_settings.files()), "environment"))
        self._known = self._seen = self._stamps()
        #: What has to be written to the store, which may be away.
        self._owed: deque[Callable[[], None]] = deque()
        #: Whether SIGHUP came. A handler of signals must not wait for a lock.
        self._asked = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="settings", daemon=True)

    def start(self) -> None:
        """Begin. In the main thread of a process without a terminal SIGHUP has the files read within a second."""
        if threading.current_thread() is threading.main_thread() and not sys.stdout.isatty():
            signal.signal(signal.SIGHUP, self._on_hangup)
        self._owe(partial(self._tell, ""))
        self.current.start()
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stop.set()
        self.current.stop()

    def join(self, until: float) -> None:
        """Wait for what is under way until a moment of the monotonic clock."""
        self.current.join(until)
        if self._thread.is_alive():
            self._thread.join(max(0.0, until - monotonic()))

    def wake(self, topic: Topic, ref: str) -> None:
        """Hand a wake-up to what works now."""
        self.current.wake(topic, ref)

    def look(self, *, asked: bool = False) -> None:
        """Look whether files have changed and rest; read them in any case when ``asked``."""
        self._pay()
        stamps, before = self._stamps(), self._seen
        self._seen = stamps
        if asked or (stamps == before and stamps != self._known):
            self._known = stamps
            self._read()

    def _on_hangup(self, *_: object) -> None:
        self._asked = True

    def _run(self) -> None:
        while not self._stop.wait(_LOOK_SECONDS):
            asked, self._asked = self._asked, False
            try:
                self.look(asked=asked)
            except Exception:  # noqa: BLE001 - the thread outlives every fault of a look
                _log.exception("settings.error")

    def _read(self) -> None:
        try:
            settings = self.first_settings.read_again() or self.first_settings
            following = self._make(settings)
        except SettingsError as exc:
            why = " ".join(exc.problems)
            _log.error("settings.kept", why=why, remedy="Correct the files: what was in force before is in force.")
            self._owe(partial(self._tell, f"Changed settings cannot be used, and those before are in force: {why}"))
            return
        before, self.current = self.current, following
        before.stop()
        following.start()
        late = [key for key in self.first_settings.differing(settings) if only_at_start(key)]
        _log.info("settings.read", changed=before.provisor.settings.differing(settings), only_by_restart=late)
        words = f"Only a restart brings into force what was changed: {', '.join(late)}." if late else ""
        self._owe(partial(self._tell, words), partial(plan_anew, following.provisor))
        before.join(monotonic() + _STOP_SECONDS)

    def _owe(self, *writes: Callable[[], None]) -> None:
        self._owed.extend(writes)
        self._pay()

    def _pay(self) -> None:
        """Write what is owed to the store, in its order; the rest at the next look while the store is away."""
        try:
            while self._owed:
                self._owed[0]()
                self._owed.popleft()
        except Unavailable as exc:
            _log.warning("settings.postponed", why=str(exc))

    def _tell(self, what: str) -> None:
        """Raise the alarm of the settings with these words, or end it when there are none."""
        provisor = self.current.provisor
        now, remedy = provisor.services.clock.now(), "See 'provisor settings': correct what it says, or restart."
        with provisor.store.write() as work:
            work.alarms.end(AlarmKind.SETTINGS, _ENTITY, self._ref, now=now)
            if what:
                begin_alarm(work, AlarmKind.SETTINGS, _ENTITY, self._ref, what=what, remedy=remedy, now=now)

    def _stamps(self) -> Mapping[Path, _Stamp]:
        settings = self.current.provisor.settings
        files = [*self.first_settings.files(), *([settings.policy] if settings.policy is not None else [])]
        return {file: _stamp(file) for file in files}


def plan_anew(provisor: Provisor) -> None:
    """Have what is not final planned by the settings and the policy of now."""
    if provisor.services.mode is not Provisioning.OFF:
        with provisor.store.write() as work:
            work.requests.wake_planned(now=provisor.services.clock.now())


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
