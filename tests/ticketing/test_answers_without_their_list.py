"""An answer without the list that was asked for is no empty list: what is not found is made again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from access.failures import Transient
from tests.ticketing.simulated_ticketing import MARKER, SimulatedTicketing
from ticketing.ports import Phase, TicketProvider, TicketRef

ANSWERS = [{}, {"errorMessages": ["Internal error"], "errors": {}}, {"message": "The service is warming up"}]
LOOKS: dict[str, Callable[[TicketProvider, TicketRef], Any]] = {
    "find": lambda provider, _: provider.find(MARKER, project="OPS"),
    "probe": lambda provider, _: provider.probe(MARKER, project="OPS", after_key=None),
    "comment": lambda provider, ref: provider.comment(ref, "Verified.", marker="1"),
    "close": lambda provider, ref: provider.transition(ref, Phase.DECLINED),
}


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_nothing_is_made_on_an_answer_without_its_list(harness: SimulatedTicketing, answer: dict[str, Any]) -> None:
    ref = harness.make()
    for name, look in LOOKS.items():
        fault = harness.fault(status=200, body=answer, times=None)
        with pytest.raises(Transient):
            pytest.fail(f"{name}: {look(harness.provider, ref)}")
        harness.simulators.faults.remove(fault)
    assert (len(harness.issues()), harness.issue(ref).comments) == (1, [])
