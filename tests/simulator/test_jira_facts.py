"""Facts about Jira Cloud that the published documents leave open, each with both of its values."""

from typing import Any

import pytest

from tests.simulator.jira_client import Jira, adf, messages


def emails(jira: Jira, query: str) -> list[str]:
    return [user["accountId"] for user in jira.get("/user/search", query=query).json()]


def test_an_address_moves_to_another_person(jira: Jira) -> None:
    old, new = jira.user("j.smith"), jira.user("jane.doe")
    jira.act("move_address", email="j.smith@example.com", to=new.account_id, leaving="former@example.com")
    assert emails(jira, "j.smith@example.com") == [new.account_id]
    assert emails(jira, "former@example.com") == [old.account_id]
    made = jira.post("/user", {"emailAddress": "jane.doe@example.com", "products": []}).json()
    assert made["accountId"] not in {old.account_id, new.account_id}


def test_an_address_that_is_another_persons_is_not_taken_in_silence(jira: Jira) -> None:
    jira.user("ada")
    bob = jira.user("bob")
    body = {"do": "change_profile", "account": bob.account_id, "email": "ada@example.com"}
    answer = jira.session.post(f"{jira.simulators.control_url}/actions/jira", json=body, timeout=300)
    assert (answer.status_code, "belongs to" in answer.json()["error"]) == (400, True)


def test_addresses_differ_unless_their_ascii_letters_differ_in_case_alone(jira: Jira) -> None:
    one, two = jira.user("maße"), jira.user("masse")
    assert emails(jira, "maße@example.com") == [one.account_id]
    assert emails(jira, "MASSE@example.com") == [two.account_id]


def test_a_display_name_that_is_an_address_is_found_by_it(jira: Jira) -> None:
    mallory = jira.user("mallory")
    jira.act("change_profile", account=mallory.account_id, name="Vera vera@example.com", hidden=True)
    (found,) = jira.get("/user/search", query="vera@exam").json()
    assert (found["accountId"], "emailAddress" in found) == (mallory.account_id, False)


@pytest.mark.parametrize(("name", "shown"), [("local_part", "new"), ("address", "new@example.com")])
def test_the_name_of_somebody_invited(jira: Jira, name: str, shown: str) -> None:
    jira.switch(invitee_name=name)
    made = jira.post("/user", {"emailAddress": "new@example.com", "products": []})
    assert made.json()["displayName"] == shown


@pytest.mark.parametrize(("arrive", "active"), [("active", True), ("suspended", False)])
def test_somebody_invited_arrives_active_or_suspended(jira: Jira, arrive: str, *, active: bool) -> None:
    jira.switch(invited_arrive=arrive)
    made = jira.post("/user", {"emailAddress": "new@example.com", "products": ["jira-software"]})
    assert (made.status_code, made.json()["active"]) == (201, active)


def test_a_suspended_account_keeps_groups_and_roles(jira: Jira) -> None:
    jira.project()
    ada, group = jira.user(), jira.group()
    jira.act("add_member", group=group.id, account=ada.account_id)
    jira.act("suspend", account=ada.account_id)
    assert emails(jira, "ada") == []
    assert jira.get("/user", accountId=ada.account_id).json()["active"] is False
    assert group.id in {each["groupId"] for each in jira.get("/user/groups", accountId=ada.account_id).json()}
    jira.act("restore", account=ada.account_id)
    assert jira.get("/user", accountId=ada.account_id).json()["active"] is True
    assert len(jira.get("/group/member", groupId=group.id).json()["values"]) == 1


