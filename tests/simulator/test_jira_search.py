from typing import Any

import pytest
import requests

from simulator.jira.world import ADMIN_EMAIL
from tests.simulator.jira_client import Jira, messages

UNBOUNDED = "Unbounded JQL queries are not allowed here. Add a search restriction to the query."
BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."


@pytest.fixture(autouse=True)
def project(jira: Jira) -> None:
    jira.project("ACC")


def search(jira: Jira, **body: Any) -> requests.Response:
    return jira.post("/search/jql", body)


def test_the_default_field_is_the_id_alone(jira: Jira) -> None:
    made = jira.issue()
    answer = search(jira, jql="project = ACC").json()
    assert answer == {"issues": [{"id": made["id"]}], "isLast": True}


def test_pages_end_without_a_token_and_never_say_how_many(jira: Jira) -> None:
    made = [jira.issue(summary=f"n{number}")["id"] for number in range(5)]
    found: list[str] = []
    token: dict[str, str] = {}
    for _ in range(3):
        page = search(jira, jql="project = ACC order by key", maxResults=2, **token).json()
        assert "total" not in page
        found += [issue["id"] for issue in page["issues"]]
        token = {"nextPageToken": page.get("nextPageToken", "")}
    assert (page["isLast"], "nextPageToken" in page) == (True, False)
    assert found == made


def test_a_page_with_fields_is_smaller_than_asked(jira: Jira) -> None:
    for _ in range(3):
        jira.issue()
    jira.switch(search_page_cap=2)
    assert len(search(jira, jql="project = ACC", maxResults=5000, fields=["summary"]).json()["issues"]) == 2
    assert len(search(jira, jql="project = ACC", maxResults=5000, fields=["id", "key"]).json()["issues"]) == 3


def test_tokens_die_after_seven_days(jira: Jira) -> None:
    jira.issue()
    jira.issue()
    token = search(jira, jql="project = ACC", maxResults=1).json()["nextPageToken"]
    assert search(jira, jql="project = ACC", nextPageToken=token).status_code == 200
    jira.act("advance", seconds=8 * 86_400)
    answer = search(jira, jql="project = ACC", nextPageToken=token)
    assert messages(answer) == ["The provided nextPageToken is invalid or has expired."]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"{", "There was an error parsing JSON. Check that your request body is valid."),
        (b"", "No content to map to Object due to end of input"),
        (b'{"nope": 1}', BAD_PAYLOAD),
        (b'{"jql": 1}', BAD_PAYLOAD),
        (b'{"nextPageToken": "x", "maxResults": 0}', "The provided nextPageToken is invalid or has expired."),
        (b'{"maxResults": 0}', "The maxResults parameter must be between 1 and 5,000."),
        (b'{"maxResults": 5001}', "The maxResults parameter must be between 1 and 5,000."),
        (b"{}", UNBOUNDED),
        (b'{"jql": "order by created"}', UNBOUNDED),
    ],
)
def test_faults_are_found_in_the_order_of_the_service(jira: Jira, body: bytes, message: str) -> None:
    answer = jira.call("POST", "/search/jql", data=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, messages(answer)) == (400, [message])


@pytest.mark.parametrize(
    ("jql", "piece"),
    [
        ("project =", "Error in the JQL Query: Expecting either a value, list or function"),
        ("labels = a b", "Error in the JQL Query: Expecting either 'OR' or 'AND' but got 'b'. (line 1, character 12)"),
        ("summary ~ 'a", "has not been completed"),
        ("foo = 1", "Field 'foo' does not exist or you do not have permission to view it."),
        ("created > yesterday", "Date value 'yesterday' for field 'created' is invalid."),
    ],
)
def test_jql_that_does_not_parse_says_where(jira: Jira, jql: str, piece: str) -> None:
    answer = search(jira, jql=jql)
    assert answer.status_code == 400
    assert piece in messages(answer)[0]


