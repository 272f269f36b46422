"""Sealing: closes what was written to the audit trail in batches, notes the newest seal outside, and lets old rows go.

One process does it at a time: whoever moves the turn in the database. No writer waits for it. Rows are read and hashed before
the short transaction that stores their seal, and a row that is committed late is sealed in a later batch.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from secrets import token_hex
from typing import Protocol

import structlog

from access import actors, seals
from access.clock import Clock
from access.failures import Failure
from access.seals import Anchored, SealKind, Signer, leaf
from store.alarms import AlarmKind
from store.seals import SealedAlready
from store.unit_of_work import Store, UnitOfWork
from tasks.faults import begin_alarm

_log = structlog.get_logger(__name__)

#: How often what was written meanwhile is sealed.
SEAL_EVERY = timedelta(minutes=1)

#: Rows of one batch at the most: what one short transaction takes.
BATCH = 500

#: How often rows that were kept long enough are looked for, and the batches that are removed in one transaction.
_FORGET_EVERY = timedelta(minutes=10)
_FORGOTTEN_AT_ONCE = 10

#: How soon a place that could not be asked is asked again.
_AGAIN = timedelta(minutes=5)

#: The newest notes at a place that are compared before another is added; ``provisor audit verify`` compares all.
_CHECKED = 100

#: Bytes of the salt of a row.
_SALT = 16


class AnchorPlace(Protocol):
    """A place outside the database where seals are noted. Both methods raise the failure words of ``access.failures``."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def read(self) -> Sequence[Anchored]:
        """The seals that were noted there, the oldest first."""
        ...

    def note(self, anchored: Anchored) -> None:
        """Note one more."""
        ...


