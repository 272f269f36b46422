"""Whatever a service answers to the doctor, the finding says in a sentence what that means and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.doctor_harness import DoctorHarness

NONE_SELECTED = {"message": "No organization selected"}
JUMPCLOUD = [
    pytest.param("/api/organizations$", 403, {"message": "Forbidden"}, "problem",
        "JumpCloud does not let the credential read its own organization. "
        "Give its administrator, or service account, the role Administrator."),
    pytest.param("/api/organizations$", 503, None, "problem",
        "JumpCloud answers 503 at the moment. Try again later; see status.jumpcloud.com."),
    pytest.param("/api/organizations$", 200, ["no", "envelope"], "problem",
        "What answers at {jumpcloud} is not JumpCloud's API (200). Correct jumpcloud.api_url or region."),
    pytest.param("/api/systemusers$", 403, NONE_SELECTED, "problem",
        "The credential belongs to several organizations, and JumpCloud wants to be told which is meant. "
        "Set jumpcloud.org_id; the console shows it under the organization's name."),
    pytest.param("/members$", 429, None, "unknown",
        "Whether members of groups may be changed is not proven (JumpCloud answered 429)."),
    pytest.param("/members$", 400, None, "ok", "It may change members of groups."),
    pytest.param("/events$", 403, NONE_SELECTED, "problem",
        "Directory Insights wants to be told which organization is meant. "
        "Set jumpcloud.org_id; the console shows it under the organization's name."),
    pytest.param("/events$", 402, None, "problem",
        "The credential may not read Directory Insights, so each sync reads everything. "
        "Give it the role Administrator or Read Only, or set sync.use_events to false."),
    pytest.param("/events$", 404, "<html>", "problem",
        "What answers at {jumpcloud} is not Directory Insights (404). "
        "Correct jumpcloud.insights_url or region, or try again later."),
]  # fmt: skip
STATUSES = "/project/ACC/statuses$"
TYPE = {"id": "0", "name": "Access Request"}
JIRA = [
    pytest.param("/myself$", 503, None, "problem",
        "Jira answers 503 at the moment. Try again later; see status.atlassian.com."),
    pytest.param("/myself$", 200, {"accountId": "712020:x", "accountType": "app", "displayName": "Robot"}, "ok",
        "Jira knows the API token: it is that of the service account Robot."),
    pytest.param("/mypermissions$", 200, {"permissions": []}, "unknown",
        "Jira did not say which permissions the account has (200)."),
    pytest.param("/users/search$", 403, {"errorMessages": ["No."]}, "problem",
        "Jira refuses reading users to Provisor's account: 403 (No). "
        "Give it Browse users and groups and Administer Jira."),
    pytest.param("/user/groups$", 404, None, "unknown",
        "Jira did not say whether the account is a site administrator."),
    pytest.param("/group/bulk$", 200, {"values": []}, "unknown",
        "Jira shows no group that makes site administrators, so this was not proven."),
    pytest.param(STATUSES, 404, None, "unknown", "Jira did not show the statuses of Access Request in ACC."),
    pytest.param(STATUSES, 200, [TYPE | {"statuses": [{"name": "New", "statusCategory": {"key": "new"}}]}], "problem",
        "No status of Access Request in ACC is in the category Done, so its tickets never end. "
        "Add one to the workflow, or put its last status into that category."),
    pytest.param(STATUSES, 200, [TYPE | {"statuses": [{"name": "Odd", "statusCategory": {"key": "undefined"}}]}], "problem",
        "The status Odd of Access Request in ACC has no category, so Provisor takes a ticket in it for open. "
        "Give the status a category in Jira."),
]  # fmt: skip
ORGANIZATION = "/orgs/[^/]+$"
ATLASSIAN = [
    pytest.param(ORGANIZATION, 403, None, "ok",
        "Atlassian knows the organization's key, which may not read the organization's name."),
    pytest.param(ORGANIZATION, 503, None, "problem",
        "Atlassian answers 503 at the moment. Try again later; see status.atlassian.com."),
    pytest.param(ORGANIZATION, 200, "<html>", "problem",
        "What answers at {atlassian} is not Atlassian's organization API (200). Correct atlassian.api_url."),
    pytest.param("/workspaces$", 403, None, "problem",
        "The organization's key lacks the scope read:org:admin, which the organization's products need. "
        "Make a new key with it, or one without scopes; a key's scopes cannot be changed."),
    pytest.param("/events-stream$", 403, None, "problem",
        "The key may not read the organization's log, so each sync of Jira reads everything. "
        "Make a key with the scope for audit logs, or set sync.use_events to false."),
]  # fmt: skip


def found(harness: DoctorHarness, path: str, status: int, body: Any, outcome: str, **sections: Any) -> list[str]:
    """What the doctor says of this outcome where a service answers so."""
    harness.simulators.faults.add(path=path, status=status, body=body, times=None)
    return harness.said(outcome=outcome, **sections)


def urls(harness: DoctorHarness) -> dict[str, str]:
    simulators = harness.simulators
    return {"jumpcloud": simulators.jumpcloud_url, "atlassian": simulators.atlassian_url}


@pytest.mark.parametrize(("path", "status", "body", "outcome", "sentence"), JUMPCLOUD)
def test_an_answer_of_jumpcloud(
    harness: DoctorHarness, path: str, status: int, body: Any, outcome: str, sentence: str
) -> None:
    said = found(harness, path, status, body, outcome, jumpcloud=harness.jumpcloud_section())
    assert sentence.format(**urls(harness)) in said


def test_a_service_account_whose_token_or_token_service_is_wrong(harness: DoctorHarness) -> None:
    url, known = harness.simulators.jumpcloud_url, harness.jumpcloud.credentials()
    account = {"client_id": known["client_id"], "client_secret": known["client_secret"]}
    section = {"api_url": url, "insights_url": url, "token_url": f"{url}/oauth2/token"} | account
    (refused,) = found(harness, "/api/organizations$", 401, None, "problem", jumpcloud=section)
    assert refused == (
        "JumpCloud does not take the service account's token. "
        "Check that jumpcloud.region is the organization's, and that the service account is active."
    )
    (away,) = found(harness, "/oauth2/token$", 503, None, "problem", jumpcloud=section)
    assert away == "JumpCloud's token service answers 503. Correct jumpcloud.token_url, or try again later."


@pytest.mark.parametrize(("path", "status", "body", "outcome", "sentence"), JIRA)
def test_an_answer_of_jira(
    harness: DoctorHarness, path: str, status: int, body: Any, outcome: str, sentence: str
) -> None:
    assert sentence in found(harness, path, status, body, outcome, jira=harness.jira_section())


@pytest.mark.parametrize(("path", "status", "body", "outcome", "sentence"), ATLASSIAN)
def test_an_answer_of_the_organization(
    harness: DoctorHarness, path: str, status: int, body: Any, outcome: str, sentence: str
) -> None:
    known = harness.simulators.worlds["atlassian"].credentials()
    section = {"org_id": known["org_id"], "api_key": known["org_key"], "api_url": harness.simulators.atlassian_url}
    said = found(harness, path, status, body, outcome, jira=harness.jira_section(), atlassian=section)
    assert sentence.format(**urls(harness)) in said
