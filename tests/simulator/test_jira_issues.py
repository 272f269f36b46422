import pytest

from simulator.jira.world import ADMIN_ACCOUNT, ADMIN_EMAIL
from tests.simulator.jira_client import NOBODY, Jira, adf, errors, messages

NOT_THERE = ["Issue does not exist or you do not have permission to see it."]


@pytest.fixture(autouse=True)
def project(jira: Jira) -> None:
    jira.project("ACC")


def refused(jira: Jira, **fields: object) -> dict[str, str]:
    whole = {"project": {"key": "ACC"}, "issuetype": {"name": "Task"}, "summary": "x", **fields}
    answer = jira.post("/issue", {"fields": whole})
    assert answer.status_code == 400, answer.text
    return errors(answer)


def test_labels_and_properties_are_written_with_the_create_call(jira: Jira) -> None:
    made = jira.issue(labels=["ar-1"], properties=[{"key": "provisor", "value": {"request": "1"}}])
    assert set(made) == {"id", "key", "self"}
    shown = jira.get(f"/issue/{made['id']}", fields="labels", properties="provisor").json()
    assert shown["fields"] == {"labels": ["ar-1"]}
    assert shown["properties"] == {"provisor": {"request": "1"}}


def test_a_new_issue_has_reporter_status_and_default_priority(jira: Jira) -> None:
    fields = jira.get(f"/issue/{jira.issue()['key']}").json()["fields"]
    assert fields["reporter"]["accountId"] == ADMIN_ACCOUNT
    assert (fields["status"]["name"], fields["status"]["statusCategory"]["key"]) == ("To Do", "new")
    assert (fields["priority"]["name"], fields["resolution"]) == ("Medium", None)


@pytest.mark.parametrize(
    ("sent", "field", "message"),
    [
        ({"summary": ""}, "summary", "You must specify a summary of the issue."),
        ({"summary": "x" * 256}, "summary", "Summary must be less than 255 characters."),
        ({"summary": "a\nb"}, "summary", "The summary is invalid because it contains newline characters."),
        ({"labels": ["a b"]}, "labels", "The label 'a b' contains spaces which is invalid."),
        ({"nofield": 1}, "nofield", "Field 'nofield' cannot be set. It is not on the appropriate screen, or unknown."),
        ({"priority": {"name": "Huge"}}, "priority", "Priority name 'Huge' is not valid"),
        (
            {"description": "text"},
            "description",
            "Operation value must be an Atlassian Document (see the Atlassian Document Format)",
        ),
        ({"project": {"key": "NONE"}}, "project", "valid project is required"),
        ({"issuetype": {"name": "None"}}, "issuetype", "Specify a valid issue type"),
        ({"assignee": {"accountId": NOBODY}}, "assignee", f"User '{NOBODY}' cannot be assigned issues."),
    ],
)
def test_each_bad_field_is_refused_in_the_words_of_the_service(
    jira: Jira, sent: dict[str, object], field: str, message: str
) -> None:
    assert refused(jira, **sent) == {field: message}


def test_a_summary_of_255_characters_is_taken(jira: Jira) -> None:
    jira.issue(summary="x" * 255)
    jira.switch(summary_limit=254)
    assert refused(jira, summary="x" * 255)


def test_malformed_documents_are_invalid_input(jira: Jira) -> None:
    bad = {"version": 1, "type": "doc", "content": [{"type": "text", "text": "bare"}]}
    body = {"project": {"key": "ACC"}, "issuetype": {"name": "Task"}, "summary": "x", "description": bad}
    answer = jira.post("/issue", {"fields": body})
    assert (answer.status_code, answer.json()) == (400, {"errorMessages": ["INVALID_INPUT"], "errors": {}})


def test_a_text_is_counted_as_compact_json(jira: Jira) -> None:
    wrapping = len('{"version":1,"type":"doc","content":[{"type":"paragraph","content":[{"type":"text","text":""}]}]}')
    jira.issue(description=adf("x" * (32_767 - wrapping)))
    message = "The entered text is too long. It exceeds the allowed limit of 32,767 characters."
    assert refused(jira, description=adf("x" * (32_768 - wrapping))) == {"description": message}
    jira.switch(text_limit=100)
    assert set(refused(jira, description=adf("x" * 100))) == {"description"}


def test_a_required_custom_field_has_to_be_filled(jira: Jira) -> None:
    field = jira.act("add_field", project="ACC", name="Cost centre", required=True, issue_types=["Task"])["field"]
    assert refused(jira) == {field: "Cost centre is required."}
    made = jira.issue(**{field: "4711"})
    assert jira.get(f"/issue/{made['key']}").json()["fields"][field] == "4711"
    jira.issue(issuetype={"name": "Bug"})


