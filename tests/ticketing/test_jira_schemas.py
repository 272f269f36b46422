from __future__ import annotations

from datetime import date

import pytest

from access.failures import Permanent
from access.ticket_routes import StatusRules
from simulator.jira.actions import act
from simulator.jira.projects import CustomField, FieldUse, IssueType, Project
from simulator.jira.world import ADMIN_ACCOUNT
from tests.ticketing.simulated_ticketing import SimulatedTicketing, add_project, draft, state_of
from ticketing.ports import Phase, RemoteLink, TicketChanges, Way
from ticketing.schema_check import status_problems
from ticketing.schemas import ValueType
from ticketing.status import StatusMap


def put_field(harness: SimulatedTicketing, field: CustomField, *, required: bool = False) -> None:
    harness.world.catalogue.fields[field.id] = field
    harness.world.projects.by_id["10000"].fields[field.id] = FieldUse(required=required)


def test_every_kind_of_ticket_is_listed_over_all_pages_and_none_that_may_not_be_made(
    harness: SimulatedTicketing,
) -> None:
    for number in range(60):
        add_project(harness.world, Project(str(20_000 + number), f"P{number}", f"Project {number}"))
    harness.world.permissions.denied.add((ADMIN_ACCOUNT, "CREATE_ISSUES", "20003"))
    found = harness.provider.schemas()
    types = len(harness.world.projects.by_id["10000"].issue_types)
    assert len({each.project for each in found}) == 61
    assert len(found) == len(set(map(str, found))) == 61 * types
    assert "P3" not in {each.project for each in found}
    assert {each.type_name for each in found if each.needs_parent} == {"Sub-task"}


def test_a_kind_shows_fields_over_all_pages_and_its_statuses(harness: SimulatedTicketing) -> None:
    for number in range(450):
        put_field(harness, CustomField(f"customfield_2{number:04}", f"Field {number}"))
    schema = harness.provider.schema("OPS", "access request")
    assert sum(field.id.startswith("customfield_2") for field in schema.fields) == 450
    assert {each.category for each in schema.statuses} == {"new", "indeterminate", "done"}
    [labels] = schema.named("Labels")
    assert (labels.type, labels.several, labels.choices) == (ValueType.LABEL, True, None)


def test_a_type_that_is_not_there_or_of_which_there_are_two_is_refused(harness: SimulatedTicketing) -> None:
    with pytest.raises(Permanent, match="no issue type Nonsense"):
        harness.provider.schema("OPS", "Nonsense")
    harness.world.catalogue.issue_types["777"] = IssueType("777", "Access Request")
    harness.world.projects.by_id["10000"].issue_types.append("777")
    with pytest.raises(Permanent, match="10004, 777"):
        harness.provider.schema("OPS", "Access Request")
    assert harness.provider.schema("OPS", "777").ref.type == "777"


def test_a_ticket_is_given_to_the_first_who_may_have_it_and_made_all_the_same(harness: SimulatedTicketing) -> None:
    ada = act(harness.world, "create_user", email="ada@acme.example", name="Ada")["account_id"]
    gone = act(harness.world, "create_user", email="gone@acme.example", name="Gone")["account_id"]
    act(harness.world, "deactivate", account=gone)
    made = harness.issue(harness.make(assignees=["nobody@acme.example", gone, "ada@acme.example"]))
    assert made.assignee == ada
    alone = harness.make(marker="other", assignees=[gone])
    assert harness.issue(alone).assignee is None
    assert len(harness.issues()) == 2
    assert harness.provider.assign(alone, [gone, ada]) == ada
    assert harness.issue(alone).assignee == ada
    assert harness.provider.assign(alone, [gone]) is None


def test_watcher_link_and_changes_are_one_call_each_and_safe_to_repeat(harness: SimulatedTicketing) -> None:
    ada = act(harness.world, "create_user", email="ada@acme.example", name="Ada")["account_id"]
    ref = harness.make()
    harness.provider.watch(ref, "ada@acme.example")
    harness.forget_calls()
    for resolved in (False, True):
        harness.provider.watch(ref, ada)
        harness.provider.watch(ref, "ada@acme.example")
        harness.provider.link(ref, RemoteLink("provisor-op-1", "https://x.example", "Group", "Give", resolved))
        harness.provider.update(ref, TicketChanges(summary="New", body="**Until:** later"))
    assert len(harness.calls()) == 8
    issue = harness.issue(ref)
    assert issue.watchers.count(ada) == 1
    [link] = issue.remote_links
    assert (link.global_id, link.content["object"]["status"]) == ("provisor-op-1", {"resolved": True})
    assert issue.summary == "New"
    with pytest.raises(Permanent, match=r"nobody@acme\.example"):
        harness.provider.watch(ref, "nobody@acme.example")