def test_user_search_alone_lags(jira: Jira) -> None:
    ada = jira.user()
    jira.switch(user_search_lag_ms=60_000)
    jira.act("change_profile", account=ada.account_id, name="Grace", email="grace@example.com")
    new = jira.user("new")
    assert (emails(jira, "ada"), emails(jira, "grace"), emails(jira, "new")) == ([ada.account_id], [], [])
    assert jira.get("/user", accountId=ada.account_id).json()["displayName"] == "Grace"
    assert jira.get("/user", accountId=new.account_id).status_code == 200
    jira.act("advance", seconds=61)
    assert (emails(jira, "ada"), emails(jira, "grace"), emails(jira, "new")) == ([], [ada.account_id], [new.account_id])


@pytest.mark.parametrize(("unknown", "status"), [("left_out", 200), ("404", 404)])
def test_unknown_ids_in_a_bulk_read(jira: Jira, unknown: str, status: int) -> None:
    jira.switch(unknown_in_bulk=unknown)
    assert jira.get("/user/bulk", accountId=[jira.user().account_id, "nobody"]).status_code == status


def test_the_name_of_a_deleted_account(jira: Jira) -> None:
    jira.switch(former_user_name="Deleted account")
    ada = jira.user()
    jira.act("close_account", account=ada.account_id)
    assert jira.get("/user", accountId=ada.account_id).json()["displayName"] == "Deleted account"


def test_an_issue_with_a_security_level_is_as_if_deleted_for_those_outside(jira: Jira) -> None:
    jira.project()
    key, other = jira.issue()["key"], jira.issue()["key"]
    jira.post("/issueLink", {"type": {"name": "Relates"}, "inwardIssue": {"key": key}, "outwardIssue": {"key": other}})
    jira.act("restrict_issue", issue=key)
    assert jira.get(f"/issue/{key}").status_code == 404
    assert jira.get(f"/issue/{key}/transitions").status_code == 404
    assert jira.post(f"/issue/{key}/comment", {"body": adf("x")}).status_code == 404
    assert jira.found(f"key in ({key}, {other})") == [other]
    assert [
        each["key"] for each in jira.post("/issue/bulkfetch", {"issueIdsOrKeys": [key, other]}).json()["issues"]
    ] == [other]
    assert jira.get(f"/issue/{other}").json()["fields"]["issuelinks"] == []
    jira.act("restrict_issue", issue=key, level=None)
    assert jira.get(f"/issue/{key}").status_code == 200


def test_an_issue_with_a_security_level_shows_itself_to_those_named(jira: Jira, key: str) -> None:
    jira.act("restrict_issue", issue=key, level="Internal", seen_by=["admin@example.com"])
    assert jira.get(f"/issue/{key}").json()["fields"]["security"]["name"] == "Internal"
    assert jira.found(f"key = {key}") == [key]


@pytest.mark.parametrize("status", [400, 403])
@pytest.mark.parametrize("how", ["issue", "project"])
def test_an_archived_issue_is_read_but_neither_found_nor_written(jira: Jira, key: str, how: str, status: int) -> None:
    jira.switch(archived_write_status=status)
    jira.act(f"archive_{how}", **{how: key if how == "issue" else "ACC"})
    assert jira.get(f"/issue/{key}").status_code == 200
    assert jira.found(f"key = {key}") == []
    assert jira.post(f"/issue/{key}/comment", {"body": adf("x")}).status_code == status
    assert jira.post(f"/issue/{key}/transitions", {"transition": {"id": "31"}}).status_code == status
    jira.act(f"restore_{how}", **{how: key if how == "issue" else "ACC"})
    assert jira.post(f"/issue/{key}/transitions", {"transition": {"id": "31"}}).status_code == 204


@pytest.mark.parametrize(
    ("needs", "pleasing"),
    [
        ("comment", {"update": {"comment": [{"add": {"body": adf("because")}}]}}),
        ("resolution", {"fields": {"resolution": {"name": "Done"}}}),
    ],
)
def test_a_validator_refuses_what_the_transitions_list(
    jira: Jira, key: str, needs: str, pleasing: dict[str, Any]
) -> None:
    jira.act("add_validator", project="ACC", transition="Done", needs=needs, message="Say why.")
    assert "31" in {each["id"] for each in jira.get(f"/issue/{key}/transitions").json()["transitions"]}
    refused = jira.post(f"/issue/{key}/transitions", {"transition": {"id": "31"}})
    assert (refused.status_code, messages(refused), jira.status_of(key)) == (400, ["Say why."], "To Do")
    assert jira.post(f"/issue/{key}/transitions", {"transition": {"id": "31"}, **pleasing}).status_code == 204


