"""No system takes a value of the wrong type, and none breaks on one: 400, 404, 409, 413 or 415, never 500."""

import itertools
from typing import Any

import pytest
import requests

from tests.simulator.atlassian_client import Atlassian
from tests.simulator.jira_client import Jira
from tests.simulator.jumpcloud_client import JumpCloud

WRONG: tuple[Any, ...] = (None, True, 7, 1.5, "text", [], [None], [7], [{}], {}, {"a": 1}, "\ud800\0", [["x"]], 10**30)
BODIES: tuple[bytes, ...] = (b"", b"null", b"7", b"[]", b'"x"', b"{", b"NaN", b'{"a": 1e999}', b"\xff", b"[" * 100_000)
NO_SUCCESS = {400, 404, 409, 413, 415}

ADA = {"email": "ada@example.com", "username": "ada", "firstname": "x", "attributes": [], "sudo": False}
GROUP = {"name": "A", "description": "", "attributes": {}, "memberQuery": {}, "membershipMethod": "STATIC"}
JUMPCLOUD_CREATES: dict[str, dict[str, Any]] = {
    "/api/systemusers": ADA,
    "/api/v2/usergroups": GROUP,
    "/api/users": {"email": "admin@x.example", "roleName": "Manager", "suspended": False, "apiKeyAllowed": True},
}


@pytest.mark.parametrize("path", JUMPCLOUD_CREATES)
def test_jumpcloud_creates_nothing_from_a_wrong_type(jumpcloud: JumpCloud, path: str) -> None:
    right = JUMPCLOUD_CREATES[path]
    for name, wrong in itertools.product(right, WRONG):
        nullable = wrong is None and name in {"memberQuery", "attributes", "membershipMethod"} and "groups" in path
        if type(wrong) is not type(right[name]) and not nullable:
            answer = jumpcloud.post(path, {**right, name: wrong})
            assert answer.status_code in NO_SUCCESS, (name, wrong, answer.text)


SEARCHES = {
    "/api/search/systemusers": "filter searchFilter fields sort limit skip",
    "/insights/directory/v1/events": "service start_time end_time search_term q sort fields limit skip search_after",
    "/insights/directory/v1/events/distinct": "service start_time field",
}


@pytest.mark.parametrize("path", SEARCHES)
def test_jumpcloud_searches_break_on_nothing(jumpcloud: JumpCloud, path: str) -> None:
    jumpcloud.user()
    right = (
        {"service": ["all"], "start_time": "2020-01-01T00:00:00Z", "field": "event_type"} if "insights" in path else {}
    )
    for name, wrong in itertools.product(SEARCHES[path].split(), WRONG):
        answer = jumpcloud.post(path, {**right, name: wrong})
        assert answer.status_code in {200, 400}, (name, wrong, answer.text)


@pytest.mark.parametrize("name", ["op", "type", "id"])
def test_jumpcloud_changes_no_member_for_a_wrong_type(jumpcloud: JumpCloud, name: str) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    for wrong in WRONG:
        body = {"op": "add", "type": "user", "id": user, name: wrong}
        assert jumpcloud.post(f"/api/v2/usergroups/{group}/members", body).status_code in NO_SUCCESS
    assert jumpcloud.members(group) == []


def test_jumpcloud_answers_odd_queries_and_bodies(jumpcloud: JumpCloud) -> None:
    group = jumpcloud.group()
    for path in ("/api/systemusers", "/api/v2/usergroups", f"/api/v2/usergroups/{group}/members", "/api/users"):
        for query in (
            {"limit": "x"},
            {"skip": "-1"},
            {"limit": 10**30},
            {"filter": "x"},
            {"search": "["},
            {"sort": "\0"},
        ):
            assert jumpcloud.get(path, **query).status_code in {200, 400}
    for path, raw in itertools.product(("/api/systemusers", "/api/v2/usergroups", "/api/search/systemusers"), BODIES):
        answer = jumpcloud.call("POST", path, data=raw, headers={"content-type": "application/json"})
        assert answer.status_code in {200, 400}, (path, raw[:20], answer.text)
    assert jumpcloud.get("/api/systemusers").json()["totalCount"] == 0


JIRA_WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "issue": ("/issue", {"fields": {}, "update": {}, "properties": [], "transition": {}}),
    "bulk": ("/issue/bulk", {"issueUpdates": []}),
    "bulkfetch": ("/issue/bulkfetch", {"issueIdsOrKeys": ["ACC-1"], "fields": [], "expand": [], "properties": []}),
    "changelogs": (
        "/changelog/bulkfetch",
        {"issueIdsOrKeys": ["ACC-1"], "fieldIds": [], "maxResults": 1, "nextPageToken": "0"},
    ),
    "search": (
        "/search/jql",
        {"jql": "project = ACC", "fields": [], "expand": "", "properties": [], "maxResults": 1, "reconcileIssues": []},
    ),
    "count": ("/search/approximate-count", {"jql": "project = ACC"}),
    "parse": ("/jql/parse", {"queries": ["project = ACC"]}),
    "transition": (
        "/issue/ACC-1/transitions",
        {"transition": {"id": "0"}, "fields": {}, "update": {}, "properties": []},
    ),
    "comment": ("/issue/ACC-1/comment", {"body": {}, "visibility": {}, "properties": []}),
    "remotelink": ("/issue/ACC-1/remotelink", {"globalId": "g", "object": {}}),
    "issuelink": ("/issueLink", {"type": {}, "inwardIssue": {}, "outwardIssue": {}, "comment": {}}),
    "user": ("/user", {"emailAddress": "", "products": ["x"]}),
    "group": ("/group", {"name": ""}),
    "role": ("/project/ACC/role/10002", {"user": ["x"], "groupId": ["x"]}),
    "webhook": ("/../../webhooks/1.0/webhook", {"name": "", "url": "", "events": ["x"], "filters": {}}),
}


