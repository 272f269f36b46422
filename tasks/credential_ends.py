"""Foresees the ends of credentials: notes them in the store, and raises an alarm weeks before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

import structlog

from access.clock import Clock
from access.credential_ends import CredentialEnd, Teller, beginning_of
from access.failures import Failure
from store.alarms import AlarmKind
from store.unit_of_work import Store
from tasks.faults import begin_alarm

_log = structlog.get_logger(__name__)

#: Between two looks at one credential, by whichever process, and between two questions of one process whether one is due.
_EVERY = timedelta(hours=1)
_ASKED_EVERY = timedelta(minutes=5)

#: The day on which the credential of each place ends, None where the settings do not say; None while they cannot be read.
Days = Callable[[], Mapping[str, date | None] | None]
#: Asks a service when the credential ends; None where it does not tell. Raises the failure words.
Ask = Callable[[], datetime | None]


class CredentialEnds:
    """Looks at the credential of each place once an hour, whichever process does it."""

    def __init__(self, store: Store, clock: Clock, days: Days, ask: Mapping[str, Ask]) -> None:
        self._store = store
        self._clock = clock
        self._days = days
        self._ask = ask
        self._asked_at: datetime | None = None

    def turn(self) -> None:
        """Look at what is due. What a service tells counts before the settings; one that fails to tell changes nothing."""
        now = self._clock.now()
        if self._asked_at is not None and abs(now - self._asked_at) < _ASKED_EVERY:
            return
        self._asked_at = now
        days = self._days()
        if days is None:
            return
        with self._store.write() as work:
            work.credential_ends.forget_others(days)
            mine = [place for place in days if work.credential_ends.take_turn(place, now=now, every=_EVERY)]
        for place in mine:
            try:
                end = self._end(place, days[place])
            except Failure as failure:
                _log.warning("credential_ends.postponed", place=place, why=failure.what)
                continue
            with self._store.write() as work:
                work.credential_ends.keep(place, end, now=now)
                if end is not None and end.is_near(now):
                    begin_alarm(
                        work,
                        AlarmKind.CREDENTIAL,
                        "credential",
                        place,
                        what=end.said(now),
                        remedy=end.remedy,
                        now=now,
                    )

    def _end(self, place: str, day: date | None) -> CredentialEnd | None:
        ask = self._ask.get(place)
        told = None if ask is None else ask()
        if told is not None:
            return CredentialEnd(place, told, Teller.SERVICE)
        return None if day is None else CredentialEnd(place, beginning_of(day), Teller.SETTINGS)