def test_a_validator_may_ask_for_a_field_or_for_what_nobody_can_give(jira: Jira, key: str) -> None:
    jira.act("add_validator", project="ACC", transition="31", needs="assignee", message="Assign it.")
    move = {"transition": {"id": "31"}}
    assert messages(jira.post(f"/issue/{key}/transitions", move)) == ["Assign it."]
    jira.act("assign", issue=key, to="admin@example.com")
    jira.act("add_validator", project="ACC", transition="31", needs="nothing", message="Never.")
    assert messages(jira.post(f"/issue/{key}/transitions", move)) == ["Never."]
    jira.act("remove_validators", project="ACC")
    assert jira.post(f"/issue/{key}/transitions", move).status_code == 204


def test_two_fields_may_have_one_name(jira: Jira) -> None:
    jira.project()
    one = jira.act("add_field", project="ACC", name="Reason")["field"]
    two = jira.act("add_field", project="ACC", name="Reason", another=True)["field"]
    assert one != two
    assert [each["id"] for each in jira.get("/field").json() if each["name"] == "Reason"] == [one, two]
    shown = jira.get("/issue/createmeta/ACC/issuetypes/10001", maxResults=200).json()["fields"]
    assert [each["fieldId"] for each in shown if each["name"] == "Reason"] == [one, two]
    keys = [jira.issue(**{field: "on call"})["key"] for field in (one, two)]
    assert jira.found("Reason ~ 'on call' order by key asc") == keys


@pytest.mark.parametrize("kept", [True, False])
def test_reopening_keeps_the_resolution_or_clears_it(jira: Jira, key: str, *, kept: bool) -> None:
    jira.switch(resolution_kept_on_reopening=kept)
    jira.act("done", issue=key)
    jira.post(f"/issue/{key}/transitions", {"transition": {"id": "51"}})
    fields = jira.get(f"/issue/{key}").json()["fields"]
    assert (fields["status"]["name"], fields["resolution"] is not None) == ("To Do", kept)


@pytest.mark.parametrize("read", [404, 200])
def test_a_project_in_the_trash_is_listed_and_comes_back_whole(jira: Jira, read: int) -> None:
    jira.switch(trashed_project_read=read)
    jira.project()
    jira.act("add_role_actor", project="ACC", role="Users", user=jira.user().account_id)
    key = jira.issue()["key"]
    jira.act("delete_project", project="ACC")
    assert jira.get("/project/ACC").status_code == read
    assert jira.get("/project/ACC/role/10005").status_code == read
    assert jira.get("/project/search").json()["values"] == []
    (trashed,) = jira.get("/project/search", status="deleted").json()["values"]
    assert (trashed["key"], trashed["deleted"], "retentionTillDate" in trashed) == ("ACC", True, True)
    assert jira.found(f"key = {key}") == []
    jira.act("restore_project", project="ACC")
    assert len(jira.get("/project/ACC/role/10005").json()["actors"]) == 1
    assert jira.found(f"key = {key}") == [key]


@pytest.mark.parametrize(("issues", "status"), [("readable", 200), ("hidden", 404)])
def test_issues_of_a_project_in_the_trash(jira: Jira, key: str, issues: str, status: int) -> None:
    jira.switch(trashed_project_issues=issues)
    jira.act("delete_project", project="ACC")
    assert jira.get(f"/issue/{key}").status_code == status