def test_an_option_field_takes_its_options_only(jira: Jira) -> None:
    field: str = jira.act("add_field", project="ACC", name="Team", type="option", options=["Red", "Blue"])["field"]
    made = jira.issue("ACC", "x", **{field: {"value": "Blue"}})
    assert jira.get(f"/issue/{made['key']}").json()["fields"][field]["value"] == "Blue"
    assert set(refused(jira, **{field: {"value": "Green"}})) == {field}


def test_a_field_off_the_screen_cannot_be_set(jira: Jira) -> None:
    jira.act("take_off_screen", project="ACC", field="priority")
    assert set(refused(jira, priority={"name": "High"})) == {"priority"}
    jira.act("put_on_screen", project="ACC", field="priority")
    jira.issue(priority={"name": "High"})


def test_create_metadata_names_the_fields(jira: Jira) -> None:
    jira.act("add_field", project="ACC", name="Cost centre", required=True)
    kinds = jira.get("/issue/createmeta/ACC/issuetypes").json()
    task = next(kind for kind in kinds["issueTypes"] if kind["name"] == "Task")
    fields = jira.get(f"/issue/createmeta/ACC/issuetypes/{task['id']}").json()["fields"]
    required = {field["name"] for field in fields if field["required"] and not field["hasDefaultValue"]}
    assert required == {"Summary", "Issue Type", "Project", "Cost centre"}


def test_create_metadata_is_200_at_most_a_page(jira: Jira) -> None:
    answer = jira.get("/issue/createmeta/ACC/issuetypes", maxResults=201)
    assert (answer.status_code, messages(answer)) == (400, ["Parameter 'maxResults' must not exceed the limit '200'"])


def test_without_the_permission_nothing_is_created_and_metadata_is_empty_or_400(jira: Jira) -> None:
    jira.act("deny", account=ADMIN_EMAIL, permission="CREATE_ISSUES", project="ACC")
    body = {"fields": {"project": {"key": "ACC"}, "issuetype": {"name": "Task"}, "summary": "x"}}
    assert jira.post("/issue", body).status_code == 403
    assert jira.get("/issue/createmeta/ACC/issuetypes").json()["issueTypes"] == []
    jira.switch(createmeta_without_permission="400")
    assert jira.get("/issue/createmeta/ACC/issuetypes").status_code == 400


def test_some_of_a_bulk_create_may_fail(jira: Jira) -> None:
    good = {"fields": {"project": {"key": "ACC"}, "issuetype": {"name": "Task"}, "summary": "x"}}
    bad = {"fields": {"project": {"key": "ACC"}, "issuetype": {"name": "Task"}}}
    answer = jira.post("/issue/bulk", {"issueUpdates": [good, bad]})
    assert answer.status_code == 201
    assert len(answer.json()["issues"]) == 1
    (error,) = answer.json()["errors"]
    assert (error["failedElementNumber"], set(error["elementErrors"]["errors"])) == (1, {"summary"})
    assert jira.post("/issue/bulk", {"issueUpdates": [bad]}).status_code == 400


def test_bulk_fetch_is_ordered_and_silent_about_the_missing(jira: Jira) -> None:
    first, second = jira.issue(), jira.issue()
    answer = jira.post("/issue/bulkfetch", {"issueIdsOrKeys": [second["key"], "ACC-99", first["id"]]})
    assert [issue["id"] for issue in answer.json()["issues"]] == [first["id"], second["id"]]
    assert jira.post("/issue/bulkfetch", {"issueIdsOrKeys": []}).status_code == 400
    assert jira.post("/issue/bulkfetch", {"issueIdsOrKeys": ["ACC-1"] * 101}).status_code == 400


def test_a_moved_issue_is_found_by_its_old_key_under_its_new_one(jira: Jira) -> None:
    jira.project("OTHER")
    made = jira.issue()
    jira.act("move_issue", issue=made["key"], project="OTHER")
    shown = jira.get(f"/issue/{made['key']}").json()
    assert (shown["id"], shown["key"]) == (made["id"], "OTHER-1")
    (fetched,) = jira.post("/issue/bulkfetch", {"issueIdsOrKeys": [made["key"]]}).json()["issues"]
    assert fetched["key"] == "OTHER-1"


def test_a_deleted_issue_and_one_not_to_be_seen_look_the_same(jira: Jira) -> None:
    made, other = jira.issue(), jira.issue()
    jira.act("delete_issue", issue=made["key"])
    assert (jira.get(f"/issue/{made['key']}").status_code, messages(jira.get("/issue/ACC-1"))) == (404, NOT_THERE)
    jira.act("deny", account=ADMIN_EMAIL, permission="BROWSE_PROJECTS", project="ACC")
    assert messages(jira.get(f"/issue/{other['key']}")) == NOT_THERE


