import pytest

from tests.simulator.jumpcloud_client import UNKNOWN, Clock, JumpCloud


def test_users_come_in_an_envelope_ten_at_a_time(jumpcloud: JumpCloud) -> None:
    for number in range(12):
        jumpcloud.user(f"u{number}")
    answer = jumpcloud.get("/api/systemusers")
    assert (answer.json()["totalCount"], len(answer.json()["results"])) == (12, 10)
    assert not {"x-total-count", "link"} & set(answer.headers)


def test_skipping_past_the_end_keeps_the_total(jumpcloud: JumpCloud) -> None:
    jumpcloud.user()
    assert jumpcloud.get("/api/systemusers", skip=5).json() == {"totalCount": 1, "results": []}


def test_a_limit_above_100_is_clamped_or_refused(jumpcloud: JumpCloud) -> None:
    for number in range(101):
        jumpcloud.user(f"u{number}")
    assert len(jumpcloud.get("/api/systemusers", limit=1000).json()["results"]) == 100
    jumpcloud.switch(limit_over_maximum="reject")
    assert jumpcloud.get("/api/systemusers", limit=1000).status_code == 400
    assert jumpcloud.v2("/usergroups", limit=101).status_code == 400


def test_a_user_has_both_ids_and_empty_values_as_recorded(jumpcloud: JumpCloud) -> None:
    ident = jumpcloud.user("ada", firstname="Ada")
    user = jumpcloud.get(f"/api/systemusers/{ident}").json()
    assert user["_id"] == user["id"] == ident
    assert (user["firstname"], user["middlename"], user["employeeIdentifier"]) == ("Ada", "", None)
    assert (user["state"], user["suspended"], user["activated"]) == ("ACTIVATED", False, True)
    assert user["created"].endswith("Z")
    assert "organization" not in user


@pytest.mark.parametrize("state", ["ACTIVATED", "STAGED", "SUSPENDED"])
def test_a_list_shows_a_user_as_reading_him_does(jumpcloud: JumpCloud, state: str) -> None:
    ident = jumpcloud.user("ada", firstname='Zoë "Z"', department="R\\D", state=state)
    listed = jumpcloud.get("/api/systemusers").json()["results"]
    assert listed == [jumpcloud.get(f"/api/systemusers/{ident}").json()]


def test_addresses_and_user_names_are_stored_in_lower_case(jumpcloud: JumpCloud) -> None:
    ident = jumpcloud.act("add_user", email="Ada.L@Example.com", username="AdaL")["id"]
    user = jumpcloud.get(f"/api/systemusers/{ident}").json()
    assert (user["email"], user["username"]) == ("ada.l@example.com", "adal")


@pytest.mark.parametrize("status", [404, 400])
def test_an_unknown_id_answers_as_switched(jumpcloud: JumpCloud, status: int) -> None:
    jumpcloud.switch(unknown_id_status=status)
    assert jumpcloud.get(f"/api/systemusers/{UNKNOWN}").status_code == status
    assert jumpcloud.v2(f"/usergroups/{UNKNOWN}").status_code == status


def test_fields_are_separated_by_blanks(jumpcloud: JumpCloud) -> None:
    jumpcloud.user("ada", firstname="Ada")
    row = jumpcloud.get("/api/systemusers", fields="email firstname").json()["results"][0]
    assert set(row) == {"_id", "id", "email", "firstname"}


