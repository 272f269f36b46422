import pytest
import requests

from simulator.jira.world import ADMIN_EMAIL
from tests.simulator.jira_client import NOBODY, Jira, messages

ADMINISTRATORS = "/project/ACC/role/10002"


@pytest.fixture(autouse=True)
def _project(jira: Jira) -> None:
    jira.project("ACC")


def actors(answer: requests.Response) -> list[str]:
    return [actor["displayName"] for actor in answer.json()["actors"]]


def test_the_role_map_ends_in_role_ids(jira: Jira) -> None:
    project = jira.world.project("ACC")
    found = jira.get("/project/ACC/role").json()
    assert found["Administrators"] == f"{jira.address}/project/{project.id}/role/10002"
    assert "atlassian-addons-project-access" in found
    assert jira.get("/project/ACC").json()["roles"] == found


def test_users_and_groups_enter_a_role_and_are_sorted_by_name(jira: Jira) -> None:
    zoe, ada = jira.user("zoe", name="Zoe"), jira.user("ada", name="Ada")
    group = jira.group("managers")
    answer = jira.post(ADMINISTRATORS, {"user": [zoe.account_id, ada.account_id], "groupId": [group.id]})
    assert answer.status_code == 200
    assert actors(answer) == ["Ada", "managers", "Zoe"]
    shown = jira.get(ADMINISTRATORS).json()["actors"]
    assert shown[0]["actorUser"] == {"accountId": ada.account_id}
    assert shown[1]["actorGroup"] == {"name": "managers", "displayName": "managers", "groupId": group.id}
    assert isinstance(shown[0]["id"], int)


def test_one_duplicate_fails_the_whole_request(jira: Jira) -> None:
    ada, bob = jira.user("ada"), jira.user("bob")
    jira.post(ADMINISTRATORS, {"user": [ada.account_id]})
    answer = jira.post(ADMINISTRATORS, {"user": [ada.account_id, bob.account_id]})
    assert answer.status_code == 400
    assert messages(answer)[0].endswith("is already a member of the project role.")
    assert actors(jira.get(ADMINISTRATORS)) == ["ada"]
    jira.switch(role_duplicate="skip")
    assert jira.post(ADMINISTRATORS, {"user": [ada.account_id, bob.account_id]}).status_code == 200
    assert actors(jira.get(ADMINISTRATORS)) == ["ada", "bob"]


