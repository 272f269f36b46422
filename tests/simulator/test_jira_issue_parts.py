import pytest
import requests

from simulator.jira.world import ADMIN_ACCOUNT, ADMIN_EMAIL
from tests.simulator.jira_client import NOBODY, Jira, adf, errors, messages


@pytest.fixture
def issue(jira: Jira) -> str:
    jira.project("ACC")
    return f"/issue/{jira.issue()['key']}"


def transitions(jira: Jira, issue: str) -> dict[str, str]:
    found = jira.get(f"{issue}/transitions").json()["transitions"]
    return {each["to"]["statusCategory"]["key"]: each["id"] for each in found if each["name"] != "Decline"}


def move(jira: Jira, issue: str, category: str, **more: object) -> int:
    body = {"transition": {"id": transitions(jira, issue)[category]}, **more}
    return jira.post(f"{issue}/transitions", body).status_code


def test_an_issue_goes_through_the_workflow_and_back(jira: Jira, issue: str) -> None:
    assert move(jira, issue, "indeterminate") == 204
    assert move(jira, issue, "done") == 204
    fields = jira.get(issue).json()["fields"]
    assert (fields["resolution"]["name"], fields["resolutiondate"] is not None) == ("Done", True)
    assert move(jira, issue, "new") == 204
    fields = jira.get(issue).json()["fields"]
    assert (fields["resolution"], fields["resolutiondate"]) == (None, None)


def test_a_transition_from_another_status_is_not_valid(jira: Jira, issue: str) -> None:
    answer = jira.post(f"{issue}/transitions", {"transition": {"id": "51"}})
    assert (answer.status_code, messages(answer)) == (400, ["Transition id '51' is not valid for this issue."])


def test_the_resolution_is_set_only_when_it_is_on_the_screen(jira: Jira, issue: str) -> None:
    wanted = {"resolution": {"name": "Won't Do"}}
    (done,) = [
        each
        for each in jira.get(f"{issue}/transitions", expand="transitions.fields").json()["transitions"]
        if each["name"] == "Done"
    ]
    assert (done["hasScreen"], set(done["fields"])) == (True, {"resolution"})
    jira.switch(resolution_on_screen=False)
    answer = jira.post(f"{issue}/transitions", {"transition": {"id": done["id"]}, "fields": wanted})
    assert (answer.status_code, set(errors(answer))) == (400, {"resolution"})
    jira.switch(resolution_on_screen=True)
    assert move(jira, issue, "done", fields=wanted) == 204
    assert jira.get(issue).json()["fields"]["resolution"]["name"] == "Won't Do"


def test_a_workflow_can_have_no_way_back(jira: Jira, issue: str) -> None:
    jira.switch(reopen_transition=False)
    move(jira, issue, "done")
    assert transitions(jira, issue) == {}


def test_without_permission_there_are_no_transitions(jira: Jira, issue: str) -> None:
    jira.act("deny", account=ADMIN_EMAIL, permission="TRANSITION_ISSUES")
    answer = jira.get(f"{issue}/transitions")
    assert (answer.status_code, answer.json()["transitions"]) == (200, [])


def test_team_managed_issues_are_done_without_a_resolution(jira: Jira) -> None:
    jira.project("TEAM", style="next-gen")
    key = jira.issue("TEAM")["key"]
    jira.act("done", issue=key)
    fields = jira.get(f"/issue/{key}").json()["fields"]
    assert (fields["status"]["statusCategory"]["key"], fields["resolution"]) == ("done", None)


def test_a_comment_can_go_with_a_transition(jira: Jira, issue: str) -> None:
    assert move(jira, issue, "done", update={"comment": [{"add": {"body": adf("as asked")}}]}) == 204
    assert jira.get(f"{issue}/comment").json()["total"] == 1


def test_people_move_and_decline_issues_behind_the_api(jira: Jira, issue: str) -> None:
    key = issue.rpartition("/")[2]
    assert jira.act("work_on", issue=key)["category"] == "indeterminate"
    assert jira.act("decline", issue=key)["status"] == "Declined"
    assert jira.get(issue).json()["fields"]["resolution"]["name"] == "Won't Do"
    assert jira.act("reopen", issue=key)["category"] == "new"
    assert jira.act("decline", issue=key, status="Done")["status"] == "Done"
    assert jira.get(issue).json()["fields"]["resolution"]["name"] == "Won't Do"


