"""The policy of a process that runs: read again when its file changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic

import structlog

from access.findings import ProfileRule
from access.policy import LeaverAccess, Policy, Rule
from access.ticket_routes import TicketRoute
from config.errors import SettingsError

_log = structlog.get_logger(__name__)

#: Between two looks at the file. It is read when two looks show the same: it may be written to at the moment.
_LOOK_SECONDS = 1.0


class LivePolicy(Policy):
    """A policy whose rules may be exchanged while others use it."""

    _current: Policy

    def __init__(self, policy: Policy) -> None:
        self.exchange(policy)

    def exchange(self, policy: Policy) -> None:
        """Let these rules count from now on."""
        object.__setattr__(self, "_current", policy)  # a policy is frozen for everybody else

    @property
    def rules(self) -> Sequence[Rule]:
        """All rules in order, as they are now."""
        return self._current.rules

    @property
    def ticket(self) -> TicketRoute:
        """Where tickets go when a rule does not say, as it is now."""
        return self._current.ticket

    @property
    def administrator_like(self) -> Sequence[str]:
        """The patterns of entitlements that give an administrator's power, as they are now."""
        return self._current.administrator_like

    @property
    def protected_accounts(self) -> Sequence[str]:
        """The accounts that only a person changes, as they are now."""
        return self._current.protected_accounts

    @property
    def leavers(self) -> LeaverAccess:
        """What becomes of the standing access of suspended people, as it is now."""
        return self._current.leavers

    @property
    def manage(self) -> Sequence[str]:
        """The patterns of what is compared with what should be, as they are now."""
        return self._current.manage

    @property
    def profiles(self) -> Sequence[ProfileRule]:
        """What is done about findings, as it is now."""
        return self._current.profiles


class PolicyWatch:
    """Reads the policy anew with ``read`` when ``file`` changes, and calls ``on_change`` then.

    A file that cannot be used leaves the policy as it is, and is said once.
    """

    def __init__(
        self, file: Path, policy: LivePolicy, read: Callable[[], Policy], *, on_change: Callable[[], object]
    ) -> None:
        self._file = file
        self._policy = policy
        self._read = read
        self._on_change = on_change
        self._known = self._seen = self._stamp()
        self._next_look = 0.0

    def turn(self) -> None:
        """Look, if it is time."""
        if monotonic() >= self._next_look:
            self._next_look = monotonic() + _LOOK_SECONDS
            self.look()

    def look(self) -> None:
        """Look whether the file has changed."""
        stamp, before = self._stamp(), self._seen
        self._seen = stamp
        if stamp == self._known or stamp != before:
            return
        self._known = stamp
        try:
            self._policy.exchange(self._read())
        except SettingsError as exc:
            _log.error(
                "policy.kept", why="; ".join(exc.problems), remedy="Correct the file: the policy before is in force."
            )
            return
        _log.info("policy.read", file=str(self._file), rules=len(self._policy.rules))
        self._on_change()

    def _stamp(self) -> tuple[int, int, int] | None:
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino
