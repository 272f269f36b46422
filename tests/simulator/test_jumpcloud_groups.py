import pytest

from tests.simulator.jumpcloud_client import UNKNOWN, Clock, JumpCloud


def test_groups_come_as_a_bare_list_ten_at_a_time_with_their_total(jumpcloud: JumpCloud) -> None:
    for number in range(12):
        jumpcloud.group(f"g{number}")
    answer = jumpcloud.v2("/usergroups")
    assert (len(answer.json()), answer.headers["x-total-count"]) == (10, "12")
    assert "link" not in answer.headers
    past = jumpcloud.v2("/usergroups", skip=20)
    assert (past.json(), past.headers["x-total-count"]) == ([], "12")


def test_the_total_and_the_link_are_switched(jumpcloud: JumpCloud) -> None:
    for number in range(3):
        jumpcloud.group(f"g{number}")
    jumpcloud.switch(total_count_header=False, link_header=True)
    answer = jumpcloud.v2("/usergroups", limit=2)
    assert "x-total-count" not in answer.headers
    following = jumpcloud.call("GET", answer.links["next"]["url"].removeprefix(jumpcloud.url))
    assert [group["name"] for group in following.json()] == ["g2"]
    assert "next" not in following.links


@pytest.mark.parametrize("params", [{"limit": "many"}, {"skip": -1}, {"limit": -5}])
def test_nonsense_in_limit_and_skip_is_400(jumpcloud: JumpCloud, params: dict[str, str]) -> None:
    assert jumpcloud.v2("/usergroups", **params).status_code == 400


def test_a_group_has_id_and_no_underscore_and_empty_values_as_recorded(jumpcloud: JumpCloud) -> None:
    group = jumpcloud.v2(f"/usergroups/{jumpcloud.group('Admins')}").json()
    assert "_id" not in group
    assert (group["type"], group["description"], group["attributes"]) == ("user_group", "", None)
    assert (group["membershipMethod"], group["memberQuery"]) == ("STATIC", None)


def test_old_groups_come_without_membership_method(jumpcloud: JumpCloud) -> None:
    group = jumpcloud.group()
    jumpcloud.switch(missing_membership_method=True)
    assert "membershipMethod" not in jumpcloud.v2(f"/usergroups/{group}").json()


def test_a_group_is_created_with_201_changed_and_keeps_its_id(jumpcloud: JumpCloud) -> None:
    made = jumpcloud.post("/api/v2/usergroups", {"name": "New", "description": "d"})
    assert made.status_code == 201
    ident = made.json()["id"]
    changed = jumpcloud.call("PUT", f"/api/v2/usergroups/{ident}", json={"name": "Newer"})
    assert (changed.status_code, changed.json()["id"], changed.json()["name"]) == (200, ident, "Newer")
    assert jumpcloud.v2("/usergroups", filter="name:eq:New").json() == []


@pytest.mark.parametrize("status", [409, 400])
def test_a_name_is_taken_without_regard_to_case(jumpcloud: JumpCloud, status: int) -> None:
    jumpcloud.group("Admins")
    other = jumpcloud.group("Others")
    jumpcloud.switch(duplicate_group_status=status)
    assert jumpcloud.post("/api/v2/usergroups", {"name": "ADMINS"}).status_code == status
    path = f"/api/v2/usergroups/{other}"
    assert jumpcloud.call("PUT", path, json={"name": "admins"}).status_code == status
    assert jumpcloud.call("PUT", path, json={"name": "OTHERS"}).status_code == 200


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x", "membershipMethod": "MAGIC"}])
def test_a_group_that_makes_no_sense_is_400(jumpcloud: JumpCloud, body: dict[str, str]) -> None:
    assert jumpcloud.post("/api/v2/usergroups", body).status_code == 400


@pytest.mark.parametrize("status", [200, 204])
def test_a_group_is_deleted_with_or_without_a_body(jumpcloud: JumpCloud, status: int) -> None:
    group, user = jumpcloud.group(), jumpcloud.user()
    jumpcloud.change(group, "add", user)
    jumpcloud.switch(delete_group_status=status)
    answer = jumpcloud.call("DELETE", f"/api/v2/usergroups/{group}")
    assert answer.status_code == status
    assert bool(answer.content) == (status == 200)
    assert jumpcloud.v2(f"/usergroups/{group}/members").status_code == 404
    assert jumpcloud.v2(f"/users/{user}/memberof").json() == []
    assert jumpcloud.call("DELETE", f"/api/v2/usergroups/{group}").status_code == 404


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name:eq:Team A", ["Team A"]),
        ("name:eq:team a", []),
        ("name:eq:Team*", ["Team A", "Team B, C"]),
        ("name:eq:Team B, C", ["Team B, C"]),
        ("name:search:b, c", ["Team B, C"]),
        ("name:in:Team A|Other", ["Team A", "Other"]),
        ("name:ne:Other,name:gt:Team A", ["Team B, C"]),
        ("membershipMethod:eq:STATIC,name:eq:Other", ["Other"]),
        ("suggestionCounts.total:eq:0,name:eq:Other", ["Other"]),
    ],
)
def test_filters_of_v2(jumpcloud: JumpCloud, query: str, found: list[str]) -> None:
    for name in ("Team A", "Team B, C", "Other"):
        jumpcloud.group(name)
    answer = jumpcloud.v2("/usergroups", filter=query)
    assert [group["name"] for group in answer.json()] == found
    assert answer.headers["x-total-count"] == str(len(found))


@pytest.mark.parametrize("query", ["name:$eq:x", "colour:eq:red", "name"])
def test_a_filter_that_makes_no_sense_is_400(jumpcloud: JumpCloud, query: str) -> None:
    assert jumpcloud.v2("/usergroups", filter=query).status_code == 400


def test_fields_and_sort_are_separated_by_commas(jumpcloud: JumpCloud) -> None:
    for name in ("b", "a"):
        jumpcloud.group(name, description="same")
    rows = jumpcloud.v2("/usergroups", sort="description,-name", fields="name,type").json()
    assert [set(row) for row in rows] == [{"id", "name", "type"}] * 2
    assert [row["name"] for row in rows] == ["b", "a"]


def test_groups_of_every_kind_and_their_unfiltered_total(jumpcloud: JumpCloud) -> None:
    jumpcloud.group("people")
    jumpcloud.group("machines", type="system_group")
    rows = jumpcloud.v2("/groups", sort="name").json()
    assert [(row["name"], row["type"]) for row in rows] == [
        ("machines", "system_group"),
        ("people", "user_group"),
    ]
    assert [row["name"] for row in jumpcloud.v2("/usergroups").json()] == ["people"]
    answer = jumpcloud.call(
        "GET", "/api/v2/groups?filter=type:eq:user_group", headers={"x-unfiltered-total-count": "1"}
    )
    assert (answer.headers["x-total-count"], answer.headers["x-unfiltered-total-count"]) == ("1", "2")


def test_a_deleted_group_is_still_listed_during_the_consistency_lag(jumpcloud: JumpCloud, clock: Clock) -> None:
    group = jumpcloud.group()
    jumpcloud.switch(consistency_lag_ms=60_000)
    jumpcloud.act("delete_group", group=group)
    assert [row["id"] for row in jumpcloud.v2("/usergroups").json()] == [group]
    assert jumpcloud.change(group, "add", jumpcloud.user()).status_code == 404
    clock.pass_by(61)
    assert jumpcloud.v2("/usergroups").json() == []


def test_suggestions_of_an_unknown_group_are_404(jumpcloud: JumpCloud) -> None:
    assert jumpcloud.v2(f"/usergroups/{UNKNOWN}/suggestions").status_code == 404