def test_comments_are_paged_and_keep_their_properties(jira: Jira, issue: str) -> None:
    for number in range(3):
        properties = [{"key": "mark", "value": number}]
        assert jira.post(f"{issue}/comment", {"body": adf(f"c{number}"), "properties": properties}).status_code == 201
    page = jira.get(f"{issue}/comment", maxResults=2, orderBy="-created", expand="properties").json()
    assert (page["total"], page["comments"][0]["properties"]) == (3, [{"key": "mark", "value": 2}])
    assert jira.post(f"{issue}/comment", {"body": "text"}).status_code == 400
    assert jira.post(f"{issue}/comment", {"body": adf()}).status_code == 400


def test_an_internal_comment_is_not_public(jira: Jira, issue: str) -> None:
    properties = [{"key": "sd.public.comment", "value": {"internal": True}}]
    made = jira.post(f"{issue}/comment", {"body": adf("x"), "properties": properties}).json()
    assert made["jsdPublic"] is False


def test_too_many_comments_are_413(jira: Jira, issue: str) -> None:
    jira.switch(comment_limit=1)
    jira.post(f"{issue}/comment", {"body": adf("x")})
    assert jira.post(f"{issue}/comment", {"body": adf("x")}).status_code == 413


def test_watchers_are_added_once_however_often(jira: Jira, issue: str) -> None:
    ada = jira.user("ada")
    assert jira.post(f"{issue}/watchers", ada.account_id).status_code == 204
    assert jira.post(f"{issue}/watchers", ada.account_id).status_code == 204
    shown = jira.get(f"{issue}/watchers").json()
    assert (shown["watchCount"], shown["isWatching"]) == (2, True)
    assert jira.delete(f"{issue}/watchers", accountId=ada.account_id).status_code == 204
    assert [each["accountId"] for each in jira.get(f"{issue}/watchers").json()["watchers"]] == [ADMIN_ACCOUNT]
    assert jira.post(f"{issue}/watchers", NOBODY).status_code == 404


def test_a_remote_link_with_the_same_global_id_is_updated(jira: Jira, issue: str) -> None:
    link = {"globalId": "request=1", "object": {"url": "https://example.com/1", "title": "Request 1"}}
    made = jira.post(f"{issue}/remotelink", link)
    again = jira.post(f"{issue}/remotelink", {**link, "object": {**link["object"], "title": "Other"}})  # type: ignore[dict-item] # the link is a plain dictionary
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json()["id"] == again.json()["id"]
    assert jira.get(f"{issue}/remotelink", globalId="request=1").json()["object"]["title"] == "Other"
    del link["globalId"]
    jira.post(f"{issue}/remotelink", link)
    jira.post(f"{issue}/remotelink", link)
    assert len(jira.get(f"{issue}/remotelink").json()) == 3
    assert set(errors(jira.post(f"{issue}/remotelink", {"object": {"url": "x"}}))) == {"title"}


def test_deleting_a_remote_link_wants_a_json_content_type(jira: Jira, issue: str) -> None:
    jira.post(f"{issue}/remotelink", {"globalId": "g", "object": {"url": "https://example.com", "title": "t"}})
    assert jira.delete(f"{issue}/remotelink", globalId="g").status_code == 415
    headers = {"Content-Type": "application/json"}
    answer = jira.call("DELETE", f"{issue}/remotelink", params={"globalId": "g"}, headers=headers)
    assert answer.status_code == 204


def test_issue_links_are_taken_twice(jira: Jira, issue: str) -> None:
    other = jira.issue()["key"]
    ends = {"inwardIssue": {"key": issue.rpartition("/")[2]}, "outwardIssue": {"key": other}}
    body = {"type": {"name": "Relates"}, **ends}
    assert (jira.post("/issueLink", body).status_code, jira.post("/issueLink", body).status_code) == (201, 201)
    assert len(jira.get(issue).json()["fields"]["issuelinks"]) == 2
    assert jira.post("/issueLink", {"type": {"name": "Loves"}, **ends}).status_code == 404
    assert jira.delete(f"/issue/{other}").status_code == 403
    jira.act("add_role_actor", project="ACC", role="Administrators", user=ADMIN_EMAIL)
    assert jira.delete(f"/issue/{other}").status_code == 204
    assert jira.get(issue).json()["fields"]["issuelinks"] == []


