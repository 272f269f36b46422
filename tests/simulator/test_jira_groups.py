import pytest

from simulator.jira.world import ADMIN_EMAIL
from tests.simulator.jira_client import NOBODY, Jira, messages


def member_ids(jira: Jira, group_id: str, **params: str) -> list[str]:
    return [user["accountId"] for user in jira.get("/group/member", groupId=group_id, **params).json()["values"]]


def test_groups_are_listed_by_name_in_pages(jira: Jira) -> None:
    for name in ("beta", "alpha", "gamma"):
        jira.group(name)
    page = jira.get("/group/bulk", maxResults=2).json()
    assert [group["name"] for group in page["values"]] == ["alpha", "beta"]
    assert (page["total"], page["isLast"]) == (5, False)
    rest = jira.session.get(page["nextPage"], timeout=300).json()
    assert [group["name"] for group in rest["values"]] == ["gamma", "jira-software-users-example"]


def test_the_page_of_groups_is_capped(jira: Jira) -> None:
    assert jira.get("/group/bulk", maxResults=1000).json()["maxResults"] == 50
    jira.switch(groups_bulk_cap=1)
    assert jira.get("/group/bulk", maxResults=1000).json()["maxResults"] == 1


def test_groups_are_found_by_id_name_access_and_application(jira: Jira) -> None:
    alpha, beta = jira.group("alpha"), jira.group("beta")
    found = jira.get("/group/bulk", groupId=[alpha.id, beta.id]).json()["values"]
    assert {group["groupId"] for group in found} == {alpha.id, beta.id}
    assert jira.get("/group/bulk", groupName="beta").json()["total"] == 1
    assert jira.get("/group/bulk", accessType="site-admin").json()["values"][0]["name"] == "site-admins"
    assert jira.get("/group/bulk", applicationKey="jira-software").json()["total"] == 1


def test_reading_groups_needs_browse_permission(jira: Jira) -> None:
    jira.act("deny", account=ADMIN_EMAIL, permission="USER_PICKER")
    answer = jira.get("/group/bulk")
    assert answer.status_code == 403
    assert messages(answer) == ["Browse users and groups permission is required to view groups."]


def test_members_come_fifty_at_most_and_inactive_ones_on_request(jira: Jira) -> None:
    users = [jira.user(f"u{number}") for number in range(3)]
    group = jira.group("developers", users)
    jira.act("deactivate", account=users[0].account_id)
    page = jira.get("/group/member", groupId=group.id, maxResults=100).json()
    assert (page["maxResults"], page["total"]) == (50, 2)
    assert jira.get("/group/member", groupId=group.id, includeInactiveUsers="true").json()["total"] == 3
    jira.act("activate", account=users[0].account_id)
    assert jira.get("/group/member", groupname="developers").json()["total"] == 3


def test_an_unknown_group_is_404_and_an_unnamed_one_400(jira: Jira) -> None:
    assert jira.get("/group/member", groupId="00000000-0000-4000-8000-00000000dead").status_code == 404
    assert jira.get("/group/member").status_code == 400


def test_a_member_is_added_once_and_removed(jira: Jira) -> None:
    ada, group = jira.user("ada"), jira.group("developers")
    added, again = (jira.post("/group/user", {"accountId": ada.account_id}, groupId=group.id) for _ in range(2))
    assert (added.status_code, added.json()["name"], added.json()["users"]["size"]) == (201, "developers", 1)
    assert (again.status_code, messages(again)) == (400, ["Cannot add user. User is already a member of '{1}'"])
    assert member_ids(jira, group.id) == [ada.account_id]
    removed = jira.delete("/group/user", groupId=group.id, accountId=ada.account_id)
    assert (removed.status_code, removed.content) == (200, b"")
    assert member_ids(jira, group.id) == []


def test_adding_somebody_unknown_or_gone_is_404(jira: Jira) -> None:
    ada, group = jira.user("ada"), jira.group("developers")
    assert jira.post("/group/user", {"accountId": NOBODY}, groupId=group.id).status_code == 404
    jira.delete("/user", accountId=ada.account_id)
    assert jira.post("/group/user", {"accountId": ada.account_id}, groupId=group.id).status_code == 404


