"""Facts about JumpCloud that nobody published, each with both of its values."""

from typing import Any

import pytest
import requests

from tests.simulator.jumpcloud_client import Clock, JumpCloud

OTHER = "0" * 24
GROUPS = "/api/v2/usergroups"


def found(jumpcloud: JumpCloud, email: str) -> list[str]:
    answer = jumpcloud.get("/api/systemusers", filter=f"email:$eq:{email}")
    return [row["_id"] for row in answer.json()["results"]]


def memberof(jumpcloud: JumpCloud, user: str, **query: Any) -> list[str]:
    return [row["id"] for row in jumpcloud.v2(f"/users/{user}/memberof", **query).json()]


def several(jumpcloud: JumpCloud) -> None:
    """Give the client a key of two organizations."""
    jumpcloud.act("add_organization", organization_id=OTHER, name="Other Corp")
    admin = jumpcloud.act("add_admin", email="tenant@example.com", roleName="Administrator", multiTenant=True)
    jumpcloud.session.headers["x-api-key"] = admin["api_key"]


def test_a_lock_ends_by_itself(jumpcloud: JumpCloud, clock: Clock) -> None:
    user = jumpcloud.user()
    jumpcloud.act("lock_user", user=user, seconds=600)
    locked = jumpcloud.get(f"/api/systemusers/{user}").json()
    assert (locked["account_locked"], locked["state"], bool(locked["account_locked_date"])) == (True, "ACTIVATED", True)
    clock.pass_by(601)
    assert jumpcloud.get(f"/api/systemusers/{user}").json()["account_locked"] is False


def test_a_lock_without_an_end_stays_until_unlocked(jumpcloud: JumpCloud, clock: Clock) -> None:
    user = jumpcloud.user()
    jumpcloud.act("lock_user", user=user)
    clock.pass_by(10 * 86_400)
    assert jumpcloud.get(f"/api/systemusers/{user}").json()["account_locked"] is True
    jumpcloud.act("unlock_user", user=user)
    assert jumpcloud.get(f"/api/systemusers/{user}").json()["account_locked"] is False


def test_a_filter_alone_lags_for_users(jumpcloud: JumpCloud, clock: Clock) -> None:
    user = jumpcloud.user("old")
    jumpcloud.switch(filter_lag_ms=60_000)
    jumpcloud.act("change_user", user=user, email="new@example.com")
    assert (found(jumpcloud, "old@example.com"), found(jumpcloud, "new@example.com")) == ([user], [])
    assert jumpcloud.get(f"/api/systemusers/{user}").json()["email"] == "new@example.com"
    assert [row["email"] for row in jumpcloud.get("/api/systemusers").json()["results"]] == ["new@example.com"]
    clock.pass_by(61)
    assert (found(jumpcloud, "old@example.com"), found(jumpcloud, "new@example.com")) == ([], [user])


def test_a_filter_alone_lags_for_memberships_in_both_directions(jumpcloud: JumpCloud, clock: Clock) -> None:
    user, kept, left = jumpcloud.user(), jumpcloud.group("kept"), jumpcloud.group("left")
    jumpcloud.change(left, "add", user)
    jumpcloud.switch(filter_lag_ms=60_000)
    jumpcloud.change(left, "remove", user)
    jumpcloud.change(kept, "add", user)
    assert memberof(jumpcloud, user) == [kept]
    seen = [memberof(jumpcloud, user, filter=f"object_id:eq:{group}") for group in (kept, left)]
    assert seen == [[], [left]]
    clock.pass_by(61)
    assert memberof(jumpcloud, user, filter=f"object_id:eq:{kept}") == [kept]


@pytest.mark.parametrize(("heeded", "count"), [("narrows", 1), ("ignored", 2)])
def test_a_filter_on_object_ids(jumpcloud: JumpCloud, heeded: str, count: int) -> None:
    jumpcloud.switch(object_id_filter=heeded)
    user, groups = jumpcloud.user(), [jumpcloud.group("a"), jumpcloud.group("b")]
    for group in groups:
        jumpcloud.change(group, "add", user)
    assert len(memberof(jumpcloud, user, filter=f"object_id:eq:{groups[0]}")) == count


@pytest.mark.parametrize("status", [400, 403])
def test_a_group_that_another_directory_masters_refuses_changes(jumpcloud: JumpCloud, status: int) -> None:
    jumpcloud.switch(mastered_reject_status=status)
    user, group = jumpcloud.user(), jumpcloud.group()
    directory = jumpcloud.act("master_group", group=group, directory="corp.example.com")["directory"]
    assert jumpcloud.change(group, "add", user).status_code == status
    bound = jumpcloud.v2(f"/usergroups/{group}/associations", targets="active_directory").json()
    assert [row["to"]["id"] for row in bound] == [directory]
    jumpcloud.act("release_group", group=group)
    assert jumpcloud.change(group, "add", user).status_code == 204


def test_a_group_that_another_directory_masters_may_take_changes_back(jumpcloud: JumpCloud) -> None:
    jumpcloud.switch(mastered_change="revert")
    ada, bob, group = jumpcloud.user("ada"), jumpcloud.user("bob"), jumpcloud.group()
    jumpcloud.act("master_group", group=group, directory="corp.example.com")
    assert jumpcloud.change(group, "add", ada).status_code == 204
    assert jumpcloud.members(group) == [ada]
    jumpcloud.act("sync_group", group=group)
    assert jumpcloud.members(group) == []
    jumpcloud.act("sync_group", group=group, members=["bob"])
    assert jumpcloud.members(group) == [bob]


