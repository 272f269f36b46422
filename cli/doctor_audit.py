from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from access.clock import Clock
from access.failures import Failure
from cli.problems import Problem
from cli.store_access import store_if_any
from config.settings import Settings
from tasks.doctor.findings import Check, Finding
from tasks.sealing import follows
from worker.anchors import places_from

if TYPE_CHECKING:
    from store.unit_of_work import Store

#: A row that waits longer for its seal has nobody who seals.
_WAITS = timedelta(minutes=10)

_SEALING, _OUTSIDE = Check("audit", "sealing"), Check("audit", "outside")


def examine_audit(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """Whether the audit trail is sealed, and whether what is noted outside is in its chain."""
    try:
        with store_if_any(settings) as store:
            if store is not None:
                yield from _sealing(store, clock)
                yield from _outside(settings, store, clock)
    except Problem:
        return  # The examination of the store says so.


def _sealing(store: Store, clock: Clock) -> Iterator[Finding]:
    with store.read() as work:
        waiting = work.seals.waiting_since()
    if waiting is not None and clock.now() - waiting > _WAITS:
        yield _SEALING.warning(
            f"Rows of the audit trail wait for their seal since {waiting:%Y-%m-%d %H:%M} UTC.",
            "Let 'provisor up' run, with the role scheduler.",
        )


def _outside(settings: Settings, store: Store, clock: Clock) -> Iterator[Finding]:
    for place in places_from(settings, store, clock):
        try:
            noted = place.read()
        except Failure as failure:
            yield _OUTSIDE.problem(failure.what, failure.remedy)
            continue
        with store.read() as work:
            wrong = next((each for each in noted if not follows(work, each)), None)
        if wrong is not None:
            yield _OUTSIDE.problem(
                f"Seal {wrong.number}, noted in {place.name} {wrong.at:%Y-%m-%d %H:%M} UTC, is not in the chain of the audit "
                "trail: it was written anew, or an older database was put back.",
                "See 'provisor audit verify'. Where a backup was put back, 'provisor restore begin' says so.",
            )
        elif noted:
            yield _OUTSIDE.ok(
                f"What is noted in {place.name} agrees with the audit trail up to seal {noted[-1].number}."
            )
        else:
            yield _OUTSIDE.unknown(f"Nothing is noted in {place.name} yet.")
