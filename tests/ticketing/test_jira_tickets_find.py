from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from access.failures import Permanent
from simulator.jira.actions import act
from simulator.switches import change_switches
from tests.ticketing.simulated_ticketing import MARKER, SimulatedTicketing
from ticketing.ports import Phase


def test_all_tickets_with_the_marker_are_found_oldest_first(harness: SimulatedTicketing) -> None:
    made = [harness.make().id, harness.make().id, harness.make(marker="another").id]
    assert [ref.id for ref in harness.provider.find(MARKER, project="OPS")] == made[:2]


def test_a_ticket_that_was_moved_to_another_project_is_found(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.world.tracker.move(harness.issue(ref), harness.world.projects.by_id["10001"], "")
    found = harness.provider.find(MARKER, project="OPS")
    assert [(each.id, each.key) for each in found] == [(ref.id, "PAY-1")]


def test_more_tickets_than_a_page_are_found(harness: SimulatedTicketing) -> None:
    change_switches(harness.world.switches, search_page_cap=2)
    made = [harness.make().id for _ in range(5)]
    assert [ref.id for ref in harness.provider.find(MARKER, project="OPS")] == made


def test_what_was_made_since_a_moment_is_found_with_its_data_and_state(harness: SimulatedTicketing) -> None:
    """Neither what others made, nor clones, nor what is older than the day before."""
    change_switches(harness.world.switches, search_page_cap=2)
    made = [harness.make(marker=f"lost-{number}") for number in range(3)]
    harness.provider.transition(made[1], Phase.DECLINED)
    act(harness.world, "clone_issue", issue=made[0].key)
    since = datetime.fromtimestamp(harness.issue(made[0]).created, UTC)
    found = harness.provider.made_since(since)
    assert [(each.marker, each.state.ref.key) for each in found] == [
        (f"lost-{number}", ref.key) for number, ref in enumerate(made)
    ]
    assert [each.state.phase for each in found] == [Phase.OPEN, Phase.DECLINED, Phase.OPEN]
    assert found[0].data["operation"] == "op-1"
    assert harness.provider.made_since(since + timedelta(days=3)) == []


def test_a_marker_cannot_change_the_search(harness: SimulatedTicketing) -> None:
    harness.make()
    assert harness.provider.find('x" OR project = "OPS', project="OPS") == []
    assert harness.provider.find("x\\", project="OPS") == []


def probed(harness: SimulatedTicketing, after_key: str | None = None) -> list[str]:
    return [ref.id for ref in harness.provider.probe(MARKER, project="OPS", after_key=after_key)]


def test_probe_knows_a_ticket_whose_label_somebody_took_off(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.issue(ref).labels.clear()
    assert probed(harness) == [ref.id]


def test_a_clone_is_not_our_ticket_whatever_became_of_the_first(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    clone = act(harness.world, "clone_issue", issue=ref.key)
    copied = harness.world.issues.find(clone["key"])
    assert copied is not None
    assert copied.labels == harness.issue(ref).labels
    for _ in ("both", "the clone alone"):
        ours = [ref.id] if ref.id in harness.world.issues.by_id else []
        assert [each.id for each in harness.provider.find(MARKER, project="OPS")] == ours
        assert probed(harness) == ours
        act(harness.world, "delete_issue", issue=ref.key) if ours else None


def test_probe_looks_only_at_what_was_made_after_the_given_key(harness: SimulatedTicketing) -> None:
    first, second = harness.make(), harness.make()
    assert probed(harness, first.key) == [second.id]
    assert probed(harness, second.key) == []


def test_probe_goes_on_while_a_block_of_keys_holds_any_issue(harness: SimulatedTicketing) -> None:
    first = harness.make(marker="first")
    model = harness.issue(first)
    for _ in range(230):
        harness.world.tracker.create(replace(model, labels=[], properties={}, watchers=[], changes=[], old_keys=[]), "")
    last = harness.make()
    harness.forget_calls()
    assert probed(harness, first.key) == [last.id]
    assert harness.calls() == ["POST /rest/api/3/issue/bulkfetch"] * 4


def test_a_probe_is_left_to_a_person_after_20_000_issues(harness: SimulatedTicketing) -> None:
    page = {"issues": [{"id": "1", "key": "OPS-1"}]}
    harness.fault(method="POST", path="/issue/bulkfetch$", status=200, body=page, times=None)
    with pytest.raises(Permanent, match="More than 20000 issues were made in OPS since OPS-1"):
        probed(harness, "OPS-1")
    assert harness.calls() == ["POST /rest/api/3/issue/bulkfetch"] * 200


def test_probe_passes_over_deleted_issues(harness: SimulatedTicketing) -> None:
    first = harness.make(marker="first")
    for _ in range(50):
        harness.world.tracker.delete(harness.issue(harness.make(marker="gone")), "")
    last = harness.make()
    assert probed(harness, first.key) == [last.id]


def test_probe_without_a_key_to_start_from_begins_a_hundred_before_the_newest_the_search_knows(
    harness: SimulatedTicketing,
) -> None:
    model = harness.issue(harness.make(marker="first"))

    def make_others(number: int) -> None:
        for _ in range(number):
            other = replace(model, labels=[], properties={}, watchers=[], changes=[], old_keys=[])
            harness.world.tracker.create(other, "")

    make_others(100)
    ref = harness.make()
    make_others(90)
    for after_key in (None, "PAY-9000"):
        harness.forget_calls()
        assert probed(harness, after_key) == [ref.id]
        assert harness.calls() == ["POST /rest/api/3/search/jql", *["POST /rest/api/3/issue/bulkfetch"] * 2]


def test_probe_in_an_empty_project_finds_nothing(harness: SimulatedTicketing) -> None:
    assert list(harness.provider.probe(MARKER, project="PAY", after_key=None)) == []
