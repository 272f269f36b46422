from __future__ import annotations

import threading

import pytest

from access.failures import Permanent, Unknown
from simulator.jira.catalogue import MEMBER_PERMISSIONS
from simulator.jira.projects import Transition
from simulator.switches import change_switches
from tests.ticketing.desk import Desk
from ticketing.jira import Preferences
from ticketing.ports import Phase

MOVE = {"method": "POST", "path": "/transitions$"}


def writes(desk: Desk) -> list[str]:
    return [call for call in desk.calls() if call.startswith("POST") and call.endswith("transitions")]


@pytest.mark.parametrize("closed_by", ["Done", "Decline"])
def test_a_closed_ticket_is_brought_back(desk: Desk, closed_by: str) -> None:
    ref = desk.make()
    desk.close_by_hand(ref, closed_by)
    state = desk.provider.reopen(ref)
    assert (state.phase, state.status) == (Phase.OPEN, "To Do")


def test_it_is_brought_back_to_where_it_was_if_the_workflow_has_that_way(desk: Desk) -> None:
    workflow = desk.world.projects.by_id["10000"].workflow
    workflow.append(Transition("61", "Back to work", "3", ["10001", "10002"]))
    was_started, was_not = desk.make(), desk.make()
    desk.close_by_hand(was_started, "Start progress")
    for ref in (was_started, was_not):
        desk.close_by_hand(ref)
    assert desk.provider.reopen(was_started).status == "In Progress"
    assert desk.provider.reopen(was_not).status == "To Do"


def test_a_preferred_way_back_comes_first(desk: Desk) -> None:
    workflow = desk.world.projects.by_id["10000"].workflow
    workflow.append(Transition("61", "Back to work", "3", ["10001", "10002"]))
    ref = desk.make()
    desk.close_by_hand(ref)
    assert desk.other_provider(preferences=Preferences(reopen=["back to work"])).reopen(ref).status == "In Progress"


def test_reopening_an_open_ticket_changes_nothing(desk: Desk) -> None:
    ref = desk.make()
    assert desk.provider.reopen(ref).phase is Phase.OPEN
    assert writes(desk) == []


def test_a_workflow_without_a_way_back_is_permanent_and_says_what_to_do(desk: Desk) -> None:
    change_switches(desk.world.switches, reopen_transition=False)
    ref = desk.make()
    desk.close_by_hand(ref)
    with pytest.raises(Permanent, match="no way from Done") as caught:
        desk.provider.reopen(ref)
    assert "transition" in caught.value.remedy


def test_without_the_permission_the_remedy_names_it(desk: Desk) -> None:
    ref = desk.make()
    desk.close_by_hand(ref)
    assert "TRANSITION_ISSUES" in MEMBER_PERMISSIONS
    desk.world.projects.by_id["10000"].grants["TRANSITION_ISSUES"] = []
    with pytest.raises(Permanent) as caught:
        desk.provider.reopen(ref)
    assert "Transition issues" in caught.value.remedy


def test_reopening_a_deleted_ticket_is_permanent(desk: Desk) -> None:
    ref = desk.make()
    desk.world.tracker.delete(desk.issue(ref), "")
    with pytest.raises(Permanent) as caught:
        desk.provider.reopen(ref)
    assert caught.value.status == 404


@pytest.mark.parametrize("started", [True, False])
def test_a_withdrawn_ticket_is_closed_as_declined(desk: Desk, *, started: bool) -> None:
    ref = desk.make()
    if started:
        desk.close_by_hand(ref, "Start progress")
    state = desk.provider.close(ref)
    assert (state.phase, state.status, state.resolution) == (Phase.DECLINED, "Declined", "Won't Do")


def test_a_workflow_that_only_knows_done_is_closed_with_a_declining_resolution(desk: Desk) -> None:
    project = desk.world.projects.by_id["10000"]
    project.workflow = [each for each in project.workflow if each.name != "Decline"]
    state = desk.provider.close(desk.make())
    assert (state.phase, state.status, state.resolution) == (Phase.DECLINED, "Done", "Won't Do")


def test_a_resolution_that_the_screen_does_not_offer_is_not_sent(desk: Desk) -> None:
    change_switches(desk.world.switches, resolution_on_screen=False)
    project = desk.world.projects.by_id["10000"]
    project.workflow = [each for each in project.workflow if each.name != "Decline"]
    state = desk.provider.close(desk.make())
    assert (state.phase, state.resolution) == (Phase.DONE, "Done")


@pytest.mark.parametrize("closed_by", ["Done", "Decline"])
def test_closing_a_closed_ticket_changes_nothing(desk: Desk, closed_by: str) -> None:
    ref = desk.make()
    desk.close_by_hand(ref, closed_by)
    status = desk.issue(ref).status_id
    desk.provider.close(ref)
    assert desk.issue(ref).status_id == status
    assert writes(desk) == []


def test_closing_a_deleted_ticket_finds_it_gone(desk: Desk) -> None:
    ref = desk.make()
    desk.world.tracker.delete(desk.issue(ref), "")
    assert desk.provider.close(ref).phase is Phase.GONE


def test_a_lost_answer_is_unknown_and_the_next_call_finds_it_moved(desk: Desk) -> None:
    ref = desk.make()
    desk.fault(**MOVE, drop="after")
    with pytest.raises(Unknown):
        desk.provider.close(ref)
    assert desk.provider.close(ref).phase is Phase.DECLINED
    assert len(writes(desk)) == 1


def test_a_ticket_that_somebody_moves_in_between_is_as_wanted(desk: Desk) -> None:
    ref = desk.make()
    held = desk.fault(**MOVE, hold="before")
    found: list[Phase] = []
    worker = threading.Thread(target=lambda: found.append(desk.provider.close(ref).phase))
    worker.start()
    assert desk.simulators.faults.wait_until(held, holding=1)
    desk.close_by_hand(ref, "Done")
    desk.simulators.faults.release(held)
    worker.join(5)
    assert found == [Phase.DONE]


def test_a_refused_move_is_permanent(desk: Desk) -> None:
    ref = desk.make()
    desk.fault(**MOVE, status=400, body={"errorMessages": ["Say why first."], "errors": {}})
    with pytest.raises(Permanent, match="Say why first"):
        desk.provider.close(ref)
