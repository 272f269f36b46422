from typing import Any

import pytest

from simulator.jira.people import Group
from tests.simulator.atlassian_client import NOBODY, Atlassian
from tests.simulator.jumpcloud_client import Clock


def _search(atlassian: Atlassian, **query: Any) -> list[dict[str, Any]]:
    answer = atlassian.post(f"{atlassian.directory}/groups/search", query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"searchTerm": "TEAM"}, ["team-a", "team-b"]),
        ({"groupNames": ["Team-A", "none"]}, ["team-a"]),
        ({"roleIds": ["atlassian/admin"]}, ["site-admins"]),
        ({"resourceOwners": ["jira-software"]}, ["jira-software-users-example"]),
        ({"directoryIds": ["other"]}, []),
    ],
)
def test_filters_of_the_search(atlassian: Atlassian, query: dict[str, Any], names: list[str]) -> None:
    atlassian.group("team-a")
    atlassian.group("team-b")
    assert [group["name"] for group in _search(atlassian, **query)] == names
    if "groupNames" not in query:
        counted = atlassian.get(f"{atlassian.directory}/groups/count", **query)
        assert counted.json() == {"count": len(names)}


def test_groups_by_id_member_and_resource(atlassian: Atlassian) -> None:
    team, ada = atlassian.group("team"), atlassian.person()
    atlassian.act("add_member", group=team, account=ada)
    resource = atlassian.world.jira.site.resource("jira-software")
    assert [group["id"] for group in _search(atlassian, groupIds=[team])] == [team]
    assert [group["id"] for group in _search(atlassian, accountIds=[ada])] == [team]
    assert [group["name"] for group in _search(atlassian, resourceIds=[resource])] == ["jira-software-users-example"]
    listed = atlassian.get(f"{atlassian.v2}/directories/-/groups", resourceIds=resource, includeUsers="true").json()
    assert [group["counts"] for group in listed["data"]] == [{"users": 1}]


def test_the_directory_keeps_two_system_groups_to_itself(atlassian: Atlassian) -> None:
    hidden = atlassian.world.jira.directory.add_group(Group("hidden", "atlassian-addons-admin"))
    assert "atlassian-addons-admin" not in [group["name"] for group in _search(atlassian)]
    assert atlassian.get(f"{atlassian.directory}/groups/{hidden.id}").status_code == 404


def test_a_group_says_whether_it_can_be_changed(atlassian: Atlassian) -> None:
    team = atlassian.group()
    group = atlassian.get(f"{atlassian.directory}/groups/{team}").json()["data"]
    assert (group["externalSynced"], group["managedBy"], group["counts"]) == (
        False,
        "admins",
        {"resources": 0, "users": 0},
    )
    atlassian.act("sync_group", group=team)
    group = atlassian.get(f"{atlassian.directory}/groups/{team}").json()["data"]
    assert (group["externalSynced"], group["managedBy"]) == (True, "external")
    assert group["managementAccess"] == {"readable": True, "modifiable": False, "deletable": False}


def test_a_member_is_added_once_and_removed_once(atlassian: Atlassian) -> None:
    team, ada = atlassian.group(), atlassian.person()
    path = f"{atlassian.directory}/groups/{team}/memberships"
    assert [atlassian.post(path, {"accountId": ada}).status_code for _ in range(2)] == [204, 409]
    assert atlassian.world.jira.directory.groups[team].members == [ada], "Jira has the same members"
    assert [atlassian.call("DELETE", f"{path}/{ada}").status_code for _ in range(2)] == [204, 404]


def test_a_full_licence_looks_like_a_member_unless_switched(atlassian: Atlassian) -> None:
    access = next(group for group in atlassian.world.jira.directory.groups.values() if group.grants)
    member, stranger = atlassian.person("in", products=("jira-software",)), atlassian.person("out")
    atlassian.world.jira.switches.licence_full = True
    path = f"{atlassian.directory}/groups/{access.id}/memberships"

    def code(account: str) -> str:
        answer = atlassian.post(path, {"accountId": account})
        assert answer.status_code == 409
        return str(answer.json()["errors"][0]["code"])

    assert code(member) == code(stranger)
    atlassian.switch(conflict_codes="distinct")
    assert code(member) != code(stranger) == "ADMIN-409-3"


@pytest.mark.parametrize("status", [403, 400])
def test_a_group_of_an_identity_provider_is_not_changed_here(atlassian: Atlassian, status: int) -> None:
    team, ada = atlassian.group(), atlassian.person()
    atlassian.act("sync_group", group=team)
    atlassian.switch(synced_group_status=status)
    path = f"{atlassian.directory}/groups/{team}"
    assert atlassian.post(f"{path}/memberships", {"accountId": ada}).status_code == status
    assert atlassian.call("DELETE", f"{path}/memberships/{ada}").status_code == status
    assert atlassian.call("DELETE", path).status_code == status


def test_a_group_is_made_and_deleted(atlassian: Atlassian) -> None:
    made = atlassian.post(f"{atlassian.directory}/groups", {"name": "new", "description": "d"})
    ident = made.json()["data"]["id"]
    assert (made.status_code, atlassian.world.jira.group("new").id) == (201, ident)
    assert atlassian.post(f"{atlassian.directory}/groups", {"name": "NEW"}).status_code == 409
    assert atlassian.post(f"{atlassian.directory}/groups", {}).status_code == 400
    assert atlassian.call("DELETE", f"{atlassian.directory}/groups/{ident}").status_code == 204
    assert atlassian.get(f"{atlassian.directory}/groups/{ident}").status_code == 404


def test_groups_that_grant_access_cannot_be_deleted(atlassian: Atlassian) -> None:
    for group in list(atlassian.world.jira.directory.groups.values()):
        assert atlassian.call("DELETE", f"{atlassian.directory}/groups/{group.id}").status_code == 403


def test_unknown_groups_and_users_are_404(atlassian: Atlassian) -> None:
    team = atlassian.group()
    path = f"{atlassian.directory}/groups"
    assert atlassian.post(f"{path}/none/memberships", {"accountId": NOBODY}).status_code == 404
    assert atlassian.post(f"{path}/{team}/memberships", {"accountId": NOBODY}).status_code == 404
    assert atlassian.post(f"{path}/{team}/memberships", {}).status_code == 400
    assert atlassian.call("DELETE", f"{path}/{team}/memberships/{NOBODY}").status_code == 404


def test_role_assignments_of_a_group(atlassian: Atlassian) -> None:
    access = next(group for group in atlassian.world.jira.directory.groups.values() if group.grants)
    rows = atlassian.get(f"{atlassian.directory}/groups/{access.id}/role-assignments").json()["data"]
    assert [row["roles"] for row in rows] == [["atlassian/user"]]


def test_directory_reads_agree_after_the_lag(atlassian: Atlassian, clock: Clock) -> None:
    atlassian.world.jira.switches.directory_lag_ms = 60_000
    team, ada = atlassian.group(), atlassian.person()
    path = f"{atlassian.directory}/groups/{team}/memberships"
    assert atlassian.post(path, {"accountId": ada}).status_code == 204
    assert atlassian.users(groupIds=[team]) == []
    clock.pass_by(61)
    assert [user["accountId"] for user in atlassian.users(groupIds=[team])] == [ada]