def test_the_trash_keeps_a_project_for_60_days(jira: Jira, key: str) -> None:
    jira.act("delete_project", project="ACC")
    jira.act("advance", seconds=59 * 86_400)
    assert len(jira.get("/project/search", status="deleted").json()["values"]) == 1
    jira.act("advance", seconds=2 * 86_400)
    assert jira.get("/project/search", status="deleted").json()["values"] == []
    assert jira.get(f"/issue/{key}").status_code == 404
    body = {"do": "restore_project", "project": "ACC"}
    answer = jira.session.post(f"{jira.simulators.control_url}/actions/jira", json=body, timeout=300)
    assert "gone for good" in answer.json()["error"]


def test_the_trash_is_seen_by_administrators_alone(jira: Jira) -> None:
    jira.project()
    jira.act("delete_project", project="ACC")
    jira.act("deny", account="admin@example.com", permission="ADMINISTER")
    assert jira.get("/project/search", status="deleted").json()["values"] == []


@pytest.mark.parametrize(
    ("site", "status", "body"),
    [
        ("unavailable", 404, {"errorMessage": "Site temporarily unavailable", "errorCode": "OTHER"}),
        ("unpaid", 402, {"errorMessage": "Payment required", "errorCode": "PAYMENT_REQUIRED"}),
        ("moved", 302, None),
        ("gone", 410, None),
    ],
)
def test_a_site_that_is_not_up_says_so_on_every_path(jira: Jira, site: str, status: int, body: Any) -> None:
    jira.switch(site=site)
    for path in ("/myself", "/no/such/path"):
        answer = jira.call("GET", path, allow_redirects=False)
        assert answer.status_code == status
        assert body is None or answer.json() == body
    jira.switch(site="up")
    assert jira.get("/myself").status_code == 200


def test_a_site_that_is_not_up_may_still_tell_its_cloud_id(jira: Jira) -> None:
    jira.switch(site="unavailable", unavailable_tenant_info=False)
    assert jira.session.get(f"{jira.site}/_edge/tenant_info", timeout=300).status_code == 200


def test_a_read_only_site_refuses_writes_alone(jira: Jira, key: str) -> None:
    jira.switch(site="read_only")
    assert jira.get(f"/issue/{key}").status_code == 200
    assert jira.found(f"key = {key}") == [key]
    assert jira.post(f"/issue/{key}/comment", {"body": adf("x")}).status_code == 403
    assert jira.post("/user", {"emailAddress": "a@example.com", "products": []}).status_code == 403


@pytest.mark.parametrize("with_properties", [True, False])
def test_a_clone_has_the_labels_and_properties_only_when_asked(jira: Jira, *, with_properties: bool) -> None:
    jira.project()
    key = jira.issue(labels=["ar-1"], properties=[{"key": "p", "value": 1}])["key"]
    clone = jira.act("clone_issue", issue=key, with_properties=with_properties)["key"]
    assert jira.get(f"/issue/{clone}").json()["fields"]["labels"] == ["ar-1"]
    assert jira.get(f"/issue/{clone}/properties/p").status_code == (200 if with_properties else 404)


@pytest.mark.parametrize("flow", ["Primary", "Secondary"])
def test_everything_new_survives_a_dump(jira: Jira, key: str, flow: str) -> None:
    jira.switch(webhook_flow=flow)
    jira.act("restrict_issue", issue=key, seen_by=["admin@example.com"])
    jira.act("archive_issue", issue=key)
    jira.act("add_validator", project="ACC", transition="31", needs="comment", message="Say why.")
    jira.act("delete_project", project="ACC")
    state = jira.session.get(f"{jira.simulators.control_url}/state/jira", timeout=300).json()
    answer = jira.session.put(f"{jira.simulators.control_url}/state/jira", json=state, timeout=300)
    assert answer.status_code == 204
    assert jira.session.get(f"{jira.simulators.control_url}/state/jira", timeout=300).json() == state