@pytest.mark.parametrize("name", JIRA_WRITES)
def test_jira_breaks_on_no_wrong_type(jira: Jira, name: str) -> None:
    jira.session.hooks["response"].clear()  # the published codes have no shape for each of these refusals
    jira.switch(issue_writes_per_2s=0, issue_writes_per_30s=0, burst_bucket=0)
    jira.project()
    jira.issue()
    path, right = JIRA_WRITES[name]
    for member, wrong in itertools.product(right, WRONG):
        answer = jira.post(path, {**right, member: wrong})
        assert answer.status_code in {200, 201, 204, *NO_SUCCESS}, (member, wrong, answer.text)
    for raw in BODIES:
        answer = jira.call("POST", path, data=raw, headers={"content-type": "application/json"})
        assert answer.status_code in NO_SUCCESS, (raw[:20], answer.text)


FIELDS = "project issuetype summary labels priority assignee reporter parent duedate description"


@pytest.mark.parametrize("field", FIELDS.split())
def test_jira_takes_no_field_of_a_wrong_type(jira: Jira, field: str) -> None:
    jira.project()
    right = {"project": {"key": "ACC"}, "issuetype": {"name": "Task"}, "summary": "x"}
    empty = {"labels", "assignee", "parent", "duedate", "description"}
    for wrong in (*WRONG, {"id": []}, {"id": {}}, {"key": 7}, {"accountId": 7}, {"name": []}):
        answer = jira.post("/issue", {"fields": {**right, field: wrong}})
        fits = (wrong is None and field in empty) or (field == "summary" and isinstance(wrong, str))
        fits = fits or (field == "labels" and wrong == [])
        assert answer.status_code == 201 if fits else answer.status_code in {400, 404}, (wrong, answer.text)


@pytest.mark.parametrize(
    "update",
    [
        7,
        [],
        {"labels": 7},
        {"labels": [7]},
        {"labels": [{"add": 7}]},
        {"comment": [{"add": 7}]},
        {"issuelinks": [{"add": 7}]},
    ],
)
def test_jira_breaks_on_no_wrong_update(jira: Jira, update: Any) -> None:
    jira.project()
    key = jira.issue()["key"]
    assert jira.put(f"/issue/{key}", {"update": update}).status_code in ({400, 404} if update else {204})


ATLASSIAN_SEARCHES = (
    *("searchTerm", "emails", "accountIds", "groupIds", "groupNames", "resourceIds", "roleIds", "status", "expand"),
    *("limit", "cursor", "emailDomains", "claimStatus", "mfaEnabled"),
)


@pytest.mark.parametrize("what", ["users", "groups"])
def test_atlassian_searches_break_on_nothing(atlassian: Atlassian, what: str) -> None:
    for name, wrong in itertools.product(ATLASSIAN_SEARCHES, WRONG):
        answer = atlassian.post(f"{atlassian.directory}/{what}/search", {name: wrong})
        assert answer.status_code in {200, 400}, (name, wrong, answer.text)


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/users/invite", {"emails": ["a@example.com"], "permissionRules": [], "additionalGroups": []}),
        ("/workspaces", {"limit": 5, "cursor": "x", "query": {}, "sort": []}),
        ("/directories/-/groups", {"name": "a", "description": ""}),
    ],
)
def test_atlassian_breaks_on_no_wrong_type(atlassian: Atlassian, path: str, right: dict[str, Any]) -> None:
    for name, wrong in itertools.product(right, WRONG):
        answer = atlassian.post(f"{atlassian.v2}{path}", {**right, name: wrong})
        assert answer.status_code in {200, 201, 206, 400, 404, 409}, (name, wrong, answer.text)
    for raw in BODIES:
        answer = requests.post(
            f"{atlassian.url}{atlassian.v2}{path}",
            data=raw,
            headers={**atlassian.headers, "content-type": "application/json"},
            timeout=300,
        )
        assert answer.status_code in {200, 400}, (raw[:20], answer.text)


def test_a_group_id_is_no_account_id_anywhere(jira: Jira) -> None:
    ada, group = jira.user(), jira.group()
    jira.act("add_member", group=group.id, account=ada.account_id)
    assert jira.post("/group/user", {"accountId": group.id}, groupId=group.id).status_code == 404
    assert jira.post("/group/user", {"accountId": ada.account_id}, groupId=ada.account_id).status_code == 404
    assert jira.delete("/group/user", accountId=group.id, groupId=group.id).status_code == 404
    assert jira.delete("/user", accountId=group.id).status_code == 404
    assert jira.get("/user", accountId=group.id).status_code == 404
    assert jira.world.directory.is_member(group, ada.account_id)
