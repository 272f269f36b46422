"""Requests of Jira Service Management: of a request type, with the marker in the call that makes them, and talk among agents."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from access.failures import Permanent, Unknown
from access.ticket_routes import StatusRules
from simulator.jira.catalogue import REQUEST_TYPE
from simulator.switches import change_switches
from simulator.systems import act
from tests.ticketing.simulated_ticketing import MARKER, SimulatedTicketing, draft, state_of
from ticketing.jira import JiraServiceDeskProvider
from ticketing.ports import Decision, Phase, TicketDraft
from ticketing.status import StatusMap

FIELD = REQUEST_TYPE.id


@pytest.fixture
def desk(harness: SimulatedTicketing) -> JiraServiceDeskProvider:
    return harness.service_desk()


def request_draft(**changes: object) -> TicketDraft:
    return draft(**{"project": "HELP", "issue_type": "Access", **changes})


def test_a_ticket_is_a_request_with_marker_and_data_from_the_one_call(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider
) -> None:
    ref = desk.create(request_draft())
    issue = harness.issue(ref)
    kind = harness.world.request_type(issue)
    assert kind is not None
    assert (kind.name, issue.labels, issue.properties["provisor"]["marker"]) == ("Access", [MARKER], MARKER)
    harness.forget_calls()
    desk.create(request_draft(marker="provisor-op-2"))
    assert harness.calls() == ["POST /rest/api/3/issue"]


@pytest.mark.parametrize("name", ["access", "id"])
def test_a_request_type_is_named_by_id_or_by_name(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider, name: str
) -> None:
    kind = next(each for each in harness.world.project("HELP").request_types if each.name == "Access")
    ref = desk.create(request_draft(issue_type=kind.id if name == "id" else name))
    assert harness.issue(ref).values[FIELD] == kind.id


def test_an_answer_that_is_lost_leaves_one_request_which_is_found(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider
) -> None:
    change_switches(harness.world.switches, search_lag_ms=60_000)
    harness.fault(method="POST", path="/rest/api/3/issue$", drop="after")
    with pytest.raises(Unknown):
        desk.create(request_draft())
    (found,) = desk.probe(MARKER, project="HELP", after_key="HELP-0")
    assert [issue.id for issue in harness.issues()] == [found.id]


def test_a_project_that_is_no_service_project_has_work_items(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider
) -> None:
    ref = desk.create(draft())
    desk.comment(ref, "Seen.", marker="c")
    assert FIELD not in harness.issue(ref).values
    assert "sd.public.comment" not in harness.issue(ref).comments[0].properties


@pytest.mark.parametrize("name", ["Acces", "Access Request"])
def test_an_unknown_request_type_makes_nothing(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider, name: str
) -> None:
    with pytest.raises(Permanent, match="request type") as failure:
        desk.create(request_draft(issue_type=name))
    assert ("Access" in failure.value.remedy, harness.issues()) == (True, [])


def test_two_request_types_of_one_name_are_refused_with_both_ids(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider
) -> None:
    other = act(harness.world, "add_request_type", project="HELP", name="ACCESS")["id"]
    with pytest.raises(Permanent, match=other):
        desk.create(request_draft())


def test_where_the_field_is_not_on_the_create_screen_nothing_is_made_and_the_doctor_says_so(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider
) -> None:
    act(harness.world, "take_off_screen", project="HELP", field=FIELD)
    with pytest.raises(Permanent, match="create screen"):
        desk.create(request_draft())
    (problem,) = desk.prove("HELP", "Access")
    assert ("create screen" in problem.what, harness.issues()) == (True, [])


def test_a_field_that_vanishes_from_the_screen_is_never_left_out_in_silence(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider
) -> None:
    desk.create(request_draft())
    act(harness.world, "take_off_screen", project="HELP", field=FIELD)
    with pytest.raises(Permanent):
        desk.create(request_draft(marker="provisor-op-2"))
    assert len(harness.issues()) == 1


@pytest.mark.parametrize(("by_issue", "said"), [("set", 0), ("ignored", 1)])
def test_a_request_type_that_is_dropped_is_said_once_and_the_ticket_stands(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider, by_issue: str, said: int
) -> None:
    change_switches(harness.world.switches, request_type_by_issue=by_issue)
    with capture_logs() as logs:
        refs = [desk.create(request_draft(marker=f"provisor-op-{number}")) for number in range(2)]
    assert sum(each["event"] == "ticket.is_no_request" for each in logs) == said
    assert [state_of(desk, ref).phase for ref in refs] == [Phase.OPEN, Phase.OPEN]
    assert list(desk.approvals(refs[0])) == []


def test_a_ticket_stands_though_the_look_at_the_first_one_fails(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider
) -> None:
    harness.fault(method="GET", path="/servicedeskapi/request/", status=503)
    assert desk.create(request_draft()).key == "HELP-1"


@pytest.mark.parametrize("checked", [False, True])
def test_what_the_form_requires_is_sent_or_said_before(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider, *, checked: bool
) -> None:
    change_switches(harness.world.switches, request_form_checked=checked)
    form = ["summary", "duedate"]
    act(harness.world, "add_request_type", project="HELP", name="Timed", fields=form[1:], required=form[1:])
    assert "duedate" in " ".join(problem.what for problem in desk.prove("HELP", "Timed"))
    with pytest.raises(Permanent, match="duedate"):
        desk.create(request_draft(issue_type="Timed"))
    ref = desk.create(request_draft(issue_type="Timed", fields={"Due date": "2026-12-01"}))
    assert harness.issue(ref).values["duedate"] == "2026-12-01"


def test_comments_stay_between_agents(harness: SimulatedTicketing, desk: JiraServiceDeskProvider) -> None:
    ref = desk.create(request_draft())
    desk.comment(ref, "Still wrong.", marker="c-1")
    (said,) = harness.issue(ref).comments
    assert said.properties["sd.public.comment"] == {"internal": True}


def test_approvals_name_those_who_have_answered(harness: SimulatedTicketing, desk: JiraServiceDeskProvider) -> None:
    ada, bob = (act(harness.world, "create_user", email=f"{name}@example.com")["account_id"] for name in ("ada", "bob"))
    ref = desk.create(request_draft())
    act(harness.world, "ask_approval", issue=ref.key, approvers=[ada, bob], name="Manager")
    act(harness.world, "answer_approval", issue=ref.key, by=ada)
    (pending,) = desk.approvals(ref)
    assert (pending.name, pending.decision, pending.by, pending.at) == ("Manager", Decision.PENDING, (ada,), None)
    act(harness.world, "answer_approval", issue=ref.key, by=bob)
    (approved,) = desk.approvals(ref)
    assert (approved.decision, set(approved.by), approved.at is None) == (Decision.APPROVED, {ada, bob}, False)


@pytest.mark.parametrize("blocks", [True, False])
def test_a_request_that_waits_for_approval_is_closed_when_its_workflow_lets_us(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider, *, blocks: bool
) -> None:
    change_switches(harness.world.switches, pending_approval_blocks=blocks)
    ada = act(harness.world, "create_user", email="ada@example.com")["account_id"]
    ref = desk.create(request_draft())
    act(harness.world, "ask_approval", issue=ref.key, approvers=[ada])
    if blocks:
        with pytest.raises(Permanent, match="no way"):
            desk.transition(ref, Phase.DECLINED)
        act(harness.world, "answer_approval", issue=ref.key, by=ada)
    assert desk.transition(ref, Phase.DECLINED).phase is Phase.DECLINED


def test_schemas_are_request_types_in_service_projects_and_issue_types_elsewhere(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider
) -> None:
    del harness
    kinds = {(ref.project, ref.type_name) for ref in desk.schemas()}
    assert {("HELP", "Access"), ("OPS", "Access Request")} <= kinds
    assert ("HELP", "Access Request") not in kinds
    schema = desk.schema("HELP", "Access")
    assert FIELD not in {field.id for field in schema.fields}
    assert {status.category for status in schema.statuses} == {"new", "indeterminate", "done"}


def test_an_account_without_a_restricted_request_type_is_told(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider
) -> None:
    act(harness.world, "create_user", email="ada@example.com")
    act(harness.world, "add_request_type", project="HELP", name="Managers", restricted_to=["ada@example.com"])
    (problem,) = desk.prove("HELP", "Managers")
    assert "no request type Managers" in problem.what


def test_rules_for_statuses_may_name_the_request_type(
    harness: SimulatedTicketing, desk: JiraServiceDeskProvider
) -> None:
    class Rules:
        """Done is what this request type calls so; its issue type has no rules of its own."""

        def of(self, project: str, *types: str) -> StatusMap:
            mine = project == "HELP" and "Access" in types
            return StatusMap(rules=StatusRules(done=("In Progress",)) if mine else None)

    mapped = harness.service_desk(statuses=Rules())
    ref = desk.create(request_draft())
    act(harness.world, "work_on", issue=ref.key)
    assert (state_of(desk, ref).phase, state_of(mapped, ref).phase) == (Phase.OPEN, Phase.DONE)
