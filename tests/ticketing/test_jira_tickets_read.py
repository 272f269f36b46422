from __future__ import annotations

import pytest

from access.failures import CredentialRefused, Permanent, Transient
from simulator.jira.projects import Project
from simulator.switches import change_switches
from tests.ticketing.desk import Desk, add_project
from ticketing.ports import Phase, TicketRef
from ticketing.status import StatusMap


def phase(desk: Desk, ref: TicketRef) -> Phase:
    return desk.provider.read([ref.id])[ref.id].phase


def test_a_ticket_is_open_until_somebody_closes_it(desk: Desk) -> None:
    ref = desk.make()
    assert phase(desk, ref) is Phase.OPEN
    desk.close_by_hand(ref, "Start progress")
    assert phase(desk, ref) is Phase.OPEN
    desk.close_by_hand(ref, "Done")
    state = desk.provider.read([ref.id])[ref.id]
    assert (state.phase, state.status, state.resolution) == (Phase.DONE, "Done", "Done")


def test_a_ticket_is_declined_by_its_status_or_by_its_resolution(desk: Desk) -> None:
    by_status, by_resolution = desk.make(), desk.make()
    desk.close_by_hand(by_status, "Decline", resolution="Done")
    desk.close_by_hand(by_resolution, "Done", resolution="Won't Do")
    states = desk.provider.read([by_status.id, by_resolution.id])
    assert [states[ref.id].phase for ref in (by_status, by_resolution)] == [Phase.DECLINED, Phase.DECLINED]


@pytest.mark.parametrize("name", ["Erledigt", "完了", "Open"])
def test_a_translated_or_misleading_status_name_makes_no_difference(desk: Desk, name: str) -> None:
    ref = desk.make()
    desk.close_by_hand(ref)
    desk.world.catalogue.statuses["10001"].name = name
    assert phase(desk, ref) is Phase.DONE
    assert desk.provider.reopen(ref).phase is Phase.OPEN
    assert desk.provider.close(ref).phase is Phase.DECLINED


def test_a_team_managed_ticket_is_done_without_a_resolution(desk: Desk) -> None:
    add_project(desk.world, Project("10002", "TEAM", "Team", style="next-gen"))
    ref = desk.make(project="TEAM", issue_type="Task")
    desk.close_by_hand(ref)
    state = desk.provider.read([ref.id])[ref.id]
    assert (state.phase, state.resolution) == (Phase.DONE, None)


def test_names_that_decline_may_differ_by_project(desk: Desk) -> None:
    desk.world.catalogue.statuses["10002"].name = "Abgelehnt"
    ref = desk.make()
    desk.close_by_hand(ref, "Decline", resolution="Done")
    german = desk.other_provider(statuses=StatusMap(projects={"OPS": ["abgelehnt"]}))
    assert phase(desk, ref) is Phase.DONE
    assert german.read([ref.id])[ref.id].phase is Phase.DECLINED


def test_the_assignee_is_shown(desk: Desk) -> None:
    ref = desk.make()
    desk.issue(ref).assignee = next(iter(desk.world.directory.users))
    assert desk.provider.read([ref.id])[ref.id].assignee == "Admin Person"


def test_a_deleted_ticket_is_gone(desk: Desk) -> None:
    ref, other = desk.make(), desk.make()
    desk.world.tracker.delete(desk.issue(ref), "")
    states = desk.provider.read([ref.id, other.id])
    assert (states[ref.id].phase, states[other.id].phase) == (Phase.GONE, Phase.OPEN)


def test_a_moved_ticket_keeps_its_id_and_shows_its_new_key(desk: Desk) -> None:
    ref = desk.make()
    desk.world.tracker.move(desk.issue(ref), desk.world.projects.by_id["10001"], "")
    state = desk.provider.read([ref.id])[ref.id]
    assert state.ref == TicketRef(id=ref.id, key="PAY-1", url=f"{desk.simulators.jira_url}/browse/PAY-1")


def test_reading_does_not_lag_as_search_does(desk: Desk) -> None:
    change_switches(desk.world.switches, search_lag_ms=600_000)
    ref = desk.make()
    desk.close_by_hand(ref)
    assert phase(desk, ref) is Phase.DONE


def test_a_hundred_tickets_are_one_call_and_one_more_is_another(desk: Desk) -> None:
    ids = [desk.make().id for _ in range(101)]
    desk.forget_calls()
    assert set(desk.provider.read([*ids, ids[0]])) == set(ids)
    assert desk.calls() == ["POST /rest/api/3/issue/bulkfetch"] * 2


def test_nothing_to_read_is_no_call(desk: Desk) -> None:
    assert desk.provider.read([]) == {}
    assert desk.calls() == []


def test_a_ticket_that_only_the_bulk_answer_left_out_is_not_gone(desk: Desk) -> None:
    ref = desk.make()
    desk.fault(path="bulkfetch", status=200, body={"issues": [], "issueErrors": []})
    assert phase(desk, ref) is Phase.OPEN


@pytest.mark.parametrize("token", ["wrong", "expired"])
def test_a_bad_credential_never_makes_tickets_gone(desk: Desk, token: str) -> None:
    ref = desk.make()
    with pytest.raises(CredentialRefused):
        desk.other_provider(token=token).read([ref.id])


def test_a_token_that_is_revoked_between_two_calls_never_makes_tickets_gone(desk: Desk) -> None:
    ref = desk.make()
    desk.fault(path="bulkfetch", status=200, body={"issues": []})
    desk.world.tokens.by_value["sim-token"].revoked = True
    with pytest.raises(CredentialRefused):
        desk.provider.read([ref.id])


@pytest.mark.parametrize("status", [403, 500])
def test_a_failure_of_the_second_look_does_not_make_a_ticket_gone(desk: Desk, status: int) -> None:
    ref = desk.make()
    desk.world.tracker.delete(desk.issue(ref), "")
    desk.fault(method="GET", path=f"/issue/{ref.id}", status=status)
    with pytest.raises((Permanent, Transient)):
        desk.provider.read([ref.id])
