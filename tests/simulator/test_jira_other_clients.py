"""Routes, parameters and shapes that other people's clients use: baton-jira, jira.js, atlassian-python-api, jira."""

from typing import Any

import pytest

from simulator.jira import World, seed
from simulator.jira.world import ADMIN_ACCOUNT
from tests.simulator.jira_client import Jira, adf, errors


def test_an_invited_person_never_gets_the_id_of_a_seeded_one(jira: Jira) -> None:
    seed(jira.world, users=20, rng_seed=1)
    before = dict(jira.world.directory.users)
    made = jira.post("/user", {"emailAddress": "new@example.com", "products": []})
    assert made.status_code == 201
    assert made.json()["accountId"] not in before
    assert all(jira.world.directory.users[each] is user for each, user in before.items())


def test_an_account_never_replaces_another_in_silence() -> None:
    world = World()
    with pytest.raises(ValueError, match="already"):
        world.directory.add_user(world.user(ADMIN_ACCOUNT))


@pytest.mark.parametrize("query", ["", ".", "@"])
@pytest.mark.parametrize("path", ["/user/search", "/user/viewissue/search"])
def test_a_query_without_letters_lists_every_active_user(jira: Jira, path: str, query: str) -> None:
    ada, bob = jira.user("ada"), jira.user("bob")
    jira.act("deactivate", account=bob.account_id)
    found = [user["accountId"] for user in jira.get(path, query=query).json()]
    assert found == [ADMIN_ACCOUNT, ada.account_id]


def test_a_filtered_user_search_is_cut_before_it_is_filtered(jira: Jira) -> None:
    jira.project(access_level="private")
    blind, seeing = jira.user("ada"), jira.user("bob")
    jira.act("add_role_actor", project="ACC", role="Users", user=seeing.account_id)
    pages = [
        jira.get("/user/viewissue/search", query="", projectKey="ACC", startAt=start, maxResults=1).json()
        for start in range(4)
    ]
    assert [[user["accountId"] for user in page] for page in pages] == [[ADMIN_ACCOUNT], [], [seeing.account_id], []]
    assert blind.active


@pytest.mark.parametrize(("null_actors", "status"), [("absent", 200), ("refused", 400)])
def test_null_for_a_list_of_actors(jira: Jira, null_actors: str, status: int) -> None:
    jira.switch(null_actors=null_actors)
    jira.project()
    body = {"user": [jira.user().account_id], "groupId": None}
    assert jira.post("/project/ACC/role/10002", body).status_code == status


def test_an_actor_is_removed_by_its_own_kind_of_id_alone(jira: Jira) -> None:
    project, ada, group = jira.project(), jira.user(), jira.group()
    jira.act("add_role_actor", project="ACC", role="Users", user=ada.account_id)
    jira.act("add_role_actor", project="ACC", role="Users", group=group.id)
    for wrong in ({"user": group.id}, {"groupId": ada.account_id}, {"group": ada.account_id}):
        assert jira.delete("/project/ACC/role/10005", **wrong).status_code == 204
    assert len(project.roles[10005]) == 2
    assert jira.delete("/project/ACC/role/10005", groupId=group.id).status_code == 204
    assert [actor.user for actor in project.roles[10005]] == [ada.account_id]


def test_a_remote_link_changes_and_goes_by_its_id(jira: Jira, key: str) -> None:
    target = {"object": {"url": "https://example.com", "title": "old"}}
    link = jira.post(f"/issue/{key}/remotelink", {"globalId": "g", **target}).json()["id"]
    changed = {"globalId": "h", "object": {"url": "https://example.com", "title": "new"}}
    assert jira.put(f"/issue/{key}/remotelink/{link}", changed).status_code == 204
    assert jira.get(f"/issue/{key}/remotelink/{link}").json()["object"]["title"] == "new"
    assert jira.put(f"/issue/{key}/remotelink/1", changed).status_code == 404
    assert jira.delete(f"/issue/{key}/remotelink/{link}").status_code == 204
    assert jira.delete(f"/issue/{key}/remotelink/{link}").status_code == 404


def test_an_issue_expands_what_it_is_asked_for(jira: Jira) -> None:
    jira.project()
    key = jira.issue(description=adf("a < b"))["key"]
    expand = "renderedFields,transitions,operations,editmeta"
    issue = jira.get(f"/issue/{key}", expand=expand).json()
    assert issue["renderedFields"]["description"] == "<p>a &lt; b</p>"
    assert [each["name"] for each in issue["transitions"]] == ["Start progress", "Done", "Decline"]
    assert issue["editmeta"] == jira.get(f"/issue/{key}/editmeta").json()
    assert issue["operations"] == {"linkGroups": []}
    body = {"issueIdsOrKeys": [key], "fields": ["summary"], "expand": expand.split(",")}
    (fetched,) = jira.post("/issue/bulkfetch", body).json()["issues"]
    assert fetched["transitions"] == issue["transitions"]
    plain = jira.get(f"/issue/{key}").json()
    assert not {"renderedFields", "transitions", "operations", "editmeta"} & set(plain)


def test_a_comment_expands_its_rendered_body(jira: Jira, key: str) -> None:
    jira.post(f"/issue/{key}/comment", {"body": adf("hello")})
    (comment,) = jira.get(f"/issue/{key}/comment", expand="renderedBody").json()["comments"]
    assert comment["renderedBody"] == "<p>hello</p>"