class Sealing:
    """Seals, anchors and forgets, when it is time and nobody else does it.

    - ``anchor_every``: how often the newest seal is noted at each of the places.
    - ``kept``: how long rows of the audit trail are kept; None is for ever.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        signer: Signer | None = None,
        places: Sequence[AnchorPlace] = (),
        anchor_every: timedelta = timedelta(hours=1),
        kept: timedelta | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._signer = signer
        self._places = places
        self._anchor_every = anchor_every
        self._kept = kept
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Seal no more batches after the one under way."""
        self._stopping.set()

    def turn(self) -> None:
        """Do what is due. Called every few seconds by each scheduler."""
        if self._due("seal", SEAL_EVERY):
            self.seal()
        if self._places and self._due("anchor", self._anchor_every) and not self.anchor():
            self._sooner("anchor", min(_AGAIN, self._anchor_every))
        if self._kept is not None and self._due("forget", _FORGET_EVERY):
            self.forget(older_than=self._kept)

    def seal(self) -> int:
        """Seal all committed rows that wait for it; how many."""
        count = 0
        while not self._stopping.is_set() and (rows := self._seal_batch()) is not None:
            count += rows
        return count

    def _seal_batch(self) -> int | None:
        with self._store.read() as work:
            waiting = work.seals.waiting(limit=BATCH)
        if not waiting:
            return None
        salts = [token_hex(_SALT) for _ in waiting]
        digests = [leaf(salt, facts) for salt, (_, facts) in zip(salts, waiting, strict=True)]
        numbers = [number for number, _ in waiting]
        try:
            with self._store.write() as work:
                number, previous = work.seals.next_place()
                seal = seals.sealed(
                    number,
                    SealKind.ROWS,
                    previous=previous,
                    at=self._clock.now(),
                    leaves=digests,
                    signer=self._signer,
                )
                work.seals.add(seal, list(zip(numbers, salts, digests, strict=True)))
        except SealedAlready:
            return 0  # Another process sealed some of these rows meanwhile.
        return len(waiting)

    def anchor(self) -> bool:
        """Note the newest seal at each place; whether there is one, and each place could be asked.

        Nothing is noted where what is noted already says that this trail is not the one it was.
        """
        with self._store.read() as work:
            newest = work.seals.newest()
        if newest is None:
            return False
        reached = True
        anchored = Anchored(newest.number, newest.hash, self._clock.now())
        for place in self._places:
            try:
                noted = place.read()
                with self._store.read() as work:
                    wrong = next((each for each in noted[-_CHECKED:] if not follows(work, each)), None)
                self._tell(place.name, wrong)
                if wrong is not None:
                    continue  # Noting anything now would bury the proof.
                if not noted or noted[-1].hash != anchored.hash:
                    place.note(anchored)
            except Failure as failure:
                reached = False
                _log.warning("seals.not_noted", place=place.name, why=str(failure))
        return reached

    def _tell(self, place: str, wrong: Anchored | None) -> None:
        """Raise an alarm while what is noted at a place contradicts the trail, and close it when it does no more."""
        now = self._clock.now()
        if wrong is None:
            with self._store.read() as work:
                if not any(alarm.entity == "place" and alarm.ref == place for alarm in work.alarms.lasting()):
                    return
            with self._store.write() as work:
                work.alarms.end(AlarmKind.CONTRADICTED, "place", place, now=now)
            return
        _log.error("seals.contradicted", place=place, seal=wrong.number, noted_at=wrong.at)
        with self._store.write() as work:
            begin_alarm(
                work,
                AlarmKind.CONTRADICTED,
                "place",
                place,
                what=f"Seal {wrong.number}, noted at {place}, is not in the chain: the audit trail was written anew, or an older "
                "database was put back.",
                remedy="Run 'provisor audit verify'. Where a backup was put back, say so with 'provisor restore begin'.",
                now=now,
            )

    def forget(self, *, older_than: timedelta) -> int:
        """Remove the rows of batches sealed longer ago, some at a time; how many. Their seals stay."""
        now = self._clock.now()
        with self._store.write(holding="audit-removal") as work:
            oldest = work.seals.oldest_batches(limit=_FORGOTTEN_AT_ONCE)
            # Without a gap, whatever a wrong clock wrote: "through" means all before it.
            batches = list(takewhile(lambda batch: batch.sealed_at < now - older_than, oldest))
            if not batches:
                return 0
            rows, numbers = sum(batch.rows for batch in batches), [batch.number for batch in batches]
            statement = {"through": numbers[-1], "why": "kept long enough", "by": actors.SCHEDULER}
            seal = work.seals.state(SealKind.REMOVAL, statement, rows=rows, now=now, signer=self._signer)
            work.audit.record("audit.removed", "seal", str(seal.number), now=now, actor=actors.SCHEDULER, rows=rows)
            work.audit.flush()
            work.seals.remove_batches(numbers, by=seal.number)
        return rows

    def erase(self, rows: Sequence[int], *, by: str, reason: str) -> Sequence[int]:
        """Remove single sealed rows for good; those of them that were there. ``by`` is the OS user who asks for it."""
        now = self._clock.now()
        with self._store.write(holding="audit-removal") as work:
            there = work.seals.sealed_rows(rows)
            if there:
                statement = {"rows": list(there), "why": reason, "by": actors.operator(by)}
                seal = work.seals.state(SealKind.REMOVAL, statement, rows=len(there), now=now, signer=self._signer)
                work.audit.record(
                    "audit.erased",
                    "seal",
                    str(seal.number),
                    now=now,
                    actor=actors.operator(by),
                    rows=list(there),
                    reason=reason,
                )
                work.audit.flush()
                work.seals.remove_rows(there, by=seal.number)
        return there

    def _due(self, what: str, period: timedelta) -> bool:
        now = self._clock.now()
        with self._store.read() as work:
            if not work.seals.has_turn(what, now=now, period=period):
                return False
        with self._store.write() as work:
            return work.seals.take_turn(what, now=now, period=period)

    def _sooner(self, what: str, wait: timedelta) -> None:
        with self._store.write() as work:
            work.seals.put_turn(what, at=self._clock.now() + wait)


def follows(work: UnitOfWork, anchored: Anchored) -> bool:
    """Whether the chain has the seal that was noted outside, or says that it was lost when an older database was put back."""
    seal = work.seals.numbered(anchored.number)
    if seal is not None and seal.hash == anchored.hash:
        return True
    broken = work.seals.newest_break()
    return broken is not None and broken.sealed_at >= anchored.at


def say_restored(
    work: UnitOfWork, *, by: str, backup_at: datetime | None, now: datetime, signer: Signer | None
) -> None:
    """Put the break into the chain that an older database makes: what was sealed after it is lost."""
    statement = {
        "restored": True,
        "backup_at": None if backup_at is None else seals.written(backup_at),
        "by": actors.operator(by),
    }
    work.seals.state(SealKind.BREAK, statement, rows=0, now=now, signer=signer)
