from __future__ import annotations

from typing import Any

import pytest

from access.failures import CredentialRefused, Permanent, Transient
from simulator.switches import change_switches
from tests.ticketing.simulated_ticketing import SimulatedTicketing, state_of
from ticketing.ports import Phase, TicketRef, TicketSnapshot
from ticketing.status import StatusMap


def phase(harness: SimulatedTicketing, ref: TicketRef) -> Phase:
    return harness.state(ref).phase


def test_a_ticket_is_open_until_somebody_closes_it(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    assert phase(harness, ref) is Phase.OPEN
    harness.close_by_hand(ref, "Start progress")
    assert phase(harness, ref) is Phase.OPEN
    harness.close_by_hand(ref, "Done")
    state = harness.state(ref)
    assert (state.phase, state.status, state.resolution) == (Phase.DONE, "Done", "Done")


def test_a_ticket_is_declined_by_its_status_or_by_its_resolution(harness: SimulatedTicketing) -> None:
    by_status, by_resolution = harness.make(), harness.make()
    harness.close_by_hand(by_status, "Decline", resolution="Done")
    harness.close_by_hand(by_resolution, "Done", resolution="Won't Do")
    states = harness.provider.read([by_status.id, by_resolution.id])
    assert [getattr(states[ref.id], "phase", None) for ref in (by_status, by_resolution)] == [Phase.DECLINED] * 2


def test_a_misleading_status_name_makes_no_difference(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.close_by_hand(ref)
    harness.world.catalogue.statuses["10001"].name = "Open"
    assert phase(harness, ref) is Phase.DONE
    assert harness.provider.transition(ref, Phase.OPEN).phase is Phase.OPEN
    assert harness.provider.transition(ref, Phase.DECLINED).phase is Phase.DECLINED


def test_the_names_that_decline_are_the_settings(harness: SimulatedTicketing) -> None:
    harness.world.catalogue.statuses["10002"].name = "Abgelehnt"
    ref = harness.make()
    harness.close_by_hand(ref, "Decline", resolution="Done")
    german = harness.other_provider(statuses=StatusMap(["abgelehnt"]))
    assert phase(harness, ref) is Phase.DONE
    assert state_of(german, ref).phase is Phase.DECLINED


def test_the_assignee_is_shown(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.issue(ref).assignee = next(iter(harness.world.directory.users))
    assert harness.state(ref).assignee == "Admin Person"


def test_a_deleted_ticket_is_gone(harness: SimulatedTicketing) -> None:
    ref, other = harness.make(), harness.make()
    harness.world.tracker.delete(harness.issue(ref), "")
    states = harness.provider.read([ref.id, other.id])
    assert [getattr(states[each.id], "phase", None) for each in (ref, other)] == [Phase.GONE, Phase.OPEN]


def test_a_moved_ticket_keeps_its_id_and_shows_its_new_key(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.world.tracker.move(harness.issue(ref), harness.world.projects.by_id["10001"], "")
    state = harness.state(ref)
    assert state.ref == TicketRef(id=ref.id, key="PAY-1", url=f"{harness.simulators.jira_url}/browse/PAY-1")


def test_reading_does_not_lag_as_search_does(harness: SimulatedTicketing) -> None:
    change_switches(harness.world.switches, search_lag_ms=600_000)
    ref = harness.make()
    harness.close_by_hand(ref)
    assert phase(harness, ref) is Phase.DONE


def test_a_hundred_tickets_are_one_call_and_one_more_is_another(harness: SimulatedTicketing) -> None:
    ids = [harness.make().id for _ in range(101)]
    harness.forget_calls()
    assert set(harness.provider.read([*ids, ids[0]])) == set(ids)
    assert harness.calls() == ["POST /rest/api/3/issue/bulkfetch"] * 2


def test_issues_are_read_by_their_keys_in_one_call_and_a_moved_one_by_its_old_key(
    harness: SimulatedTicketing,
) -> None:
    """The issue that access waits for is somebody's, and named by its key."""
    one, other, moved = harness.make(), harness.make(), harness.make()
    harness.close_by_hand(other)
    harness.forget_calls()
    states = harness.provider.read([one.key, other.key])
    assert [getattr(states[each.key], "phase", None) for each in (one, other)] == [Phase.OPEN, Phase.DONE]
    assert harness.calls() == ["POST /rest/api/3/issue/bulkfetch"]
    harness.world.tracker.move(harness.issue(moved), harness.world.projects.by_id["10001"], "")
    assert getattr(harness.provider.read([moved.key])[moved.key], "phase", None) is Phase.OPEN
    assert getattr(harness.provider.read(["OPS-999"])["OPS-999"], "phase", None) is Phase.GONE


def test_nothing_to_read_is_no_call(harness: SimulatedTicketing) -> None:
    assert harness.provider.read([]) == {}
    assert harness.calls() == []


def test_a_ticket_that_only_the_bulk_answer_left_out_is_not_gone(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.fault(path="bulkfetch", status=200, body={"issues": [], "issueErrors": []})
    assert phase(harness, ref) is Phase.OPEN


def test_a_token_that_is_revoked_between_two_calls_never_makes_tickets_gone(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.fault(path="bulkfetch", status=200, body={"issues": []})
    harness.world.tokens.by_value["sim-token"].revoked = True
    with pytest.raises(CredentialRefused):
        harness.provider.read([ref.id])


@pytest.mark.parametrize("status", [403, 500])
def test_a_failure_of_the_second_look_does_not_make_a_ticket_gone(harness: SimulatedTicketing, status: int) -> None:
    ref = harness.make()
    harness.world.tracker.delete(harness.issue(ref), "")
    harness.fault(method="GET", path=f"/issue/{ref.id}", status=status)
    assert isinstance(harness.provider.read([ref.id])[ref.id], (Permanent, Transient))


@pytest.mark.parametrize(
    "answer",
    [{"status": 200, "body": {"issues": [{"id": 7}]}}, {"status": 403}, {"status": 200, "body": {"issues": "?"}}],
)
def test_one_issue_that_cannot_be_read_with_the_others_keeps_none_of_them_from_being_read(
    harness: SimulatedTicketing, answer: dict[str, Any]
) -> None:
    """C10."""
    one, other = harness.make(), harness.make()
    harness.fault(path="bulkfetch", **answer)
    harness.fault(method="GET", path=f"/issue/{one.id}", status=403)
    found = harness.provider.read([one.id, other.id])
    assert isinstance(found[one.id], Permanent)
    assert isinstance(found[other.id], TicketSnapshot)
