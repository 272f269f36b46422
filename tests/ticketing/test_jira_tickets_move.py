from __future__ import annotations

import threading

import pytest

from access.failures import Permanent, Unknown
from simulator.jira.actions import act
from simulator.jira.catalogue import MEMBER_PERMISSIONS
from simulator.jira.projects import Transition
from simulator.switches import change_switches
from tests.ticketing.simulated_ticketing import SimulatedTicketing
from ticketing.ports import Phase, who_closed

MOVE = {"method": "POST", "path": "/transitions$"}


def writes(harness: SimulatedTicketing) -> list[str]:
    return [call for call in harness.calls() if call.startswith("POST") and call.endswith("transitions")]


@pytest.mark.parametrize("closed_by", ["Done", "Decline"])
def test_a_closed_ticket_is_brought_back(harness: SimulatedTicketing, closed_by: str) -> None:
    ref = harness.make()
    harness.close_by_hand(ref, closed_by)
    state = harness.provider.transition(ref, Phase.OPEN)
    assert (state.phase, state.status) == (Phase.OPEN, "To Do")


def test_it_is_brought_back_to_where_it_was_if_the_workflow_has_that_way(harness: SimulatedTicketing) -> None:
    workflow = harness.world.projects.by_id["10000"].workflow
    workflow.append(Transition("61", "Back to work", "3", ["10001", "10002"]))
    was_started, was_not = harness.make(), harness.make()
    harness.close_by_hand(was_started, "Start progress")
    for ref in (was_started, was_not):
        harness.close_by_hand(ref)
    assert harness.provider.transition(was_started, Phase.OPEN).status == "In Progress"
    assert harness.provider.transition(was_not, Phase.OPEN).status == "To Do"


def test_reopening_an_open_ticket_changes_nothing(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    assert harness.provider.transition(ref, Phase.OPEN).phase is Phase.OPEN
    assert writes(harness) == []


def test_a_workflow_without_a_way_back_is_permanent_and_says_what_to_do(harness: SimulatedTicketing) -> None:
    change_switches(harness.world.switches, reopen_transition=False)
    ref = harness.make()
    harness.close_by_hand(ref)
    with pytest.raises(Permanent, match="no way from Done") as caught:
        harness.provider.transition(ref, Phase.OPEN)
    assert "transition" in caught.value.remedy


def test_without_the_permission_the_remedy_names_it(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.close_by_hand(ref)
    assert "TRANSITION_ISSUES" in MEMBER_PERMISSIONS
    harness.world.projects.by_id["10000"].grants["TRANSITION_ISSUES"] = []
    with pytest.raises(Permanent) as caught:
        harness.provider.transition(ref, Phase.OPEN)
    assert "Transition issues" in caught.value.remedy


def test_reopening_a_deleted_ticket_is_permanent(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.world.tracker.delete(harness.issue(ref), "")
    with pytest.raises(Permanent) as caught:
        harness.provider.transition(ref, Phase.OPEN)
    assert caught.value.status == 404


@pytest.mark.parametrize("started", [True, False])
def test_a_withdrawn_ticket_is_closed_as_declined(harness: SimulatedTicketing, *, started: bool) -> None:
    ref = harness.make()
    if started:
        harness.close_by_hand(ref, "Start progress")
    state = harness.provider.transition(ref, Phase.DECLINED)
    assert (state.phase, state.status, state.resolution) == (Phase.DECLINED, "Declined", "Won't Do")


def test_a_workflow_that_only_knows_done_is_closed_with_a_declining_resolution(harness: SimulatedTicketing) -> None:
    project = harness.world.projects.by_id["10000"]
    project.workflow = [each for each in project.workflow if each.name != "Decline"]
    state = harness.provider.transition(harness.make(), Phase.DECLINED)
    assert (state.phase, state.status, state.resolution) == (Phase.DECLINED, "Done", "Won't Do")


@pytest.mark.parametrize("closed_by", ["Done", "Decline"])
def test_closing_a_closed_ticket_changes_nothing(harness: SimulatedTicketing, closed_by: str) -> None:
    ref = harness.make()
    harness.close_by_hand(ref, closed_by)
    status = harness.issue(ref).status_id
    harness.provider.transition(ref, Phase.DECLINED)
    assert harness.issue(ref).status_id == status
    assert writes(harness) == []


def test_closing_a_deleted_ticket_finds_it_gone(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.world.tracker.delete(harness.issue(ref), "")
    assert harness.provider.transition(ref, Phase.DECLINED).phase is Phase.GONE


def test_a_lost_answer_is_unknown_and_the_next_call_finds_it_moved(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.fault(**MOVE, drop="after")
    with pytest.raises(Unknown):
        harness.provider.transition(ref, Phase.DECLINED)
    assert harness.provider.transition(ref, Phase.DECLINED).phase is Phase.DECLINED
    assert len(writes(harness)) == 1


def test_a_ticket_that_somebody_moves_in_between_is_as_wanted(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    held = harness.fault(**MOVE, hold="before")
    found: list[Phase] = []
    worker = threading.Thread(target=lambda: found.append(harness.provider.transition(ref, Phase.DECLINED).phase))
    worker.start()
    assert harness.simulators.faults.wait_until(held, holding=1, timeout=300)
    harness.close_by_hand(ref, "Done")
    harness.simulators.faults.release(held)
    worker.join(300)
    assert found == [Phase.DONE]


def test_a_refused_move_is_permanent(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.fault(**MOVE, status=400, body={"errorMessages": ["Say why first."], "errors": {}})
    with pytest.raises(Permanent, match="Say why first"):
        harness.provider.transition(ref, Phase.DECLINED)


def test_g3_who_closed_a_ticket_comes_from_its_history(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    carol = act(harness.world, "create_user", email="carol@acme.example", name="Carol Shaw")
    assert who_closed(harness.provider.changelog(ref)) is None
    harness.close_by_hand(ref, by=carol["account_id"])
    assert who_closed(harness.provider.changelog(ref)) == "Carol Shaw"


@pytest.mark.parametrize("on_edit_screen", [True, False])
def test_g4_a_resolution_that_the_way_back_keeps_is_cleared_or_shown(
    harness: SimulatedTicketing, *, on_edit_screen: bool
) -> None:
    change_switches(harness.world.switches, resolution_kept_on_reopening=True)
    if on_edit_screen:
        act(harness.world, "put_on_screen", project="OPS", field="resolution")
    ref = harness.make()
    harness.close_by_hand(ref, resolution="Done")
    state = harness.provider.transition(ref, Phase.OPEN)
    assert state.phase is Phase.OPEN
    assert state.resolution == (None if on_edit_screen else "Done")