@pytest.mark.parametrize(("change", "status"), [("allowed", 204), ("reject", 400)])
def test_a_reviewed_group_takes_changes_by_hand_or_not(jumpcloud: JumpCloud, change: str, status: int) -> None:
    jumpcloud.switch(reviewed_change=change)
    group = jumpcloud.group(membershipMethod="DYNAMIC_REVIEW_REQUIRED")
    assert jumpcloud.change(group, "add", jumpcloud.user()).status_code == status


@pytest.mark.parametrize(("stored", "hits"), [("lower", [0, 1]), ("as_sent", [1, 0])])
def test_addresses_are_kept_in_lower_case_or_as_sent(jumpcloud: JumpCloud, stored: str, hits: list[int]) -> None:
    jumpcloud.switch(names_stored=stored)
    body = {"email": "Ada@Example.com", "username": "Ada"}
    assert jumpcloud.post("/api/systemusers", body).status_code == 200
    assert jumpcloud.post("/api/systemusers", {"email": "ada@example.com", "username": "x"}).status_code == 409
    assert [len(found(jumpcloud, each)) for each in ("Ada@Example.com", "ada@example.com")] == hits


def test_one_key_opens_several_organizations(jumpcloud: JumpCloud) -> None:
    several(jumpcloud)
    home = jumpcloud.world.organization_id
    jumpcloud.user("here")
    jumpcloud.act("add_user", organization=OTHER, email="there@example.com")
    listed = jumpcloud.get("/api/organizations").json()["results"]
    assert [row["id"] for row in listed] == [home, OTHER]
    for organization, email in ((home, "here@example.com"), (OTHER, "there@example.com")):
        answer = jumpcloud.call("GET", "/api/systemusers", headers={"x-org-id": organization})
        assert [row["email"] for row in answer.json()["results"]] == [email]
    assert jumpcloud.call("GET", "/api/systemusers", headers={"x-org-id": "f" * 24}).status_code == 401


@pytest.mark.parametrize(("unchosen", "status"), [("refused", 401), ("first", 200)])
def test_a_key_of_several_organizations_that_chooses_none(jumpcloud: JumpCloud, unchosen: str, status: int) -> None:
    jumpcloud.switch(unchosen_organization=unchosen)
    several(jumpcloud)
    assert jumpcloud.get("/api/systemusers").status_code == status


def test_a_key_of_one_organization_sees_no_other(jumpcloud: JumpCloud) -> None:
    jumpcloud.act("add_organization", organization_id=OTHER)
    assert jumpcloud.get("/api/organizations").json()["totalCount"] == 1
    assert jumpcloud.call("GET", "/api/systemusers", headers={"x-org-id": OTHER}).status_code == 403


def test_the_organization_gets_another_identity(jumpcloud: JumpCloud) -> None:
    jumpcloud.act("set_organization", organization_id=OTHER, name="Wrong Corp")
    (row,) = jumpcloud.get("/api/organizations").json()["results"]
    assert (row["id"], row["displayName"]) == (OTHER, "Wrong Corp")
    jumpcloud.user()
    assert {event["organization"] for event in jumpcloud.events()} == {OTHER}


def test_several_organizations_survive_a_dump(jumpcloud: JumpCloud) -> None:
    several(jumpcloud)
    jumpcloud.act("add_user", organization=OTHER, email="there@example.com")
    address = f"{jumpcloud.simulators.control_url}/state/jumpcloud"
    state = requests.get(address, timeout=300).json()
    assert state["organizations"][0]["users"][0]["email"] == "there@example.com"
    assert requests.put(address, json=state, timeout=300).status_code == 204
    assert requests.get(address, timeout=300).json() == state


def test_texts_of_a_profile_may_hold_anything(jumpcloud: JumpCloud) -> None:
    name = "nul \0 half \ud800 end"
    user = jumpcloud.user(displayname=name, department="\udfff")
    assert jumpcloud.get(f"/api/systemusers/{user}").json()["displayname"] == name
    assert jumpcloud.get("/api/systemusers").json()["results"][0]["department"] == "\udfff"
    state = requests.get(f"{jumpcloud.simulators.control_url}/state/jumpcloud", timeout=300)
    assert state.json()["users"][0]["details"]["displayname"] == name


def test_a_logo_has_a_colour_of_the_published_list_and_a_report_a_list_of_parameters(jumpcloud: JumpCloud) -> None:
    jumpcloud.act("add_application", name="github")
    assert jumpcloud.get("/api/applications").json()["results"][0]["logo"]["color"] == "#202D38"
    report = jumpcloud.post("/insights/directory/v1/reports/users-to-user-groups")
    assert report.json()["parameters"] == []


def test_members_of_another_kind_of_group_are_not_changed_here(jumpcloud: JumpCloud) -> None:
    devices = jumpcloud.act("add_group", name="Devices", type="system_group")["id"]
    assert jumpcloud.change(devices, "add", jumpcloud.user()).status_code == 404
