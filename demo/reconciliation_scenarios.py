"""Scenarios of what happens outside Provisor: somebody gets access behind its back, and somebody leaves."""

from __future__ import annotations

from demo.company import address
from demo.scenario import Scenario, ScenarioRun
from store.audit import AuditRow

_ENGINEERING, _FINANCE = (f"jumpcloud:group:{group}:member" for group in ("Engineering", "Finance"))


def _behind_its_back(run: ScenarioRun) -> None:
    run.environment.take_snapshots()  # What is there now is the baseline.
    run.environment.jumpcloud.act("add_member", group="Finance", user=address("barbara"))
    run.environment.take_snapshots()

    def is_found(row: AuditRow) -> bool:
        return (
            row.event == "finding.opened" and row.detail["kind"] == "unexpected" and "Barbara" in row.detail["account"]
        )

    run.until_told("a finding: Barbara is in Finance, and no request explains that", is_found)
    run.sees_access("barbara", _FINANCE)


def _leaves(run: ScenarioRun) -> None:
    run.send(run.request("grant", "vint", _FINANCE, duration="PT1H"))
    run.ends()
    run.environment.take_snapshots()  # What is there now is the baseline.
    run.environment.jumpcloud.act("suspend_user", user=address("vint"))
    run.environment.take_snapshots()
    run.until_told("a leaver: Vint was read singly, twice, and is suspended", lambda row: row.event == "leaver.left")
    run.until("claim.ended")
    run.sees_access("vint", _FINANCE, held=False)
    run.sees_access("vint", _ENGINEERING)


RECONCILIATION_SCENARIOS = (
    Scenario(
        "behind-its-back",
        "Somebody adds Barbara to a group by hand",
        "found by the next snapshot, and reported; policy says watch",
        _behind_its_back,
    ),
    Scenario(
        "leaver",
        "Vint is suspended in the directory",
        "access for a time ends; what was there before waits for an approval",
        _leaves,
    ),
)
