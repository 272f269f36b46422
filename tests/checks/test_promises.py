"""What ``make prove-promises`` counts, when a run proves nothing, and that the seed decides what is tried."""

from __future__ import annotations

from typing import Any

import pytest

from checks.promises import counted, digest, tried, why_void

SAYS = {"kind": "A", "on": "sqlite", "property": "p", "inputs": "1", "ended": "well", "faults": {"cut": 2}}
LINE: dict[str, Any] = SAYS | {"rightful": 2, "done": 2}


def test_cases_endings_removals_and_faults_are_counted() -> None:
    lines = [LINE, LINE | {"on": "postgresql", "ended": "kept", "done": 0}, LINE | {"faults": {"cut": 1, "away": 1}}]
    found = counted("A", lines)
    assert (found["cases"], found["on"]) == (3, {"sqlite": 2, "postgresql": 1})
    assert (found["wrongful"], found["lost"], found["kept"], found["failed"]) == (0, 0, 1, 0)
    assert (found["rightful_removals"], found["rightful_removals_done"]) == (6, 0.6667)
    assert found["faults"] == {"away": 1, "cut": 5}


ENOUGH = {
    "cases": 300,
    "on": {"sqlite": 150, "postgresql": 150},
    "rightful_removals": 1,
    "faults": {"unavailable": 20, "worker killed": 5},
}


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ({}, None),
        ({"cases": 299}, "299 cases"),
        ({"on": {"sqlite": 200, "postgresql": 99}}, "99 cases on postgresql"),
        ({"rightful_removals": 0}, "nothing was to be taken away"),
        ({"faults": {}}, "no fault fired"),
        ({"faults": {"unavailable": 19}}, "'unavailable' fired 19 times"),
        ({"faults": {"worker killed": 4}}, "'worker killed' fired 4 times"),
        ({"faults": {"unavailable": 20, "redirected": 0}}, "'redirected' fired 0 times"),
    ],
)
def test_a_run_that_tried_too_little_proves_nothing(kind: dict[str, Any], why: str | None) -> None:
    reasons = list(why_void({"A": ENOUGH | kind}))
    assert len(reasons) == (why is not None)
    assert why is None or why in reasons[0]


def test_the_order_of_inputs_counts_and_the_order_of_processes_does_not() -> None:
    one, two, other = LINE, LINE | {"inputs": "2"}, LINE | {"property": "q"}
    assert digest([one, two, other]) == digest([other, one, two])
    assert digest([one, two]) != digest([two, one])


@pytest.mark.long
def test_the_same_seed_sends_the_same_inputs_and_faults_in_the_same_order() -> None:
    modules = ["tests/flow/test_one_guard_over_http.py", "tests/tasks/test_faults_pass.py"]
    told = [
        # Fewer cases begin with the same simple ones, whatever the seed.
        [
            line
            for line in tried(modules, seed=seed, cases=24, workers=workers, seconds=500)[1]
            if line["on"] == "sqlite"
        ]
        for seed, workers in ((1, 1), (1, 2), (2, 1))
    ]
    assert digest(told[0]) == digest(told[1]) != digest(told[2])
    fired = [[line["faults"] for line in sorted(lines, key=lambda line: line["property"])] for lines in told]
    assert fired[0] == fired[1]
    assert any(fired[0])
