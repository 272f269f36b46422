from __future__ import annotations

from collections.abc import Iterator

from access.clock import Clock
from access.faults import Fault
from cli.problems import Problem
from cli.store_access import store_if_any
from config.settings import Settings
from store.alarms import Alarm
from tasks.doctor.findings import Check, Finding

_FAULTS, _ALARMS = Check("work", "faults"), Check("work", "alarms")

#: So many of each are told; the lists have all.
_MOST = 10


def examine_work(settings: Settings, _clock: Clock) -> Iterator[Finding]:
    """What keeps work from going on as the store knows it, and what a person has to look at."""
    try:
        with store_if_any(settings) as store:
            if store is None:
                return
            with store.read() as work:
                faults, alarms = work.faults.all(), work.alarms.lasting()
                held = {fault.id: len(work.faults.rows(fault.id)) for fault in faults}
    except Problem:
        return  # The examination of the store says so.
    told = {str(fault.id) for fault in faults}
    others = [alarm for alarm in alarms if (alarm.entity, alarm.ref in told) != ("fault", True)]
    if not faults:
        yield _FAULTS.ok("No fault keeps work from going on.")
    for fault in faults[:_MOST]:
        yield _FAULTS.warning(_said(fault, held[fault.id]), fault.remedy)
    if len(faults) > _MOST:
        yield _FAULTS.warning(f"There are {len(faults) - _MOST:,} more faults.", "See 'provisor waiting'.")
    if not others:
        yield _ALARMS.ok("No other alarm lasts.")
    for alarm in others[:_MOST]:
        yield _ALARMS.warning(_alarm_said(alarm), alarm.remedy)
    if len(others) > _MOST:
        yield _ALARMS.warning(f"{len(others) - _MOST:,} more alarms last.", "See 'provisor alarms'.")


def _said(fault: Fault, held: int) -> str:
    rows = "one piece of work waits" if held == 1 else f"{held:,} pieces of work wait"
    return f"Since {fault.since:%Y-%m-%d %H:%M} UTC {rows} for {fault.place}: {fault.what}"


def _alarm_said(alarm: Alarm) -> str:
    return (
        f"Since {alarm.raised_at:%Y-%m-%d %H:%M} UTC there is an alarm about {alarm.entity} {alarm.ref}: {alarm.what}"
    )
