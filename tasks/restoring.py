"""Restoring: what follows when an older database was put back.

The database does not know what was given since the backup, and the systems hold it. So nothing is changed until the requests
of the lost time were handed in again: what they find given counts as given by them, and is taken away when their time is up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from access import actors
from access.clock import Clock
from access.entitlements import System
from access.seals import Signer
from store.queries.restores import systems_read_since, unexplained
from store.restores import LostTicket, Restore
from store.unit_of_work import Store
from tasks.sealing import say_restored
from ticketing.ports import MadeTicket, TicketProvider

#: Before there was a Provisor.
_THE_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Unknown:
    """What the backup does not know.

    - ``requests``: how many requests were handed in again that it lacks.
    - ``appeared``: the accesses that appeared after the backup, and that no claim explains, of the systems in ``compared``.
    - ``not_read``: the systems whose state of today is not read yet; ``no_snapshot`` those of which the backup has no snapshot.
    """

    requests: int
    appeared: Sequence[Mapping[str, Any]]
    compared: Sequence[str]
    not_read: Sequence[str]
    no_snapshot: Sequence[str]


@dataclass(frozen=True, slots=True)
class Found:
    """A ticket of ours that the backup does not know, and what is known by now of its request and its operation."""

    ticket: LostTicket
    request_state: str | None
    operation_state: str | None


class Restoring:
    """Begins and ends the time after a restore; ``by`` is the OS user who decides that, ``signer`` signs what is sealed."""

    def __init__(self, store: Store, clock: Clock, *, by: str, signer: Signer | None = None) -> None:
        self._store = store
        self._clock = clock
        self._by = by
        self._signer = signer

    def latest(self) -> Restore | None:
        """The latest restore, over or not."""
        with self._store.read() as work:
            return work.restores.latest()

    def begin(self) -> bool:
        """Stop all changes of access; whether it was not so before."""
        now = self._clock.now()
        with self._store.write(holding="restore") as work:
            latest = work.restores.latest()
            if latest is not None and latest.ended_at is None:
                return False
            work.restores.begin(now=now)
            begun = work.restores.latest()
            backup_at = None if begun is None else begun.backup_at
            say_restored(work, by=self._by, backup_at=backup_at, now=now, signer=self._signer)
            work.audit.record("restore.began", "restore", "restore", now=now, actor=actors.operator(self._by))
        return True

    def end(self) -> bool:
        """Let access be changed again; whether it was stopped."""
        now = self._clock.now()
        with self._store.write(holding="restore") as work:
            latest = work.restores.latest()
            if latest is None or latest.ended_at is not None:
                return False
            work.restores.end(latest.id, now=now)
            handed_in = work.restores.count_handed_in(latest)
            work.audit.record(
                "restore.ended",
                "restore",
                "restore",
                now=now,
                actor=actors.operator(self._by),
                handed_in_again=handed_in,
            )
        return True

    def look_for_tickets(self, provider: TicketProvider) -> None:
        """Find the tickets of the lost time, which requests that are handed in again will ask by. Raises failure words.

        Of a database that knows nothing all tickets are looked for.
        """
        restore, now = self.latest(), self._clock.now()
        if restore is None or restore.ended_at is not None:
            return
        made = provider.made_since(restore.backup_at or _THE_BEGINNING)
        with self._store.write(holding="restore") as work:
            work.restores.keep_lost([_lost(each, now) for each in made])

    def lost_tickets(self) -> Sequence[Found]:
        """The tickets that were found."""
        with self._store.read() as work:
            return [Found(*each) for each in work.restores.lost_tickets()]

    def unknown(self, restore: Restore, systems: Sequence[System]) -> Unknown:
        """What the backup does not know of these systems."""
        with self._store.read() as work:
            requests = work.restores.count_handed_in(restore)
        read = systems_read_since(self._store, restore)
        compared = [system for system in systems if system in restore.systems and system in read]
        return Unknown(
            requests=requests,
            appeared=[row for system in compared for row in unexplained(self._store, system)],
            compared=compared,
            not_read=[system for system in systems if system in restore.systems and system not in read],
            no_snapshot=[system for system in systems if system not in restore.systems],
        )


def _lost(made: MadeTicket, now: datetime) -> LostTicket:
    data, ref = made.data, made.state.ref
    return LostTicket(
        marker=made.marker,
        request_id=data.get("request", ""),
        direction=data.get("direction", ""),
        entitlement=data.get("entitlement", ""),
        account_id=data.get("account", ""),
        project=ref.key.partition("-")[0],
        issue_key=ref.key,
        issue_url=ref.url,
        phase=str(made.state.phase),
        status=made.state.status,
        seen_at=now,
    )