def test_a_project_expands_its_former_keys(jira: Jira) -> None:
    jira.session.hooks["response"].clear()  # the published schema lacks what the text of the parameter promises
    jira.project()
    jira.act("rename_project", project="ACC", key="NEW")
    (project,) = jira.get("/project/search", expand="projectKeys").json()["values"]
    assert project["projectKeys"] == ["NEW", "ACC"]


def test_a_number_is_as_good_an_id_as_its_text(jira: Jira) -> None:
    project = jira.project()
    fields = {
        "project": {"id": int(project.id)},
        "issuetype": {"id": 10001},
        "priority": {"id": 1},
        "summary": "numbers",
    }
    made = jira.post("/issue", {"fields": fields})
    assert made.status_code == 201, made.text
    shown = jira.get(f"/issue/{made.json()['key']}").json()["fields"]
    assert (shown["issuetype"]["id"], shown["priority"]["id"]) == ("10001", "1")


@pytest.mark.parametrize(
    "update",
    [
        {"labels": [{"frobnicate": "x"}]},
        {"labels": [{}]},
        {"summary": [{"add": "x"}]},
        {"comment": [{"shout": {"body": adf("x")}}]},
        {"issuelinks": [{"remove": {}}]},
        {"nothing": [{"set": 1}]},
    ],
)
def test_an_unknown_verb_is_refused_and_changes_nothing(jira: Jira, update: dict[str, Any]) -> None:
    jira.project()
    key = jira.issue(labels=["a"])["key"]
    answer = jira.put(f"/issue/{key}", {"update": update})
    assert (answer.status_code, list(errors(answer))) == (400, list(update))
    assert jira.get(f"/issue/{key}").json()["fields"]["labels"] == ["a"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/status/10001", "Done"),
        ("/status/Done", "Done"),
        ("/statuscategory/done", "Done"),
        ("/statuscategory/3", "Done"),
        ("/priority/1", "Highest"),
        ("/resolution/10000", "Done"),
        ("/issueLinkType/10000", "Blocks"),
        ("/issuetype/10001", "Task"),
    ],
)
def test_entries_of_site_wide_lists_are_read_by_id(jira: Jira, path: str, name: str) -> None:
    assert jira.get(path).json()["name"] == name
    assert jira.get(f"/{path.split('/')[1]}/99999").status_code == 404


def test_a_link_between_issues_is_read_and_deleted_by_id(jira: Jira) -> None:
    jira.project()
    one, two = jira.issue()["key"], jira.issue()["key"]
    body = {"type": {"id": 10000}, "inwardIssue": {"key": one}, "outwardIssue": {"key": two}}
    assert jira.post("/issueLink", body).status_code == 201
    (link,) = jira.get(f"/issue/{one}").json()["fields"]["issuelinks"]
    read = jira.get(f"/issueLink/{link['id']}").json()
    assert (read["inwardIssue"]["key"], read["outwardIssue"]["key"]) == (one, two)
    assert jira.delete(f"/issueLink/{link['id']}").status_code == 204
    assert jira.get(f"/issueLink/{link['id']}").status_code == 404
    assert jira.get(f"/issue/{two}").json()["fields"]["issuelinks"] == []


@pytest.mark.parametrize("updates", [None, [], [{}] * 51, "x"])
def test_a_bulk_create_that_fails_as_a_whole_has_the_shape_of_bulk_answers(jira: Jira, updates: Any) -> None:
    answer = jira.post("/issue/bulk", {"issueUpdates": updates})
    assert (answer.status_code, set(answer.json())) == (400, {"issues", "errors"})
    assert {"status", "elementErrors", "failedElementNumber"} == set(answer.json()["errors"][0])


def test_the_session_of_a_token_has_a_name(jira: Jira) -> None:
    address = f"{jira.site}/rest/auth/1/session"
    assert jira.session.get(address, timeout=300).json()["name"] == ADMIN_ACCOUNT
    jira.log_out()
    assert jira.session.get(address, timeout=300).status_code == 401


def test_fixed_words_are_no_issue_or_project_keys(jira: Jira) -> None:
    jira.session.hooks["response"].clear()  # the subset of the published document lacks these paths
    jira.project()
    key = jira.issue(summary="Find me")["key"]
    assert jira.get("/issue/picker", query="find").json()["sections"][0]["issues"][0]["key"] == key
    assert [each["key"] for each in jira.get("/project/recent").json()] == ["ACC"]
    created = jira.get("/issue/createmeta", projectKeys="ACC", expand="projects.issuetypes.fields").json()
    assert "summary" in created["projects"][0]["issuetypes"][0]["fields"]
    assert "fields" not in jira.get("/issue/createmeta").json()["projects"][0]["issuetypes"][0]


def test_a_transition_with_unknown_parts_is_refused(jira: Jira, key: str) -> None:
    bodies: list[dict[str, Any]] = [
        {"update": {"comment": [{"shout": 1}]}},
        {"update": {"labels": [{"add": "x"}]}},
        {"fields": []},
    ]
    for more in bodies:
        answer = jira.post(f"/issue/{key}/transitions", {"transition": {"id": 31}, **more})
        assert answer.status_code == (204 if more == {"fields": []} else 400), answer.text
        if answer.status_code == 400:
            assert jira.status_of(key) == "To Do"


def test_texts_of_a_profile_may_hold_anything(jira: Jira) -> None:
    ada = jira.user()
    jira.act("change_profile", account=ada.account_id, name="nul \0 half \ud800 end")
    name = "nul \0 half \ud800 end"
    assert jira.get("/user", accountId=ada.account_id).json()["displayName"] == name
    assert jira.session.get(f"{jira.simulators.control_url}/state/jira", timeout=300).status_code == 200