def test_editing_sets_fields_and_updates_labels(jira: Jira) -> None:
    key = jira.issue(labels=["keep", "drop"])["key"]
    body = {"fields": {"summary": "Other"}, "update": {"labels": [{"add": "new"}, {"remove": "drop"}]}}
    assert jira.put(f"/issue/{key}", body).status_code == 204
    fields = jira.get(f"/issue/{key}").json()["fields"]
    assert (fields["summary"], fields["labels"]) == ("Other", ["keep", "new"])
    shown = jira.put(f"/issue/{key}", {"fields": {"summary": "Third"}}, returnIssue="true")
    assert (shown.status_code, shown.json()["fields"]["summary"]) == (200, "Third")


def test_the_history_tells_who_changed_what(jira: Jira) -> None:
    key = jira.issue()["key"]
    jira.put(f"/issue/{key}", {"fields": {"summary": "Other"}})
    (entry,) = jira.get(f"/issue/{key}/changelog").json()["values"]
    assert entry["author"]["accountId"] == ADMIN_ACCOUNT
    (item,) = entry["items"]
    assert (item["fieldId"], item["fromString"], item["toString"]) == ("summary", "Give access", "Other")
    bulk = jira.post("/changelog/bulkfetch", {"issueIdsOrKeys": [key], "fieldIds": ["summary"]}).json()
    assert len(bulk["issueChangeLogs"][0]["changeHistories"]) == 1


def test_assigning_and_unassigning(jira: Jira) -> None:
    ada = jira.user("ada")
    key = jira.issue()["key"]
    assert jira.put(f"/issue/{key}/assignee", {"accountId": ada.account_id}).status_code == 204
    assert jira.get(f"/issue/{key}").json()["fields"]["assignee"]["accountId"] == ada.account_id
    assert jira.put(f"/issue/{key}/assignee", {"accountId": None}).status_code == 204
    assert jira.put(f"/issue/{key}/assignee", {"accountId": NOBODY}).status_code == 400


def test_version_2_speaks_wiki_text(jira: Jira) -> None:
    key = jira.issue(description=adf("first", "second"))["key"]
    old = f"{jira.site}/rest/api/2/issue"
    assert jira.session.get(f"{old}/{key}", timeout=300).json()["fields"]["description"] == "first\n\nsecond"
    fields = {
        "project": {"key": "ACC"},
        "issuetype": {"name": "Task"},
        "summary": "x",
        "description": "h1. T\n\n*b* text",
    }
    made = jira.session.post(old, json={"fields": fields}, timeout=300).json()
    shown = jira.get(f"/issue/{made['key']}").json()["fields"]["description"]
    assert [node["type"] for node in shown["content"]] == ["heading", "paragraph"]
    assert shown["content"][1]["content"][0]["marks"] == [{"type": "strong"}]
    latest = jira.session.get(f"{jira.site}/rest/api/latest/issue/{made['key']}", timeout=300).json()
    assert latest["fields"]["description"] == "h1. T\n\n*b* text"


def test_the_wrong_method_and_content_type_are_problem_documents(jira: Jira) -> None:
    wrong = jira.call("PATCH", "/issue/ACC-1")
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "DELETE,GET,PUT")
    typed = jira.call("POST", "/issue", data="x", headers={"Content-Type": "text/plain"})
    assert (typed.status_code, typed.json()["detail"]) == (415, "Content-Type 'text/plain' is not supported.")


def test_messages_are_english_only_for_those_who_force_it(jira: Jira) -> None:
    jira.switch(translated_messages=True)
    assert messages(jira.get("/issue/ACC-99")) != NOT_THERE
    headers = {"X-Force-Accept-Language": "true", "Accept-Language": "en"}
    assert messages(jira.call("GET", "/issue/ACC-99", headers=headers)) == NOT_THERE


def test_people_edit_issues_behind_the_api(jira: Jira) -> None:
    key = jira.issue(labels=["ar-1"])["key"]
    jira.act("edit_issue", issue=key, fields={"summary": "Mine"})
    jira.act("edit_labels", issue=key)
    jira.act("assign", issue=key, to=ADMIN_EMAIL)
    fields = jira.get(f"/issue/{key}").json()["fields"]
    assert (fields["summary"], fields["labels"], fields["assignee"]["accountId"]) == ("Mine", [], ADMIN_ACCOUNT)
    jira.act("delete_project", project="ACC")
    assert jira.get("/project/ACC").status_code == 404
