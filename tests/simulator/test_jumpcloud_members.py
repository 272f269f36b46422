from typing import Any

import pytest

from tests.simulator.jumpcloud_client import UNKNOWN, Clock, JumpCloud

AUTOMATED: dict[str, Any] = {
    "membershipMethod": "DYNAMIC_AUTOMATED",
    "memberQuery": {
        "queryType": "FilterQuery",
        "filters": [{"field": "department", "operator": "eq", "value": "Finance"}],
    },
}


def test_a_member_is_added_once_and_removed_once(jumpcloud: JumpCloud) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    added, again = jumpcloud.change(group, "add", user), jumpcloud.change(group, "add", user)
    assert (added.status_code, added.content) == (204, b"")
    assert (again.status_code, again.json()) == (409, {"message": "Already Exists"})
    assert jumpcloud.members(group) == [user]
    removed, again = jumpcloud.change(group, "remove", user), jumpcloud.change(group, "remove", user)
    assert removed.status_code == 204
    assert (again.status_code, again.json()) == (404, {"message": "Not Found"})
    assert jumpcloud.members(group) == []


@pytest.mark.parametrize("op", ["add", "remove"])
def test_an_unknown_group_answers_404(jumpcloud: JumpCloud, op: str) -> None:
    assert jumpcloud.change(UNKNOWN, op, jumpcloud.user()).status_code == 404


@pytest.mark.parametrize("status", [404, 400])
def test_adding_an_unknown_user_answers_as_switched(jumpcloud: JumpCloud, status: int) -> None:
    jumpcloud.switch(unknown_user_on_add_status=status)
    assert jumpcloud.change(jumpcloud.group(), "add", UNKNOWN).status_code == status


@pytest.mark.parametrize("status", [400, 404])
def test_a_malformed_id_answers_as_switched(jumpcloud: JumpCloud, status: int) -> None:
    jumpcloud.switch(malformed_id_status=status)
    assert jumpcloud.change(jumpcloud.group(), "add", "nobody").status_code == status
    assert jumpcloud.change("nothing", "add", jumpcloud.user()).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        {"op": "add", "type": "user_group", "id": UNKNOWN},
        {"op": "give", "type": "user", "id": UNKNOWN},
        {"type": "user", "id": UNKNOWN},
        [],
    ],
)
def test_a_body_that_is_no_member_operation_answers_400(jumpcloud: JumpCloud, body: object) -> None:
    answer = jumpcloud.post(f"/api/v2/usergroups/{jumpcloud.group()}/members", body)
    assert answer.status_code == 400


def test_update_of_a_member_changes_nothing(jumpcloud: JumpCloud) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    assert jumpcloud.change(group, "update", user).status_code == 404
    jumpcloud.change(group, "add", user)
    assert jumpcloud.change(group, "update", user).status_code == 204
    assert jumpcloud.members(group) == [user]


@pytest.mark.parametrize("state", ["STAGED", "SUSPENDED"])
@pytest.mark.parametrize("status", [204, 400])
def test_adding_a_user_who_is_not_active_answers_as_switched(jumpcloud: JumpCloud, state: str, status: int) -> None:
    jumpcloud.switch(inactive_user_on_add_status=status)
    user, group = jumpcloud.user(state=state), jumpcloud.group()
    assert jumpcloud.change(group, "add", user).status_code == status
    assert jumpcloud.members(group) == ([user] if status == 204 else [])


def test_an_automated_group_refuses_changes_by_hand(jumpcloud: JumpCloud) -> None:
    user, group = jumpcloud.user(), jumpcloud.group(**AUTOMATED)
    assert jumpcloud.change(group, "add", user).status_code == 400
    jumpcloud.switch(dynamic_reject_status=403)
    assert jumpcloud.change(group, "add", user).status_code == 403
    assert jumpcloud.members(group) == []


def test_an_automated_group_can_take_a_change_and_revert_it_at_the_next_evaluation(jumpcloud: JumpCloud) -> None:
    jumpcloud.switch(dynamic_change="revert")
    clerk = jumpcloud.user("clerk", department="Finance")
    user, group = jumpcloud.user(), jumpcloud.group(**AUTOMATED)
    assert jumpcloud.change(group, "add", user).status_code == 204
    assert jumpcloud.change(group, "remove", clerk).status_code == 204
    assert jumpcloud.members(group) == [user]
    jumpcloud.act("evaluate_rules")
    assert jumpcloud.members(group) == [clerk]


def test_a_revert_can_come_after_a_set_time(jumpcloud: JumpCloud, clock: Clock) -> None:
    jumpcloud.switch(dynamic_change="revert", dynamic_revert_ms=5_000)
    user, group = jumpcloud.user(), jumpcloud.group(**AUTOMATED)
    jumpcloud.change(group, "add", user)
    assert jumpcloud.members(group) == [user]
    clock.pass_by(6)
    assert jumpcloud.members(group) == []


def test_a_rule_follows_a_user_attribute(jumpcloud: JumpCloud) -> None:
    user, group = jumpcloud.user(), jumpcloud.group(**AUTOMATED)
    jumpcloud.act("change_user", user=user, department="Finance")
    assert jumpcloud.members(group) == [user]
    jumpcloud.act("change_user", user=user, department="Sales")
    assert jumpcloud.members(group) == []