def test_changing_membership_is_for_site_administrators(jira: Jira) -> None:
    ada, group = jira.user("ada"), jira.group("developers")
    jira.act("deny", account=ADMIN_EMAIL, permission="SITE_ADMIN")
    assert jira.post("/group/user", {"accountId": ada.account_id}, groupId=group.id).status_code == 403
    assert jira.delete("/group/user", accountId=ada.account_id, groupId=group.id).status_code == 403


@pytest.mark.parametrize("status", [400, 404])
def test_removing_a_non_member_says_so(jira: Jira, status: int) -> None:
    ada, group = jira.user("ada"), jira.group("developers")
    jira.switch(remove_nonmember_status=status)
    answer = jira.delete("/group/user", groupId=group.id, accountId=ada.account_id)
    assert answer.status_code == status
    assert "is not a member of" in messages(answer)[0]


@pytest.mark.parametrize("status", [400, 403])
def test_a_group_of_an_identity_provider_cannot_be_changed(jira: Jira, status: int) -> None:
    ada, group = jira.user("ada"), jira.group("developers")
    jira.act("sync_group", group="developers")
    jira.switch(idp_group_status=status)
    assert jira.post("/group/user", {"accountId": ada.account_id}, groupId=group.id).status_code == status
    jira.act("add_member", group="developers", account=ada.account_id)
    assert jira.delete("/group/user", groupId=group.id, accountId=ada.account_id).status_code == status
    assert member_ids(jira, group.id) == [ada.account_id]


def test_an_access_group_refuses_when_the_licence_is_full(jira: Jira) -> None:
    ada = jira.user("ada", products=[])
    access = jira.world.group("jira-software-users-example")
    jira.switch(licence_full=True)
    assert jira.post("/group/user", {"accountId": ada.account_id}, groupId=access.id).status_code == 400


def test_group_reads_lag_behind_membership_writes(jira: Jira) -> None:
    ada, bob = jira.user("ada"), jira.user("bob")
    group = jira.group("developers", [bob])
    jira.switch(directory_lag_ms=60_000)
    jira.post("/group/user", {"accountId": ada.account_id}, groupId=group.id)
    jira.delete("/group/user", groupId=group.id, accountId=bob.account_id)
    assert member_ids(jira, group.id) == [bob.account_id]
    assert "developers" not in [each["name"] for each in jira.get("/user/groups", accountId=ada.account_id).json()]
    again = jira.post("/group/user", {"accountId": ada.account_id}, groupId=group.id)
    assert "already a member" in messages(again)[0]
    jira.act("advance", seconds=61)
    assert member_ids(jira, group.id) == [ada.account_id]


def test_a_renamed_group_keeps_its_id(jira: Jira) -> None:
    group = jira.group("developers")
    jira.act("rename_group", group="developers", name="builders")
    assert jira.get("/group/bulk", groupId=group.id).json()["values"] == [{"name": "builders", "groupId": group.id}]
    assert jira.get("/group/member", groupname="developers").status_code == 404


def test_groups_are_made_and_deleted(jira: Jira) -> None:
    made = jira.post("/group", {"name": "developers"})
    assert made.status_code == 201
    assert jira.post("/group", {"name": "developers"}).status_code == 400
    assert jira.delete("/group", groupId=made.json()["groupId"]).status_code == 200
    assert jira.get("/group/member", groupId=made.json()["groupId"]).status_code == 404


def test_the_picker_finds_pieces_of_names(jira: Jira) -> None:
    jira.group("developers")
    found = jira.get("/groups/picker", query="VELO").json()
    assert (found["total"], found["groups"][0]["name"]) == (1, "developers")


def test_products_show_their_access_groups_and_seats(jira: Jira) -> None:
    jira.user("ada")
    software = jira.get("/applicationrole").json()[0]
    assert (software["key"], software["userCount"]) == ("jira-software", 2)
    assert software["defaultGroups"] == ["jira-software-users-example"]
    jira.switch(licence_full=True)
    assert jira.get("/applicationrole").json()[0]["remainingSeats"] == 0
