from __future__ import annotations

from typing import TYPE_CHECKING, Any

from access.entitlements import System
from cli import output
from cli.options import AsJson, ConfigFile, OfSystem
from cli.os_user import os_user
from cli.output import cell, counted
from cli.store_access import opened, settings_problems

if TYPE_CHECKING:
    from tasks.reconciliation import Outcome


def reconcile(config: ConfigFile = None, system: OfSystem = None, as_json: AsJson = False) -> None:
    """Compare the newest snapshots with what should be, and make a plan of what policy does about the findings.

    Nothing is changed by it: see 'provisor findings list' and 'provisor plans list'. 'provisor up' compares each new snapshot by
    itself.
    """
    from access.clock import MeasuredClock
    from tasks.reconciliation import Reconciliation
    from worker.attribution import Logs
    from worker.policy import policy_from
    from worker.systems.definition import Dependencies
    from worker.systems.table import SYSTEMS

    with opened(config) as (settings, store):
        with settings_problems():
            policy, _ = policy_from(settings)
        clock = MeasuredClock(store.now)
        logs = Logs(Dependencies(settings, store, clock), SYSTEMS)
        reconciliation = Reconciliation(store, clock, policy, attribution=logs.read)
        outcomes = [reconciliation.reconcile(each, maker=os_user()) for each in ([system] if system else System)]
    if as_json:
        output.print_json_rows(map(_facts, outcomes))
    else:
        output.print_lines(*(line for each in outcomes for line in _in_words(each)))


def _facts(outcome: Outcome) -> dict[str, Any]:
    return {
        "system": str(outcome.system),
        "run": outcome.run_id,
        "compared": outcome.why_not is None,
        "why_not": outcome.why_not,
        "new": outcome.found,
        "closed": outcome.closed,
        "baselines": outcome.baselines,
        "open": dict(outcome.counts),
        "plans": list(outcome.plans),
        "cut": outcome.cut,
    }


def _in_words(outcome: Outcome) -> list[str]:
    label = outcome.system.label
    if outcome.why_not is not None:
        return [f"{label}: not compared. {cell(outcome.why_not)}"]
    total = sum(outcome.counts.values())
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(outcome.counts.items()))
    lines = [f"{label}: {counted(total, 'open finding')}" + (f" ({kinds})" if kinds else "")]
    lines += [f"  {outcome.found:,} are new, {outcome.closed:,} closed"]
    if outcome.baselines:
        lines.append(f"  {counted(outcome.baselines, 'resource')} managed newly: what is there now is their baseline")
    if outcome.cut:
        lines.append("  There are more: the next look takes them up. So many have one cause; look for it first.")
    return lines + [f"  plan {plan}: see 'provisor plans show {plan}'" for plan in outcome.plans]