def test_a_reviewed_group_takes_changes_and_only_suggests(jumpcloud: JumpCloud) -> None:
    clerk, user = jumpcloud.user("clerk", department="Finance"), jumpcloud.user()
    group = jumpcloud.group(**{**AUTOMATED, "membershipMethod": "DYNAMIC_REVIEW_REQUIRED"})
    assert jumpcloud.change(group, "add", user).status_code == 204
    jumpcloud.act("evaluate_rules")
    assert jumpcloud.members(group) == [user]
    suggested = jumpcloud.v2(f"/usergroups/{group}/suggestions").json()
    assert {(one["op"], one["object"]["id"]) for one in suggested} == {("add", clerk), ("remove", user)}
    counts = jumpcloud.v2(f"/usergroups/{group}").json()["suggestionCounts"]
    assert counts == {"add": 1, "remove": 1, "total": 2}
    answer = jumpcloud.post(f"/api/v2/usergroups/{group}/suggestions", {"user_ids": [clerk, UNKNOWN]})
    assert answer.json() == [{"suggestions_found": [clerk], "suggestions_not_found": [UNKNOWN]}]
    assert jumpcloud.members(group) == [user, clerk]


def test_membership_memberof_and_members_tell_the_same(jumpcloud: JumpCloud) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    jumpcloud.act("add_member", group=group, user=user)
    assert [row["id"] for row in jumpcloud.v2(f"/usergroups/{group}/membership").json()] == [user]
    rows = jumpcloud.v2(f"/users/{user}/memberof").json()
    assert [(row["id"], row["type"]) for row in rows] == [(group, "user_group")]
    assert rows[0]["paths"] == [[{"attributes": None, "to": {"attributes": None, "id": group, "type": "user_group"}}]]


def test_memberof_can_be_narrowed_to_one_group(jumpcloud: JumpCloud) -> None:
    user = jumpcloud.user()
    groups = [jumpcloud.group(f"g{number}") for number in range(3)]
    for group in groups:
        jumpcloud.act("add_member", group=group, user=user)
    answer = jumpcloud.v2(f"/users/{user}/memberof", filter=f"object_id:eq:{groups[1]}")
    assert [row["id"] for row in answer.json()] == [groups[1]]
    assert answer.headers["x-total-count"] == "1"
    assert jumpcloud.v2(f"/users/{user}/memberof", filter="name:eq:g1").status_code == 400
    ordered = jumpcloud.v2(f"/users/{user}/memberof", sort="-object_id").json()
    assert [row["id"] for row in ordered] == sorted(groups, reverse=True)


def test_reads_show_the_old_members_until_the_consistency_lag_is_over(jumpcloud: JumpCloud, clock: Clock) -> None:
    old, new, group = jumpcloud.user("old"), jumpcloud.user("new"), jumpcloud.group()
    jumpcloud.act("add_member", group=group, user=old)
    jumpcloud.switch(consistency_lag_ms=60_000)
    assert jumpcloud.change(group, "add", new).status_code == 204
    assert jumpcloud.change(group, "remove", old).status_code == 204
    assert jumpcloud.members(group) == [old]
    assert jumpcloud.v2(f"/users/{new}/memberof").json() == []
    assert jumpcloud.change(group, "add", new).status_code == 409, "writes meet the truth, not the old picture"
    clock.pass_by(61)
    assert jumpcloud.members(group) == [new]
    assert [row["id"] for row in jumpcloud.v2(f"/users/{new}/memberof").json()] == [group]


def test_a_deleted_user_can_linger_in_groups(jumpcloud: JumpCloud, clock: Clock) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    jumpcloud.act("add_member", group=group, user=user)
    jumpcloud.switch(deleted_user_lingers_ms=60_000)
    jumpcloud.act("delete_user", user=user)
    assert jumpcloud.get(f"/api/systemusers/{user}").status_code == 404
    assert jumpcloud.members(group) == [user]
    clock.pass_by(61)
    assert jumpcloud.members(group) == []


def test_a_suspended_user_stays_a_member(jumpcloud: JumpCloud) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    jumpcloud.act("add_member", group=group, user=user)
    jumpcloud.act("suspend_user", user=user)
    assert jumpcloud.members(group) == [user]


@pytest.mark.parametrize(("drift", "total"), [("remove", 4), ("insert", 6)])
def test_drift_between_pages_hides_a_row_or_shows_one_twice(jumpcloud: JumpCloud, drift: str, total: int) -> None:
    group = jumpcloud.group()
    jumpcloud.user("stranger")
    before = [jumpcloud.user(f"u{number}") for number in range(5)]
    for user in before:
        jumpcloud.act("add_member", group=group, user=user)
    jumpcloud.switch(drift=drift)
    seen = [
        item["to"]["id"]
        for skip in (0, 2, 4)
        for item in jumpcloud.v2(f"/usergroups/{group}/members", limit=2, skip=skip).json()
    ]
    if drift == "remove":
        assert set(seen) != set(jumpcloud.members(group)) | {before[0]}
        assert before[2] not in seen
    else:
        assert seen.count(before[1]) == 2
    assert len(jumpcloud.members(group)) == total, "drift happened once, as drift_times says"
