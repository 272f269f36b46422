"""A credential of the settings that is read again when the service refuses it: who rotates a secret restarts nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from time import monotonic

import structlog

from config.errors import SettingsError
from config.settings import Settings
from httpclient import Credential

_log = structlog.get_logger(__name__)

#: Calls that were under way when another one found the new credential are tried once more with it.
_UNDER_WAY_SECONDS = 60.0


class LiveCredential:
    """What ``make`` makes of the settings, for ``of``: a name for people.

    Settings that cannot be used leave the credential as it is, and are said each time. Raises ``SettingsError`` when the first
    credential cannot be one.
    """

    def __init__(self, settings: Settings, make: Callable[[Settings], Credential], *, of: str) -> None:
        self._settings, self._make, self._of = settings, make, of
        self._current = make(settings.newest)
        self._known = self._current.secrets()
        self._exchanged_at: float | None = None
        self._lock = threading.Lock()

    def headers(self) -> Mapping[str, str]:
        """The headers that carry the credential of now. May raise the failure words."""
        return self._current.headers()

    def secrets(self) -> tuple[str, ...]:
        """Every text that must never be repeated: those of earlier credentials too."""
        return tuple({*self._known, *self._current.secrets()})

    def renew(self) -> bool:
        """Read the settings again; True when trying once more makes sense."""
        with self._lock:
            fresh = self._read_again()
            if fresh is not None and {*fresh.secrets()} - {*self._known}:
                self._known += fresh.secrets()
                self._current, self._exchanged_at = fresh, monotonic()
                _log.info("credential.read_again", of=self._of, why="the one before was refused, and another is set")
                return True
            if self._exchanged_at is not None and monotonic() < self._exchanged_at + _UNDER_WAY_SECONDS:
                return True
        return self._current.renew()

    def _read_again(self) -> Credential | None:
        try:
            settings = self._settings.read_again()
            return None if settings is None else self._make(settings)
        except SettingsError as exc:
            _log.error(
                "credential.kept",
                of=self._of,
                why="; ".join(exc.problems),
                remedy="Correct the settings: they are read again at the next refusal.",
            )
            return None