def test_users_are_sorted_by_several_names_up_and_down(jumpcloud: JumpCloud) -> None:
    jumpcloud.user("b", department="One")
    jumpcloud.user("a", department="One")
    jumpcloud.user("c", department="Two")
    rows = jumpcloud.get("/api/systemusers", sort="-department username").json()["results"]
    assert [row["username"] for row in rows] == ["c", "a", "b"]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"filter": "email:$eq:ada@example.com"}, ["ada"]),
        ({"filter": "email:$eq:ADA@example.com"}, []),
        ({"filter": "department:$ne:Sales"}, ["ada"]),
        ({"filter": ["department:$eq:Sales", "username:$gt:bob"]}, ["cyd"]),
        ({"filter[0]": "department:$eq:Sales", "filter[1]": "firstname:$eq:Bob"}, ["bob"]),
        ({"filter[or][0]": "username:$eq:ada", "filter[or][1]": "username:$eq:cyd"}, ["ada", "cyd"]),
        ({"filter": "suspended:$eq:false"}, ["ada", "bob", "cyd"]),
        ({"filter": "created:$gte:2020-01-01T00:00:00.000Z", "sort": "username"}, ["ada", "bob", "cyd"]),
        ({"search[searchTerm]": "CY", "search[fields]": "username"}, ["cyd"]),
        ({"search": '{"searchTerm": "bob@", "fields": ["email"]}'}, ["bob"]),
    ],
)
def test_filters_of_v1(jumpcloud: JumpCloud, params: dict[str, str], found: list[str]) -> None:
    jumpcloud.user("ada", department="Finance")
    jumpcloud.user("bob", department="Sales", firstname="Bob")
    jumpcloud.user("cyd", department="Sales")
    answer = jumpcloud.get("/api/systemusers", **params).json()
    assert [row["username"] for row in answer["results"]] == found
    assert answer["totalCount"] == len(found)


@pytest.mark.parametrize(("switch", "status", "count"), [("ignore", 200, 1), ("nothing", 200, 0), ("reject", 400, 0)])
def test_an_operator_without_dollar_does_what_is_switched(
    jumpcloud: JumpCloud, switch: str, status: int, count: int
) -> None:
    jumpcloud.user()
    jumpcloud.switch(filter_without_dollar=switch)
    answer = jumpcloud.get("/api/systemusers", filter="email:eq:nobody@example.com")
    assert answer.status_code == status
    assert answer.json().get("totalCount", 0) == count


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"filter": [{"department": "Sales"}, {"username": "bob"}]}, ["bob"]),
        ({"filter": {"or": [{"username": "ada"}, {"username": "bob"}]}}, ["ada", "bob"]),
        ({"filter": {"and": [{"department": "Sales"}]}, "sort": "-username"}, ["cyd", "bob"]),
        ({"searchFilter": {"searchTerm": ["AD", "cy"], "fields": ["username"]}}, ["ada", "cyd"]),
        ({"searchFilter": {"searchTerm": "example"}, "limit": 1, "skip": 1}, ["bob"]),
        ({"filter": [{"username": {"$gt": "bob"}}]}, ["cyd"]),
    ],
)
def test_search_of_users(jumpcloud: JumpCloud, body: dict[str, object], found: list[str]) -> None:
    jumpcloud.user("ada", department="Finance")
    jumpcloud.user("bob", department="Sales")
    jumpcloud.user("cyd", department="Sales")
    answer = jumpcloud.post("/api/search/systemusers", body).json()
    assert [row["username"] for row in answer["results"]] == found
    assert "memberof" not in answer["results"][0]


def test_search_takes_limit_and_skip_from_the_query_too(jumpcloud: JumpCloud) -> None:
    for name in ("ada", "bob"):
        jumpcloud.user(name)
    answer = jumpcloud.post("/api/search/systemusers", {}, params={"limit": 1, "skip": 1}).json()
    assert [row["username"] for row in answer["results"]] == ["bob"]


def test_search_can_bring_groups_and_be_late_with_them(jumpcloud: JumpCloud, clock: Clock) -> None:
    user, group, other = jumpcloud.user(), jumpcloud.group(), jumpcloud.group("Others")
    jumpcloud.act("add_member", group=group, user=user)
    clock.pass_by(120)
    jumpcloud.act("add_member", group=other, user=user)

    def memberof(**body: str) -> object:
        return jumpcloud.post("/api/search/systemusers", body).json()["results"][0].get("memberof")

    jumpcloud.switch(search_returns_memberof=True)
    assert memberof() == [group, other]
    jumpcloud.switch(memberof_needs_fields=True)
    assert memberof() is None
    assert memberof(fields="username memberof") == [group, other]
    jumpcloud.switch(memberof_lag_ms=60_000)
    assert memberof(fields="memberof") == [group]


