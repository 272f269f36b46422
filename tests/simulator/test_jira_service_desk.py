"""Service projects: request types and their forms, requests made on both roads, internal comments, approvals."""

from typing import Any

import pytest
import requests

from simulator.jira.catalogue import REQUEST_TYPE
from simulator.jira.world import ADMIN_ACCOUNT
from tests.simulator.jira_client import Jira, adf

FIELD = REQUEST_TYPE.id


def desk(jira: Jira, method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
    address = f"{jira.site}/rest/servicedeskapi{path}"
    return jira.session.request(method, address, json=body, params=params, timeout=300)


def service_project(jira: Jira, **details: Any) -> str:
    """A service project HELP with one more request type; its id."""
    jira.project("HELP", type_key="service_desk")
    kind: str = jira.act("add_request_type", project="HELP", name="Access", issue_type="Access Request", **details)[
        "id"
    ]
    return kind


def make(jira: Jira, kind: str, issue_type: str = "Access Request", **fields: Any) -> requests.Response:
    given = {"project": {"key": "HELP"}, "issuetype": {"name": issue_type}, "summary": "Give access", FIELD: kind}
    properties = [{"key": "ours", "value": {"marker": "m-1"}}]
    return jira.post("/issue", {"fields": {**given, **fields}, "properties": properties})


def test_a_desk_is_named_by_its_id_or_by_its_project(jira: Jira) -> None:
    kind = service_project(jira, required=["labels"], fields=["labels", "description"])
    project = jira.world.project("HELP")
    for name in ("1", "HELP", project.id):
        assert desk(jira, "GET", f"/servicedesk/{name}").json()["projectKey"] == "HELP"
        listed = desk(jira, "GET", f"/servicedesk/{name}/requesttype", limit=100).json()
        assert (listed["isLastPage"], kind in {each["id"] for each in listed["values"]}) == (True, True)
    form = desk(jira, "GET", f"/servicedesk/1/requesttype/{kind}/field").json()["requestTypeFields"]
    assert [(each["fieldId"], each["required"]) for each in form] == [
        ("summary", False),
        ("labels", True),
        ("description", False),
    ]
    assert desk(jira, "GET", "/servicedesk/2").json()["errorMessage"].startswith("The Service Desk")


def test_an_issue_with_the_field_is_a_request_and_keeps_its_properties(jira: Jira) -> None:
    kind = service_project(jira)
    made = make(jira, kind).json()["id"]
    shown = desk(jira, "GET", f"/request/{made}").json()
    assert (shown["requestTypeId"], shown["currentStatus"]["statusCategory"]) == (kind, "NEW")
    assert jira.get(f"/issue/{made}").json()["fields"][FIELD]["requestType"]["name"] == "Access"
    assert jira.get(f"/issue/{made}/properties/ours").json()["value"] == {"marker": "m-1"}


def test_an_issue_without_the_field_is_no_request(jira: Jira) -> None:
    service_project(jira)
    made = make(jira, None).json()["id"]  # type: ignore[arg-type] # no request type
    assert desk(jira, "GET", f"/request/{made}").status_code == 404


def test_the_field_is_on_the_create_screen_of_service_projects_alone(jira: Jira) -> None:
    service_project(jira)
    jira.project("OPS")
    found = [
        each
        for key in ("HELP", "OPS")
        for each in jira.get(f"/issue/createmeta/{key}/issuetypes/10004").json()["fields"]
        if each["schema"].get("custom") == REQUEST_TYPE.custom
    ]
    assert [(each["fieldId"], each["required"], each["operations"]) for each in found] == [(FIELD, False, ["set"])]


@pytest.mark.parametrize("wrong", ["Access", "99", {"id": "1"}])
def test_the_field_takes_the_id_of_a_request_type_and_nothing_else(jira: Jira, wrong: Any) -> None:
    service_project(jira)
    refused = make(jira, wrong)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, [FIELD])


def test_a_request_type_belongs_to_one_issue_type(jira: Jira) -> None:
    assert make(jira, service_project(jira), "Task").status_code == 400


@pytest.mark.parametrize(("value", "is_request"), [("set", 200), ("ignored", 404)])
def test_whether_the_field_makes_a_request(jira: Jira, value: str, is_request: int) -> None:
    kind = service_project(jira)
    jira.switch(request_type_by_issue=value)
    assert desk(jira, "GET", f"/request/{make(jira, kind).json()['id']}").status_code == is_request


@pytest.mark.parametrize(("checked", "status"), [(False, 201), (True, 400)])
def test_whether_what_the_form_requires_is_checked_here_too(jira: Jira, status: int, *, checked: bool) -> None:
    kind = service_project(jira, fields=["duedate"], required=["duedate"])
    jira.switch(request_form_checked=checked)
    assert make(jira, kind).status_code == status