def test_what_a_draft_lacks_is_told_before_anything_is_made(harness: SimulatedTicketing) -> None:
    options = [{"id": "1", "value": "Red"}]
    put_field(
        harness, CustomField("customfield_1", "Colour", "option", custom="x:select", options=options), required=True
    )
    put_field(harness, CustomField("customfield_2", "Count", "number"))
    good = draft(fields={"Colour": "red", "Count": 3})
    assert harness.provider.check(good) == ()
    found = harness.provider.check(draft(fields={"Count": "many"}, assignees=["nobody@acme.example"]))
    assert [(each.field, each.fatal) for each in found] == [
        ("customfield_2", False),
        ("customfield_1", True),
        ("assignee", False),
    ]
    assert harness.issues() == []


@pytest.mark.parametrize("by_id", [True, False])
def test_statuses_mean_what_policy_says_by_name_id_or_category(harness: SimulatedTicketing, *, by_id: bool) -> None:
    schema = harness.provider.schema("OPS", "Access Request")
    [started] = [each for each in schema.statuses if each.category == "indeterminate"]
    rules = StatusRules(done=(started.id if by_id else started.name,), in_progress=("category:done",))
    provider = harness.other_provider(statuses=StatusMap(rules=rules))
    ref = harness.make()
    harness.close_by_hand(ref, "Start progress")
    assert state_of(provider, ref).phase is Phase.DONE
    harness.close_by_hand(ref)
    state = state_of(provider, ref)
    assert (state.phase, state.in_progress) == (Phase.OPEN, True)


def test_a_ticket_goes_through_the_statuses_that_policy_names(harness: SimulatedTicketing) -> None:
    ref = harness.make()
    harness.provider.transition(ref, Phase.DECLINED, Way(through=("In Progress",)))
    moves = [change.after for change in harness.provider.changelog(ref)]
    names = {each.id: each.name for each in harness.provider.schema("OPS", "Access Request").statuses}
    assert (names[str(moves[0])], len(moves)) == ("In Progress", 2)
    with pytest.raises(Permanent, match="in Limbo"):
        harness.provider.transition(ref, Phase.OPEN, Way(through=("Limbo",)))


def test_a_word_that_is_no_status_and_a_status_that_is_left_out_are_told(harness: SimulatedTicketing) -> None:
    schema = harness.provider.schema("OPS", "Access Request")
    names = [each.name for each in schema.statuses if each.category == "done"]
    assert list(status_problems(schema, StatusRules())) == []
    assert list(status_problems(schema, StatusRules(done=("category:done",)), through=("In Progress",))) == []
    left_out = list(status_problems(schema, StatusRules(done=(names[0], "Limbo")), through=("Nowhere",)))
    assert [each.what.split()[-1] for each in left_out][:2] == ["Limbo.", "Nowhere."]
    assert len(left_out) == 1 + len(names)


def test_tickets_may_stand_below_another_one(harness: SimulatedTicketing) -> None:
    parent = harness.make(marker="parent")
    below = harness.issue(harness.make(issue_type="Sub-task", fields={"parent": parent.key}))
    assert below.values["parent"] == parent.id
    assert harness.provider.prove("OPS", "Sub-task", {"parent": parent.key}) == []


def test_a_field_that_was_taken_off_the_screen_since_it_was_read_is_left_out_and_the_kind_read_anew(
    harness: SimulatedTicketing,
) -> None:
    harness.make()
    harness.world.projects.by_id["10000"].off_screen.append("duedate")
    assert "duedate" not in harness.issue(harness.make(marker="second", due=date(2026, 12, 1))).values
    assert len(harness.issues()) == 2
    harness.forget_calls()
    harness.make(marker="third", due=date(2026, 12, 1))
    assert [call.split()[0] for call in harness.calls()] == ["GET", "GET", "POST"]