def test_removing_an_actor_who_is_not_there_is_204_all_the_same(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.post(ADMINISTRATORS, {"user": [ada.account_id]})
    assert jira.delete(ADMINISTRATORS, user=ada.account_id).status_code == 204
    assert jira.delete(ADMINISTRATORS, user=ada.account_id).status_code == 204
    assert jira.delete(ADMINISTRATORS, user=NOBODY).status_code == 204
    assert actors(jira.get(ADMINISTRATORS)) == []


def test_removing_names_exactly_one_actor(jira: Jira) -> None:
    assert jira.delete(ADMINISTRATORS).status_code == 400
    assert jira.delete(ADMINISTRATORS, user=NOBODY, group="x").status_code == 400


def test_a_role_takes_nobody_unknown_or_inactive(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.act("deactivate", account=ada.account_id)
    assert jira.post(ADMINISTRATORS, {"user": [NOBODY]}).status_code == 404
    assert jira.post(ADMINISTRATORS, {"user": [ada.account_id]}).status_code == 404
    assert jira.post(ADMINISTRATORS, {}).status_code == 400
    assert jira.post(ADMINISTRATORS, {"user": None, "groupId": []}).status_code == 400


def test_inactive_actors_can_be_left_out(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.post(ADMINISTRATORS, {"user": [ada.account_id]})
    jira.act("deactivate", account=ada.account_id)
    assert actors(jira.get(ADMINISTRATORS)) == ["ada"]
    assert actors(jira.get(ADMINISTRATORS, excludeInactiveUsers="true")) == []


def test_replacing_sets_every_actor(jira: Jira) -> None:
    ada, bob = jira.user("ada"), jira.user("bob")
    jira.post(ADMINISTRATORS, {"user": [ada.account_id]})
    answer = jira.put(ADMINISTRATORS, {"categorisedActors": {"atlassian-user-role-actor": [bob.account_id]}})
    assert actors(answer) == ["bob"]


def test_an_actor_outlives_its_group_without_an_id(jira: Jira) -> None:
    group = jira.group("managers")
    jira.post(ADMINISTRATORS, {"groupId": [group.id]})
    jira.act("delete_group", group="managers")
    (actor,) = jira.get(ADMINISTRATORS).json()["actors"]
    assert actor["actorGroup"] == {"name": "managers", "displayName": "managers"}


def test_a_free_plan_refuses_role_changes_and_the_audit_log(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.switch(free_plan=True)
    answer = jira.post(ADMINISTRATORS, {"user": [ada.account_id]})
    assert answer.status_code == 400
    assert "Jira Free plan" in messages(answer)[0]
    assert jira.get("/auditing/record").status_code == 403


def test_roles_are_for_administrators_of_the_project(jira: Jira) -> None:
    project = jira.world.project("ACC")
    jira.act("deny", account=ADMIN_EMAIL, permission="ADMINISTER")
    assert jira.get("/project/ACC/role").status_code == 403
    project.lead = jira.world.user(ADMIN_EMAIL).account_id
    assert jira.get("/project/ACC/role").status_code == 200


def test_unknown_projects_and_roles_are_404(jira: Jira) -> None:
    answer = jira.get("/project/NONE/role")
    assert (answer.status_code, messages(answer)) == (404, ["No project could be found with key 'NONE'."])
    assert messages(jira.get("/project/99999")) == ["No project could be found with id '99999'."]
    assert jira.get("/project/ACC/role/99999").status_code == 404
    assert jira.get("/project/acc").status_code == 404


def test_roles_of_a_team_managed_project_are_its_own(jira: Jira) -> None:
    own = jira.project("TEAM", style="next-gen")
    names = jira.get("/project/TEAM/role").json()
    assert set(names) == {"Administrator", "Member", "Viewer"}
    role = jira.session.get(names["Member"], timeout=300).json()
    assert role["scope"] == {"type": "PROJECT", "project": {"id": own.id}}
    assert jira.get("/project/TEAM/role/10002").status_code == 404
    everywhere = {role["name"] for role in jira.get("/role").json()}
    assert {"Administrators", "Member"} <= everywhere


def test_role_details_have_no_actors(jira: Jira) -> None:
    details = jira.get("/project/ACC/roledetails").json()
    assert {role["type"] for role in details} == {"DEFAULT"}
    assert not any("actors" in role for role in details)


def test_projects_are_listed_a_hundred_at_most_to_those_who_see_them(jira: Jira) -> None:
    jira.project("BBB")
    jira.project("AAA", lead=jira.user("ada").account_id)
    jira.project("SEC", access_level="private")
    jira.act("archive_project", project="BBB")
    page = jira.get("/project/search", maxResults=500, expand="lead").json()
    assert page["maxResults"] == 100
    assert [project["key"] for project in page["values"]] == ["AAA", "ACC", "SEC"]
    assert page["values"][0]["lead"]["displayName"] == "ada"
    jira.act("deny", account=ADMIN_EMAIL, permission="BROWSE_PROJECTS", project="SEC")
    assert jira.get("/project/search").json()["total"] == 2
    (archived,) = jira.get("/project/search", status="archived").json()["values"]
    assert (archived["archived"], "archivedDate" in archived) == (True, True)
    assert jira.get("/project/search", keys=["AAA", "SEC"]).json()["total"] == 1


def test_an_old_key_of_a_renamed_project_still_resolves(jira: Jira) -> None:
    jira.project("OLD")
    issue = jira.issue("OLD")
    jira.act("rename_project", project="OLD", key="NEW")
    assert jira.get("/project/OLD").json()["key"] == "NEW"
    assert jira.get(f"/issue/{issue['key']}").json()["key"] == "NEW-1"
    assert jira.found("project = NEW") == ["NEW-1"]
    jira.switch(old_project_keys="404")
    assert [jira.get(f"/project/{key}").status_code for key in ("OLD", "NEW")] == [404, 200]


def test_the_audit_log_has_role_changes_and_membership_on_request(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.post(ADMINISTRATORS, {"user": [ada.account_id]})
    jira.group("developers", [ada])
    log = jira.get("/auditing/record").json()
    assert [record["summary"] for record in log["records"]] == ["Project roles changed"]
    jira.switch(audit_membership_events=True)
    log = jira.get("/auditing/record", filter="added to group").json()
    assert {record["category"] for record in log["records"]} == {"group management"}
    assert log["total"] > len(log["records"])


def test_people_change_roles_behind_the_api(jira: Jira) -> None:
    jira.user("ada")
    jira.group("managers")
    jira.act("add_role_actor", project="ACC", role="Administrators", user="ada@example.com")
    jira.act("add_role_actor", project="ACC", role="10002", group="managers")
    assert actors(jira.get(ADMINISTRATORS)) == ["ada", "managers"]
    jira.act("remove_role_actor", project="ACC", role="Administrators", user="ada@example.com")
    assert actors(jira.get(ADMINISTRATORS)) == ["managers"]