def test_the_query_language_finds_what_it_says(jira: Jira) -> None:
    jira.project("OTHER")
    ada = jira.user("ada")
    one = jira.issue(labels=["ar-1"])["key"]
    two = jira.issue(labels=["AR-2", "x"], summary="Take access", assignee={"accountId": ada.account_id})["key"]
    three = jira.issue("OTHER", issuetype={"name": "Bug"})["key"]
    jira.act("done", issue=two)
    expected = {
        "project = ACC": {one, two},
        'project in (ACC, "OTHER") and labels is empty': {three},
        "labels = ar-2": {two},
        "labels != ar-1": {two},
        "not labels = ar-1 and project is not empty": {two, three},
        "statusCategory = Done": {two},
        "statusCategory != Done order by key": {one, three},
        "status in (Done, 'In Progress')": {two},
        f"key = {one} or issuekey = {three}": {one, three},
        "issuetype = Bug": {three},
        "assignee is empty and project = ACC": {one},
        'assignee = "ada@example.com"': {two},
        "reporter = currentUser() and project = OTHER": {three},
        "created >= -5m and project = ACC": {one, two},
        "updated < -5m and project = ACC": set(),
        'created > "2020-01-01 12:30" and project = OTHER': {three},
        "resolution = Unresolved and project = ACC": {one},
        "summary ~ take": {two},
        "(labels = ar-1 or labels = x) and project = ACC": {one, two},
    }
    assert {jql: set(jira.found(jql)) for jql in expected} == expected


def test_results_are_ordered_as_asked(jira: Jira) -> None:
    first, second = jira.issue(summary="b")["key"], jira.issue(summary="a")["key"]
    assert jira.found("project = ACC order by summary") == [second, first]
    assert jira.found("project = ACC order by key desc") == [second, first]
    assert jira.found("project = ACC order by created asc, key") == [first, second]


def test_a_value_that_does_not_resolve_is_empty_or_400(jira: Jira) -> None:
    assert jira.found("project = NOPE") == []
    jira.switch(unknown_jql_value="400")
    answer = search(jira, jql="project = NOPE")
    assert messages(answer) == ["The value 'NOPE' does not exist for the field 'project'."]


def test_search_lags_behind_writes_unless_told_to_reconcile(jira: Jira) -> None:
    jira.switch(search_lag_ms=60_000)
    made = jira.issue(labels=["ar-1"])
    assert jira.found("labels = ar-1") == []
    assert jira.found("labels = ar-1", reconcileIssues=[int(made["id"])]) == [made["key"]]
    assert jira.get(f"/issue/{made['key']}").status_code == 200
    jira.act("advance", seconds=61)
    assert jira.found("labels = ar-1") == [made["key"]]
    jira.act("edit_labels", issue=made["key"], remove=["ar-1"])
    assert jira.found("labels = ar-1") == [made["key"]]
    assert jira.found("labels = ar-1", reconcileIssues=[int(made["id"])]) == []


def test_during_the_lag_searches_can_disagree(jira: Jira) -> None:
    jira.switch(search_lag_ms=60_000, search_flaps=True)
    made = jira.issue(labels=["ar-1"])
    assert [jira.found("labels = ar-1") for _ in range(4)] in (
        [[made["key"]], [], [made["key"]], []],
        [[], [made["key"]], [], [made["key"]]],
    )


def test_search_shows_only_what_the_caller_sees(jira: Jira) -> None:
    jira.issue()
    jira.act("deny", account=ADMIN_EMAIL, permission="BROWSE_PROJECTS", project="ACC")
    assert jira.found("project = ACC") == []


def test_properties_names_and_schema_come_on_request(jira: Jira) -> None:
    jira.issue(properties=[{"key": "p", "value": 1}])
    page = search(jira, jql="project = ACC", fields=["summary"], properties=["p"], expand="names,schema").json()
    assert page["issues"][0]["properties"] == {"p": 1}
    assert (page["names"], page["schema"]["summary"]["type"]) == ({"summary": "Summary"}, "string")


def test_search_by_address_is_the_same(jira: Jira) -> None:
    made = jira.issue()
    page = jira.get("/search/jql", jql="project = ACC", fields="summary,status", maxResults=10).json()
    assert page["issues"][0]["key"] == made["key"]
    assert set(page["issues"][0]["fields"]) == {"summary", "status"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_old_search_is_gone(jira: Jira, method: str) -> None:
    answer = jira.call(method, "/search", params={"jql": "project = ACC"})
    assert answer.status_code == 410
    assert "migrate to the /rest/api/3/search/jql API" in messages(answer)[0]


def test_queries_are_parsed_into_their_structure(jira: Jira) -> None:
    body = {"queries": ["project = ACC and not labels in (a, b) order by key desc", "project ="]}
    good, bad = jira.post("/jql/parse", body).json()["queries"]
    where = good["structure"]["where"]
    assert (where["operator"], where["clauses"][1]["operator"]) == ("and", "not")
    assert good["structure"]["orderBy"]["fields"] == [{"field": {"name": "key"}, "direction": "desc"}]
    assert "errors" in bad
    (strict,) = jira.post("/jql/parse", {"queries": ["project = NOPE"]}).json()["queries"]
    assert "errors" in strict
