import pytest

from tests.simulator.jumpcloud_client import UNKNOWN, JumpCloud


@pytest.fixture
def bound(jumpcloud: JumpCloud) -> dict[str, str]:
    """An application with a direct user, and a group bound to it that has another user."""
    made = {
        "app": jumpcloud.act("add_application", name="aws-sso", displayLabel="AWS")["id"],
        "group": jumpcloud.group(),
        "direct": jumpcloud.user("direct"),
        "member": jumpcloud.user("member"),
    }
    jumpcloud.act("add_member", group=made["group"], user=made["member"])
    jumpcloud.act("bind_application", application="AWS", group=made["group"])
    jumpcloud.act("bind_application", application="AWS", user=made["direct"])
    return made


def test_applications_are_sorted_by_name_and_carry_both_ids(jumpcloud: JumpCloud) -> None:
    for name in ("zoom", "aws-sso"):
        jumpcloud.act("add_application", name=name)
    answer = jumpcloud.get("/api/applications").json()
    assert answer["totalCount"] == 2
    assert [row["name"] for row in answer["results"]] == ["aws-sso", "zoom"]
    assert answer["results"][0]["_id"] == answer["results"][0]["id"]
    assert answer["results"][0]["color"] is None
    slim = jumpcloud.get("/api/applications", fields="displayLabel ssoUrl", limit=1).json()["results"]
    assert set(slim[0]) == {"_id", "id", "displayLabel", "ssoUrl"}


def test_one_application_is_read_and_an_unknown_one_is_404(jumpcloud: JumpCloud, bound: dict[str, str]) -> None:
    assert jumpcloud.get(f"/api/applications/{bound['app']}").json()["displayLabel"] == "AWS"
    assert jumpcloud.get(f"/api/applications/{UNKNOWN}").status_code == 404


def test_associations_show_what_is_bound_directly(jumpcloud: JumpCloud, bound: dict[str, str]) -> None:
    path = f"/applications/{bound['app']}/associations"
    for target, expected in (("user", bound["direct"]), ("user_group", bound["group"])):
        answer = jumpcloud.v2(path, targets=target)
        assert [(item["to"]["type"], item["to"]["id"]) for item in answer.json()] == [(target, expected)]
        assert answer.headers["x-total-count"] == "1"


@pytest.mark.parametrize("params", [{}, {"targets": "user,user_group"}, {"targets": "spaceship"}])
def test_targets_is_required_and_takes_one_value(
    jumpcloud: JumpCloud, bound: dict[str, str], params: dict[str, str]
) -> None:
    assert jumpcloud.v2(f"/applications/{bound['app']}/associations", **params).status_code == 400


def test_the_other_sides_show_the_same_binding(jumpcloud: JumpCloud, bound: dict[str, str]) -> None:
    for side in (f"/usergroups/{bound['group']}", f"/users/{bound['direct']}"):
        rows = jumpcloud.v2(f"{side}/associations", targets="application").json()
        assert [item["to"]["id"] for item in rows] == [bound["app"]]
        assert jumpcloud.v2(f"{side}/associations", targets="system").json() == []


def test_users_of_an_application_come_with_the_path_they_came_by(jumpcloud: JumpCloud, bound: dict[str, str]) -> None:
    rows = jumpcloud.v2(f"/applications/{bound['app']}/users").json()
    steps = {row["id"]: [[step["to"]["type"] for step in path] for path in row["paths"]] for row in rows}
    assert steps == {bound["direct"]: [["user"]], bound["member"]: [["user_group", "user"]]}
    groups = jumpcloud.v2(f"/applications/{bound['app']}/usergroups").json()
    assert [row["id"] for row in groups] == [bound["group"]]


def test_applications_of_a_user_and_of_a_group(jumpcloud: JumpCloud, bound: dict[str, str]) -> None:
    for side in (f"/usergroups/{bound['group']}", f"/users/{bound['direct']}", f"/users/{bound['member']}"):
        assert [row["id"] for row in jumpcloud.v2(f"{side}/applications").json()] == [bound["app"]]


@pytest.mark.parametrize("kind", ["user", "user_group"])
def test_a_binding_is_added_once_and_removed_once(jumpcloud: JumpCloud, bound: dict[str, str], kind: str) -> None:
    ident = jumpcloud.user() if kind == "user" else jumpcloud.group("Others")
    path = f"/api/v2/applications/{bound['app']}/associations"

    def change(op: str) -> int:
        return jumpcloud.post(path, {"op": op, "type": kind, "id": ident}).status_code

    assert [change(op) for op in ("add", "add", "remove", "remove")] == [204, 409, 204, 404]


def test_a_binding_is_changed_from_the_other_sides_too(jumpcloud: JumpCloud, bound: dict[str, str]) -> None:
    group, user = jumpcloud.group("Others"), jumpcloud.user()
    add = {"op": "add", "type": "application", "id": bound["app"]}
    for side in (f"/usergroups/{group}", f"/users/{user}"):
        assert jumpcloud.post(f"/api/v2{side}/associations", add).status_code == 204
        assert jumpcloud.post(f"/api/v2{side}/associations", {**add, "id": UNKNOWN}).status_code == 404
        assert jumpcloud.post(f"/api/v2{side}/associations", {**add, "type": "user"}).status_code == 400
    assert jumpcloud.post(f"/api/v2/users/{UNKNOWN}/associations", add).status_code == 404


def test_a_deleted_application_leaves_no_binding(jumpcloud: JumpCloud, bound: dict[str, str]) -> None:
    jumpcloud.act("delete_application", application="AWS")
    assert jumpcloud.v2(f"/applications/{bound['app']}/associations", targets="user").status_code == 404
    assert jumpcloud.v2(f"/usergroups/{bound['group']}/associations", targets="application").json() == []


def test_administrators_are_listed_apart_from_users(jumpcloud: JumpCloud) -> None:
    jumpcloud.user("owner")
    answer = jumpcloud.get("/api/users", filter="email:$eq:owner@example.com").json()
    assert answer["totalCount"] == 1
    admin = answer["results"][0]
    assert (admin["roleName"], admin["roleNames"], admin["apiKeySet"]) == (
        "Administrator With Billing",
        ["Administrator With Billing"],
        True,
    )
    same_address = jumpcloud.get("/api/systemusers", filter="email:$eq:owner@example.com").json()["results"]
    assert same_address[0]["_id"] != admin["_id"]


def test_an_administrator_is_made_changed_and_deleted(jumpcloud: JumpCloud) -> None:
    made = jumpcloud.post("/api/users", {"email": "new@example.com", "roleName": "Manager"}).json()
    path = f"/api/users/{made['_id']}"
    assert jumpcloud.get(path).json()["roleName"] == "Manager"
    assert jumpcloud.call("PUT", path, json={"roleName": "Odd Job"}).json()["roleName"] == "Odd Job"
    assert jumpcloud.call("DELETE", path).status_code == 200
    assert jumpcloud.get(path).status_code == 404
    assert jumpcloud.post("/api/users", {"email": "owner@example.com"}).status_code == 409