def test_a_restricted_request_type_is_not_shown_to_others(jira: Jira) -> None:
    ada = jira.user("ada")
    kind = service_project(jira, restricted_to=[ada.email])
    listed = desk(jira, "GET", "/servicedesk/1/requesttype", limit=100).json()["values"]
    assert kind not in {each["id"] for each in listed}
    assert make(jira, kind).status_code == 400


def test_the_form_decides_what_a_request_may_say(jira: Jira) -> None:
    kind = service_project(jira, fields=["description"])
    body = {"serviceDeskId": "1", "requestTypeId": kind, "requestFieldValues": {"summary": "Access", "labels": ["a"]}}
    refused = desk(jira, "POST", "/request", body)
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["labels"])


def test_comments_are_public_unless_they_say_otherwise(jira: Jira) -> None:
    made = make(jira, service_project(jira)).json()["id"]
    internal = [{"key": "sd.public.comment", "value": {"internal": True}}]
    jira.post(f"/issue/{made}/comment", {"body": adf("all")})
    jira.post(f"/issue/{made}/comment", {"body": adf("agents"), "properties": internal})
    desk(jira, "POST", f"/request/{made}/comment", {"body": "agents too", "public": False})
    shown = desk(jira, "GET", f"/request/{made}/comment").json()["values"]
    assert [(each["body"], each["public"]) for each in shown] == [
        ("all", True),
        ("agents", False),
        ("agents too", False),
    ]
    assert len(desk(jira, "GET", f"/request/{made}/comment", internal="false").json()["values"]) == 1


@pytest.mark.parametrize("blocks", [True, False])
def test_an_approval_keeps_a_request_where_it_is_until_everybody_has_answered(jira: Jira, *, blocks: bool) -> None:
    ada, bob = jira.user("ada"), jira.user("bob")
    jira.switch(pending_approval_blocks=blocks)
    made = make(jira, service_project(jira, approvers=[ada.email, bob.email])).json()["id"]
    ways = jira.get(f"/issue/{made}/transitions").json()["transitions"]
    assert bool(ways) is not blocks
    jira.act("answer_approval", issue=made, by=ada.email)
    (pending,) = desk(jira, "GET", f"/request/{made}/approval").json()["values"]
    said = {each["approver"]["accountId"]: each["approverDecision"] for each in pending["approvers"]}
    assert (pending["finalDecision"], said[ada.account_id], said[bob.account_id]) == ("pending", "approved", "pending")
    jira.act("answer_approval", issue=made, by=bob.email)
    (approved,) = desk(jira, "GET", f"/request/{made}/approval").json()["values"]
    assert (approved["finalDecision"], "completedDate" in approved) == ("approved", True)
    assert jira.get(f"/issue/{made}/transitions").json()["transitions"]


def test_one_decline_declines_and_closes_in_the_name_of_the_approver(jira: Jira) -> None:
    ada = jira.user("ada")
    made = make(jira, service_project(jira, approvers=[ada.email])).json()["id"]
    refused = desk(jira, "POST", f"/request/{made}/approval/1", {"decision": "approve"})
    assert refused.status_code == 404
    jira.act("answer_approval", issue=made, by=ada.email, approve=False)
    issue = jira.get(f"/issue/{made}", expand="changelog").json()
    assert issue["fields"]["status"]["statusCategory"]["key"] == "done"
    assert issue["changelog"]["histories"][0]["author"]["accountId"] == ada.account_id
    newest = desk(jira, "GET", f"/request/{made}/status").json()["values"][0]
    assert newest["statusCategory"] == "DONE"


def test_only_an_approver_answers(jira: Jira) -> None:
    made = make(jira, service_project(jira)).json()["id"]
    jira.world.ask_approval(jira.world.issue(made), [ADMIN_ACCOUNT])
    (asked,) = desk(jira, "GET", f"/request/{made}/approval").json()["values"]
    assert asked["canAnswerApproval"]
    at = f"/request/{made}/approval/{asked['id']}"
    assert desk(jira, "POST", at, {"decision": "approve"}).json()["finalDecision"] == "approved"
    assert desk(jira, "POST", at, {"decision": "approve"}).status_code == 403


def test_participants_and_the_ways_of_customers(jira: Jira) -> None:
    ada = jira.user("ada")
    made = make(jira, service_project(jira)).json()["id"]
    assert desk(jira, "POST", f"/request/{made}/participant", {"accountIds": [ada.account_id]}).json()["size"] == 1
    assert desk(jira, "GET", f"/request/{made}/transition").json()["values"] == []
    way = next(each for each in jira.world.project("HELP").workflow if each.name == "Done")
    way.for_customers = True
    assert desk(jira, "POST", f"/request/{made}/transition", {"id": way.id}).status_code == 204