def test_properties_are_replaced_whole(jira: Jira, issue: str) -> None:
    at = f"{issue}/properties/provisor"
    assert jira.put(at, {"a": 1}).status_code == 201
    assert jira.put(at, {"b": 2}).status_code == 200
    assert jira.get(at).json() == {"key": "provisor", "value": {"b": 2}}
    assert [each["key"] for each in jira.get(f"{issue}/properties").json()["keys"]] == ["provisor"]
    assert jira.put(at, "x" * 32_767).status_code == 400
    assert jira.delete(at).status_code == 204
    assert jira.get(at).status_code == 404


def test_attachments_want_the_token_header(jira: Jira, issue: str) -> None:
    files = {"file": ("notes.txt", b"hello", "text/plain")}
    assert jira.call("POST", f"{issue}/attachments", files=files).status_code == 403
    answer = jira.call("POST", f"{issue}/attachments", files=files, headers={"X-Atlassian-Token": "no-check"})
    assert answer.status_code == 200
    (made,) = answer.json()
    assert (made["filename"], made["size"], made["mimeType"]) == ("notes.txt", 5, "text/plain")


def test_a_service_desk_request_has_a_portal_link(jira: Jira) -> None:
    project = jira.project("HELP", type_key="service_desk")
    ada = jira.user("ada")
    at = f"{jira.site}/rest/servicedeskapi"
    (desk,) = jira.session.get(f"{at}/servicedesk", timeout=300).json()["values"]
    kinds = jira.session.get(f"{at}/servicedesk/{desk['id']}/requesttype", timeout=300).json()["values"]
    body = {
        "serviceDeskId": desk["id"],
        "requestTypeId": kinds[0]["id"],
        "requestFieldValues": {"summary": "Access", "description": "please"},
        "raiseOnBehalfOf": ada.account_id,
    }
    answer = jira.session.post(f"{at}/request", json=body, timeout=300)
    assert answer.status_code == 201
    made = answer.json()
    assert "/servicedesk/customer/portal/" in made["_links"]["web"]
    fields = jira.get(f"/issue/{made['issueKey']}").json()["fields"]
    assert (fields["project"]["id"], fields["reporter"]["accountId"]) == (project.id, ada.account_id)
    assert fields["description"]["content"][0]["content"][0]["text"] == "please"


def test_a_person_who_follows_a_link_sees_the_issue(jira: Jira) -> None:
    jira.project("ACC")
    key = jira.issue(summary="<b>Access</b>")["key"]
    jira.act("comment", issue=key, text="seen")
    shown = requests.get(f"{jira.site}/browse/{key}", timeout=300)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "&lt;b&gt;Access&lt;/b&gt;" in shown.text
    assert "seen" in shown.text
    assert requests.get(f"{jira.site}/browse/ACC-99", timeout=300).status_code == 404


@pytest.mark.parametrize(
    ("when", "to", "ends"), [("commented", "done", "done"), ("closed", "new", "new"), ("reopened", "done", "done")]
)
def test_the_sites_own_automation_moves_issues_once_for_each_event(jira: Jira, when: str, to: str, ends: str) -> None:
    jira.project("ACC")
    key = jira.issue()["key"]
    jira.act("add_automation", project="ACC", when=when, to=to)
    if when == "commented":
        jira.act("comment", issue=key, text="seen")
    else:
        jira.act("done", issue=key)
    if when == "reopened":
        jira.act("reopen", issue=key)
    issue = jira.get(f"/issue/{key}", expand="changelog").json()
    assert issue["fields"]["status"]["statusCategory"]["key"] == ends
    assert issue["changelog"]["histories"][0]["items"][0]["field"] == "status"
    assert jira.act("remove_automation", project="ACC") == {"removed": 1}
