from __future__ import annotations

from dataclasses import replace

from simulator.switches import change_switches
from tests.ticketing.desk import MARKER, Desk


def test_all_tickets_with_the_marker_are_found_oldest_first(desk: Desk) -> None:
    made = [desk.make().id, desk.make().id, desk.make(marker="another").id]
    assert [ref.id for ref in desk.provider.find(MARKER, project="OPS")] == made[:2]


def test_a_ticket_that_was_moved_to_another_project_is_found(desk: Desk) -> None:
    ref = desk.make()
    desk.world.tracker.move(desk.issue(ref), desk.world.projects.by_id["10001"], "")
    found = desk.provider.find(MARKER, project="OPS")
    assert [(each.id, each.key) for each in found] == [(ref.id, "PAY-1")]


def test_more_tickets_than_a_page_are_found(desk: Desk) -> None:
    change_switches(desk.world.switches, search_page_cap=2)
    made = [desk.make().id for _ in range(5)]
    assert [ref.id for ref in desk.provider.find(MARKER, project="OPS")] == made


def test_a_marker_cannot_change_the_search(desk: Desk) -> None:
    desk.make()
    assert desk.provider.find('x" OR project = "OPS', project="OPS") == []
    assert desk.provider.find("x\\", project="OPS") == []


def test_probe_knows_a_ticket_whose_label_a_person_took_off(desk: Desk) -> None:
    ref = desk.make()
    desk.issue(ref).labels.clear()
    assert [each.id for each in desk.provider.probe(MARKER, project="OPS", after_key=None)] == [ref.id]


def test_probe_knows_a_ticket_whose_property_is_gone(desk: Desk) -> None:
    ref = desk.make()
    desk.issue(ref).properties.clear()
    assert [each.id for each in desk.provider.probe(MARKER, project="OPS", after_key=None)] == [ref.id]


def test_probe_looks_only_at_what_was_made_after_the_given_key(desk: Desk) -> None:
    first, second = desk.make(), desk.make()
    assert [each.id for each in desk.provider.probe(MARKER, project="OPS", after_key=first.key)] == [second.id]
    assert list(desk.provider.probe(MARKER, project="OPS", after_key=second.key)) == []


def test_probe_goes_on_while_a_block_of_keys_holds_any_issue(desk: Desk) -> None:
    first = desk.make(marker="first")
    model = desk.issue(first)
    for _ in range(230):
        desk.world.tracker.create(replace(model, labels=[], properties={}, watchers=[], changes=[], old_keys=[]), "")
    last = desk.make()
    desk.forget_calls()
    assert [each.id for each in desk.provider.probe(MARKER, project="OPS", after_key=first.key)] == [last.id]
    assert desk.calls() == ["POST /rest/api/3/issue/bulkfetch"] * 4


def test_probe_passes_over_deleted_issues(desk: Desk) -> None:
    first = desk.make(marker="first")
    for _ in range(50):
        desk.world.tracker.delete(desk.issue(desk.make(marker="gone")), "")
    last = desk.make()
    assert [each.id for each in desk.provider.probe(MARKER, project="OPS", after_key=first.key)] == [last.id]


def test_probe_without_a_key_to_start_from_begins_a_hundred_before_the_newest_the_search_knows(desk: Desk) -> None:
    model = desk.issue(desk.make(marker="first"))
    ref = desk.make()
    for _ in range(90):
        desk.world.tracker.create(replace(model, labels=[], properties={}, watchers=[], changes=[], old_keys=[]), "")
    assert [each.id for each in desk.provider.probe(MARKER, project="OPS", after_key=None)] == [ref.id]
    assert [each.id for each in desk.provider.probe(MARKER, project="OPS", after_key="PAY-9000")] == [ref.id]


def test_probe_in_an_empty_project_finds_nothing(desk: Desk) -> None:
    assert list(desk.provider.probe(MARKER, project="PAY", after_key=None)) == []
