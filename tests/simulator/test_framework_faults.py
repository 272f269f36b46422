import threading
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from tests.patience import until, until_met
from tests.simulator.jumpcloud_client import JumpCloud

USERS = "/api/systemusers"


def test_an_answer_is_replaced_as_often_as_the_fault_says(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(path=USERS, status=503, times=2)
    assert [jumpcloud.get(USERS).status_code for _ in range(3)] == [503, 503, 200]


def test_the_first_matches_can_pass(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(method="GET", path="systemusers$", status=500, after=2)
    assert [jumpcloud.get(USERS).status_code for _ in range(4)] == [200, 200, 500, 200]


def test_a_fault_meets_only_its_system_method_and_path(jumpcloud: JumpCloud) -> None:
    faults = jumpcloud.simulators.faults
    faults.add(system="jira", status=500)
    faults.add(method="POST", status=500)
    faults.add(path="^/api/v2/usergroups$", status=500)
    assert jumpcloud.get(USERS).status_code == 200
    assert jumpcloud.v2("/usergroups").status_code == 500


def test_a_fault_without_a_body_speaks_as_the_service_does(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(status=429, headers={"Retry-After": "7"})
    answer = jumpcloud.get(USERS)
    assert (answer.json(), answer.headers["retry-after"]) == ({"message": "Too Many Requests"}, "7")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [("<html>Bad gateway</html>", "text/html"), ({"odd": 1}, "application/json"), ("", "application/json")],
)
def test_a_fault_answers_with_the_body_it_is_given(jumpcloud: JumpCloud, body: Any, content_type: str) -> None:
    jumpcloud.simulators.faults.add(status=502, body=body)
    answer = jumpcloud.get(USERS)
    assert answer.headers["content-type"] == content_type
    assert (answer.json() if isinstance(body, dict) else answer.text) == body


@pytest.mark.parametrize(("drop", "members"), [("before", 0), ("after", 1)])
def test_a_dropped_call_has_no_answer_and_was_applied_or_not(jumpcloud: JumpCloud, drop: str, members: int) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    jumpcloud.simulators.faults.add(method="POST", path="/members$", drop=drop)
    with pytest.raises(requests.ConnectionError, match="RemoteDisconnected"):
        jumpcloud.change(group, "add", user)
    assert len(jumpcloud.members(group)) == members


def test_a_dropped_call_can_be_a_reset(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(drop="before", reset=True)
    with pytest.raises(requests.ConnectionError):
        jumpcloud.get(USERS)
    assert jumpcloud.get(USERS).status_code == 200


def test_a_write_can_be_applied_although_the_answer_is_an_error(jumpcloud: JumpCloud) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    jumpcloud.simulators.faults.add(method="POST", status=504, applied=True)
    assert jumpcloud.change(group, "add", user).status_code == 504
    assert jumpcloud.members(group) == [user]


def test_a_truncated_body_is_whole_for_http_and_no_json(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(truncate_to=9)
    answer = jumpcloud.get(USERS)
    assert (answer.status_code, len(answer.content)) == (200, 9)
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_a_broken_body_ends_before_its_length(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(break_after=9)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        jumpcloud.get(USERS)


@pytest.mark.parametrize(("hold", "members"), [("before", 0), ("after", 1)])
def test_a_call_stands_still_until_released(jumpcloud: JumpCloud, hold: str, members: int) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    faults = jumpcloud.simulators.faults
    ident = faults.add(method="POST", path="/members$", hold=hold)
    answers: list[int] = []
    caller = threading.Thread(target=lambda: answers.append(jumpcloud.change(group, "add", user).status_code))
    caller.start()
    assert faults.wait_until(ident, holding=1, timeout=300)
    assert len(jumpcloud.world.members.rights(group)) == members
    assert answers == []
    faults.release(ident)
    caller.join(300)
    assert answers == [204]
    assert jumpcloud.members(group) == [user]


def test_a_client_can_die_while_its_call_is_held_and_the_write_still_happens(jumpcloud: JumpCloud) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    faults = jumpcloud.simulators.faults
    ident = faults.add(path="/members$", hold="before")
    body = {"op": "add", "type": "user", "id": user}
    with pytest.raises(requests.ReadTimeout):
        jumpcloud.session.post(f"{jumpcloud.url}/api/v2/usergroups/{group}/members", json=body, timeout=0.1)
    until_met(faults, ident, holding=1)
    faults.release(ident)
    until(lambda: jumpcloud.world.members.has(group, user), "the write")
    assert jumpcloud.members(group) == [user]


def test_a_held_call_can_be_dropped_at_release(jumpcloud: JumpCloud) -> None:
    faults = jumpcloud.simulators.faults
    ident = faults.add(path=USERS, hold="before")
    errors: list[BaseException] = []

    def call() -> None:
        try:
            jumpcloud.get(USERS)
        except requests.ConnectionError as error:
            errors.append(error)

    caller = threading.Thread(target=call)
    caller.start()
    assert faults.wait_until(ident, holding=1, timeout=300)
    faults.release(ident, drop=True)
    caller.join(300)
    assert len(errors) == 1


def test_latency_delays_one_call(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(latency_ms=80)
    assert jumpcloud.get(USERS).elapsed.total_seconds() >= 0.08


def test_probability_plays_some_of_many(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.add(status=500, probability=0.5, times=None)
    statuses = [jumpcloud.get(USERS).status_code for _ in range(60)]
    assert 10 < statuses.count(500) < 50


@pytest.mark.parametrize("retry_after", ["none", "seconds", "date"])
def test_a_rate_limit_counts_each_method_and_endpoint_by_itself(jumpcloud: JumpCloud, retry_after: str) -> None:
    first, second = jumpcloud.group("one"), jumpcloud.group("two")
    jumpcloud.simulators.faults.limit(system="jumpcloud", rate=0.01, burst=2, retry_after=retry_after)
    statuses = [jumpcloud.v2(f"/usergroups/{group}/members").status_code for group in (first, second, first)]
    assert statuses == [200, 200, 429], "two groups share the endpoint's bucket"
    assert jumpcloud.get(USERS).status_code == 200, "another endpoint has a bucket of its own"
    refused = jumpcloud.v2(f"/usergroups/{first}/members")
    if retry_after == "none":
        assert "retry-after" not in refused.headers
    elif retry_after == "seconds":
        assert int(refused.headers["retry-after"]) >= 1
    else:
        assert parsedate_to_datetime(refused.headers["retry-after"]).tzinfo is not None


def test_a_rate_limit_fills_up_again(jumpcloud: JumpCloud) -> None:
    jumpcloud.simulators.faults.limit(rate=2, burst=1)
    for status in (200, 429, 200):
        until(lambda: jumpcloud.get(USERS).status_code == status, str(status))  # noqa: B023 - used within the turn


def test_clearing_takes_everything_away(jumpcloud: JumpCloud) -> None:
    faults = jumpcloud.simulators.faults
    faults.add(status=500, times=None)
    faults.limit(rate=0.01)
    faults.latency(500)
    faults.clear()
    assert not faults.active
    assert jumpcloud.get(USERS).status_code == 200