def test_an_unsorted_list_can_turn_between_calls_and_a_sorted_one_does_not(jumpcloud: JumpCloud) -> None:
    for number in range(5):
        jumpcloud.user(f"u{number}")
    jumpcloud.switch(unsorted_order="rotating")

    def order(**params: str) -> list[str]:
        return [row["id"] for row in jumpcloud.get("/api/systemusers", **params).json()["results"]]

    assert order() != order()
    assert order(sort="_id") == order(sort="_id") == sorted(order())


def test_fields_come_and_go_as_switched(jumpcloud: JumpCloud) -> None:
    path = f"/api/systemusers/{jumpcloud.user()}"
    plain = set(jumpcloud.get(path).json())
    jumpcloud.switch(missing_state=True, extra_fields=True, users_have_organization=True)
    user = jumpcloud.get(path).json()
    assert plain - set(user) == {"state"}
    assert {"xUndocumented", "organization"} <= set(user) - plain
    assert user["organization"] == jumpcloud.world.organization_id


def test_a_created_user_is_found_once_the_consistency_lag_is_over(jumpcloud: JumpCloud, clock: Clock) -> None:
    jumpcloud.switch(consistency_lag_ms=60_000)
    made = jumpcloud.post("/api/systemusers", {"username": "ada", "email": "ada@example.com"})
    assert made.status_code == 200
    ident = made.json()["_id"]
    assert jumpcloud.get(f"/api/systemusers/{ident}").status_code == 404
    assert jumpcloud.get("/api/systemusers").json()["totalCount"] == 0
    assert jumpcloud.get("/api/systemusers", filter="email:$eq:ada@example.com").json()["totalCount"] == 0
    clock.pass_by(61)
    assert jumpcloud.get(f"/api/systemusers/{ident}").status_code == 200
    assert jumpcloud.get("/api/systemusers").json()["totalCount"] == 1


def test_a_user_name_or_address_is_taken_once(jumpcloud: JumpCloud) -> None:
    jumpcloud.user()
    twin = {"username": "other", "email": "ADA@example.com"}
    assert jumpcloud.post("/api/systemusers", twin).status_code == 409


def test_a_user_is_changed_suspended_activated_and_deleted(jumpcloud: JumpCloud) -> None:
    ident = jumpcloud.user()
    path = f"/api/systemusers/{ident}"
    assert jumpcloud.call("PUT", path, json={"jobTitle": "Boss", "email": "boss@example.com"}).status_code == 200
    found = jumpcloud.get("/api/systemusers", filter="email:$eq:boss@example.com").json()["results"]
    assert [(row["_id"], row["jobTitle"]) for row in found] == [(ident, "Boss")]
    assert jumpcloud.post(f"{path}/state/suspend").status_code == 200
    assert jumpcloud.get(path).json()["suspended"] is True
    assert jumpcloud.post(f"{path}/state/activate").status_code == 200
    assert jumpcloud.get(path).json()["state"] == "ACTIVATED"
    assert jumpcloud.call("DELETE", path).status_code == 200
    assert jumpcloud.get(path).status_code == 404


def test_drift_removes_a_user_between_two_pages(jumpcloud: JumpCloud) -> None:
    idents = [jumpcloud.user(f"u{number}") for number in range(4)]
    jumpcloud.switch(drift="remove")
    seen = [
        row["_id"]
        for skip in (0, 2)
        for row in jumpcloud.get("/api/systemusers", sort="_id", limit=2, skip=skip).json()["results"]
    ]
    assert seen == [idents[0], idents[1], idents[3]]
