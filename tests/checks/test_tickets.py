"""When a run of ``make prove-tickets`` proves nothing."""

from __future__ import annotations

from typing import Any

import pytest

from checks.tickets import why_void

HAPPENED = {
    "closed again by automation": 3,
    "hidden": 3,
    "opened again as untrue": 4,
    "opened again by automation": 3,
    "unreadable": 3,
}
ENOUGH: dict[str, Any] = {"answers_lost": 5, "kills": 2, "happened": HAPPENED}


@pytest.mark.parametrize(
    ("figures", "why"),
    [
        ({}, None),
        ({"answers_lost": 0}, "no answer was lost"),
        ({"kills": 1}, "killed 1 times"),
        ({"happened": HAPPENED | {"hidden": 0}}, "no ticket was hidden"),
        ({"happened": {}}, "unreadable"),
    ],
)
def test_a_run_in_which_too_little_went_wrong_proves_nothing(figures: dict[str, Any], why: str | None) -> None:
    void = list(why_void(ENOUGH | figures, kills=2))
    assert bool(void) is (why is not None)
    assert why is None or any(why in each for each in void)
