"""Who made the differences: one bounded look at the log of a system for all of them, and what the log explains.

The cursor of a look is the findings' own: it goes back to the earliest moment from which one of them is not known. Where there
is nothing to ask about, no log is read. A log that is away, or may not be read, keeps nothing waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import structlog

from access.attribution import LATE, Attribution, Reading, attribute, may_be_told, still_ours
from access.clock import Clock
from access.entitlements import System
from access.findings import Difference, Finding, FindingKind, NotKnown, Told
from access.snapshots import Snapshot
from store.queries.people import PeopleQueries
from store.unit_of_work import Store, UnitOfWork
from tasks.managing import pieces

_log = structlog.get_logger(__name__)

T = TypeVar("T")

#: The log of a system since a time, or why there is none to go by.
ReadLog = Callable[[System, datetime], Reading]

#: Open findings that one look asks about again.
_ASKED_AGAIN = 2000

#: Rows that one transaction writes.
_WRITTEN = 100


def no_log(_system: System, _since: datetime) -> Reading:
    """What is read where no log is connected."""
    return NotKnown("no log of the system is read")


class Attributing:
    """Asks logs about differences and findings."""

    def __init__(self, store: Store, clock: Clock, read_log: ReadLog) -> None:
        self._store = store
        self._clock = clock
        self._read_log = read_log

    def ask(
        self, new: Sequence[Difference], snapshot: Snapshot, *, since: datetime
    ) -> list[tuple[Difference, dict[str, Any]]]:
        """The differences that the system's own does not explain, each with the columns that say who made it.

        ``since`` is when the snapshot before began, which did not show them. Open findings that the log may tell about by now
        are asked about in the same look.
        """
        with self._store.read() as work:
            waiting = work.findings.asked_about(snapshot.system, limit=_ASKED_AGAIN)
        asked = [each.ask_since for each in waiting if each.ask_since is not None]
        reading: Reading = NotKnown("no log tells of it")
        if asked or any(may_be_told(each) for each in new):
            reading = self._read(snapshot.system, min([since, *asked]))
        shown = snapshot.completed_at
        told = self._named(
            snapshot.system, [(each, attribute(each, reading, since=since, shown=shown)) for each in new]
        )
        again = self._named(
            snapshot.system,
            [(each, attribute(each, reading, since=each.ask_since or since, shown=shown)) for each in waiting],
        )
        self._write_again(again, snapshot)
        explained = [(each, cause) for each, attribution in told if (cause := _cause(each, attribution)) is not None]
        self._explain(explained, snapshot)
        causes = {(each.kind, each.key) for each, _ in explained}
        return [
            (each, self._columns(each, attribution, ask_since=since))
            for each, attribution in told
            if (each.kind, each.key) not in causes
        ]

    def _read(self, system: System, since: datetime) -> Reading:
        try:
            return self._read_log(system, since)
        except Exception:  # noqa: BLE001 - who did it is a help, and keeps nothing from going on
            _log.exception("attribution.failed", system=str(system))
            return NotKnown("the log could not be read", again=True)

    def _named(self, system: System, told: Sequence[tuple[T, Attribution]]) -> list[tuple[T, Attribution]]:
        """The same with accounts of the system by their titles: a log may name its actors by id."""
        actors = {each.by for _, each in told if isinstance(each, Told)}
        if not actors:
            return list(told)
        with self._store.database.read() as connection:
            rows = {actor: PeopleQueries(connection).account(system, actor) for actor in actors}
        titles = {actor: str(row["title"]) for actor, row in rows.items() if row is not None}
        return [
            (of, replace(each, by=titles.get(each.by, each.by)) if isinstance(each, Told) else each)
            for of, each in told
        ]

    def _columns(self, of: Difference | Finding, attribution: Attribution, *, ask_since: datetime) -> dict[str, Any]:
        """What is stored about a difference: who made it, or why that is not known and from when on to ask again."""
        columns: dict[str, Any] = dict.fromkeys(("done_by", "done_at", "done_record", "not_known", "ask_since"))
        if isinstance(attribution, Told):
            columns |= {"done_by": attribution.by, "done_at": attribution.at, "done_record": attribution.record}
            return columns | {"ours_at": still_ours(of, attribution)}
        return columns | {"not_known": attribution.why, "ask_since": ask_since if attribution.again else None}

    def _write_again(self, again: Sequence[tuple[Finding, Attribution]], snapshot: Snapshot) -> None:
        """Write what the log tells by now of open findings, and close those that it explains."""
        now = self._clock.now()
        explained = [(each, cause) for each, told in again if (cause := _cause(each, told)) is not None]
        self._explain(explained, snapshot)
        closed = {each.id: cause for each, cause in explained}
        for some in pieces(again, _WRITTEN):
            with self._store.write() as work:
                for each, told in some:
                    if each.id in closed:
                        why = f"It is explained: {closed[each.id]}."
                        work.findings.close([each.id], why=why, last_seen_at=snapshot.began_at, now=now)
                        work.audit.record("finding.closed", "finding", str(each.id), now=now, why=why)
                    elif isinstance(told, Told) or now - each.first_seen_at > LATE:
                        self._settle(work, each, told, now=now)

    def _settle(self, work: UnitOfWork, finding: Finding, told: Attribution, *, now: datetime) -> None:
        """The log has told who it was, or has had its time."""
        final = told if isinstance(told, Told) else NotKnown(told.why)
        work.findings.set(finding.id, **self._columns(finding, final, ask_since=now))
        if isinstance(told, Told):
            work.audit.record("finding.attributed", "finding", str(finding.id), now=now, **in_words(told))

    def _explain(self, explained: Sequence[tuple[Difference | Finding, str]], snapshot: Snapshot) -> None:
        """Note access that the system's own gave: it is explained as long as it lasts."""
        for some in pieces(explained, _WRITTEN):
            with self._store.write() as work:
                named = sorted({str(each.entitlement) for each, _ in some})
                managed = work.managed.by_entitlement(named)
                holders = [
                    ((managed[str(each.entitlement)].id, _holder_kind(each), each.account_id), cause)
                    for each, cause in some
                    if str(each.entitlement) in managed
                ]
                work.managed.explain(holders)
                for each, cause in some:
                    work.audit.record(
                        "access.explained",
                        "sync_run",
                        snapshot.run_id,
                        now=self._clock.now(),
                        account=each.account_title,
                        entitlement=str(each.entitlement),
                        cause=cause,
                    )


def in_words(told: Told) -> dict[str, Any]:
    """What the audit and events say of who made a difference."""
    return {"done_by": told.by, "done_at": told.at.isoformat(), "done_record": told.record}


def _cause(of: Difference | Finding, attribution: Attribution) -> str | None:
    """What of the system's own explains access that nothing else does; None where nothing does."""
    if of.kind not in (FindingKind.UNEXPECTED, FindingKind.RETURNED):
        return None
    if isinstance(of, Difference) and of.cause is not None:
        return of.cause
    return attribution.cause if isinstance(attribution, Told) else None


def _holder_kind(of: Difference | Finding) -> str:
    is_group = of.group if isinstance(of, Difference) else of.holder_is_group
    return "group" if is_group else "account"
