"""How ``make chaos`` judges what the systems' journals tell, and when a storm proves nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from checks.storms.verdict import Change, Findings, judge, summed, why_void
from checks.storms.workload import Asked, Holding, Workload

HELD: Holding = ("jumpcloud", "group", "user")
WATCHER: Holding = ("jumpcloud", "group", "watcher")
GRANT = Asked("r", HELD, "e", "jumpcloud:group:g:member", ("add",))
REVOKE = Asked("r", HELD, "e", "jumpcloud:group:g:member", ("add", "remove"), action="revoke")
TIMED = Asked("r", HELD, "e", "jumpcloud:group:g:member", ("add", "remove"), duration="PT2S")
TICKET = Asked("r", HELD, "e", "jumpcloud:group:g:member", ("add",), by_ticket=True)


def changes(*ops: str, every: float = 3.0) -> list[Change]:
    return [Change(op, number * every) for number, op in enumerate(ops)]


def judged(
    asked: Asked,
    told: Sequence[Change],
    *,
    watcher: Sequence[Change] = (Change("add", 0.0),),
    state: str = "done",
    issues: int = 0,
    received: int = 1,
) -> Findings:
    workload = Workload((asked,), frozenset({WATCHER}))
    told_of: dict[Holding, Sequence[Change]] = {
        HELD: told,
        WATCHER: watcher,
        ("jira", "of others", "user"): changes("add"),
    }
    return judge(workload, told_of, states={"r": state}, issues={"r": issues}, received={"r": received})


@pytest.mark.parametrize(
    ("asked", "told", "more", "broken"),
    [
        (GRANT, changes("add"), {}, None),
        (GRANT, [], {}, "lost"),
        (GRANT, changes("add"), {"state": "failed"}, "lost"),
        (GRANT, changes("add"), {"state": "fulfilling"}, "lost"),
        (GRANT, changes("add", "remove"), {}, "wrongful"),
        (GRANT, changes("add", "remove"), {"state": "failed"}, "wrongful"),
        (GRANT, changes("add", "remove", "add"), {}, "doubled"),
        (GRANT, changes("add"), {"issues": 1}, "doubled"),
        (GRANT, changes("add"), {"received": 2}, "doubled"),
        (GRANT, changes("add"), {"watcher": changes("add", "remove")}, "wrongful"),
        (REVOKE, changes("add", "remove"), {}, None),
        (REVOKE, changes("add"), {}, "kept"),
        (REVOKE, changes("add", "remove", "add"), {}, "kept"),
        (REVOKE, changes("add", "remove", "add", "remove"), {}, "doubled"),
        (TIMED, changes("add", "remove"), {}, None),
        (TIMED, changes("add", "remove", every=0.2), {}, "wrongful"),
        (TIMED, changes("add"), {}, "kept"),
        (TIMED, [], {}, "lost"),
        (TICKET, changes("add"), {"issues": 1}, None),
        (TICKET, changes("add"), {"issues": 2}, "doubled"),
    ],
)
def test_each_broken_promise_is_called_by_its_name(
    asked: Asked, told: list[Change], more: dict[str, Any], broken: str | None
) -> None:
    found = judged(asked, told, **more)
    expected = {"lost": 0, "doubled": 0, "wrongful": 0, "kept": 0}
    assert {name: number for name, number in found.counts().items() if name != "done"} == (
        expected if broken is None else expected | {broken: 1}
    )
    assert len([*found.lines()]) == (broken is not None)


def test_a_storm_whose_faults_came_too_seldom_proves_nothing() -> None:
    assert why_void({"kill": 2, "other": 5}, {"kill": 2}) == []
    [why] = why_void({"kill": 1}, {"kill": 2})
    assert "'kill' fired 1 times" in why
    assert len(why_void({}, {"kill": 1, "cut": 1})) == 2


def test_all_storms_are_well_only_if_each_is() -> None:
    counts = {"requests": 2, "done": 2, "lost": 0, "doubled": 0, "wrongful": 0, "kept": 0}
    well, ill = {"storm": "a", "ok": True, **counts}, {"storm": "b", "ok": False, **counts, "done": 1, "lost": 1}
    assert summed([well])["ok"]
    assert summed([well, ill]) == {
        "ok": False,
        "storms": {"a": True, "b": False},
        **counts,
        "requests": 4,
        "done": 3,
        "lost": 1,
    }
    assert not summed([])["ok"]
