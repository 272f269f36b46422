import re
from collections.abc import Callable

import pytest

from tests.simulator.jira_client import Jira, adf


@pytest.fixture
def ticks() -> Callable[[], float]:
    """Time stands still for limits: nothing refills, however slow the machine is."""
    return lambda: 0.0


def test_a_burst_earns_429_with_retry_after(jira: Jira) -> None:
    jira.switch(burst_bucket=3)
    answers = [jira.get("/myself") for _ in range(4)]
    *allowed, refused = answers
    assert {answer.status_code for answer in allowed} == {200}
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "1"
    assert refused.headers["RateLimit-Reason"] == "jira-burst-based"
    assert (refused.headers["X-RateLimit-Limit"], refused.headers["X-RateLimit-Remaining"]) == ("3", "0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", refused.headers["X-RateLimit-Reset"])


def test_a_burst_slows_its_own_endpoint_only(jira: Jira) -> None:
    jira.switch(burst_bucket=1)
    while jira.get("/myself").status_code != 429:
        pass
    assert jira.get("/serverInfo").status_code == 200


def test_no_bucket_is_no_limit(jira: Jira) -> None:
    jira.switch(burst_bucket=0)
    assert {jira.get("/serverInfo").status_code for _ in range(150)} == {200}


def test_the_reset_time_can_come_without_seconds(jira: Jira) -> None:
    jira.switch(throttle_next=1, reset_without_seconds=True)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", jira.get("/myself").headers["X-RateLimit-Reset"])


def test_the_next_requests_can_be_throttled_for_any_reason(jira: Jira) -> None:
    jira.switch(throttle_next=2, throttle_reason="jira-cost-based", retry_after_s=7)
    answers = [jira.get("/myself") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert (answers[0].headers["RateLimit-Reason"], answers[0].headers["Retry-After"]) == ("jira-cost-based", "7")


def test_a_429_of_the_gateway_has_no_retry_after(jira: Jira) -> None:
    jira.switch(throttle_next=1, throttle_reason="gateway")
    answer = jira.get("/myself")
    assert "Retry-After" not in answer.headers
    assert answer.headers["X-Failure-Category"] == "FAILURE CLIENT RATE LIMITED"


@pytest.mark.parametrize("switch", ["issue_writes_per_2s", "issue_writes_per_30s"])
def test_writes_to_one_issue_are_limited(jira: Jira, switch: str) -> None:
    jira.project("ACC")
    first, second = jira.issue()["key"], jira.issue()["key"]
    jira.switch(**{switch: 2})
    codes = [jira.post(f"/issue/{first}/comment", {"body": adf("x")}).status_code for _ in range(3)]
    assert codes == [201, 201, 429]
    assert jira.post(f"/issue/{second}/comment", {"body": adf("x")}).status_code == 201
    assert jira.get(f"/issue/{first}").status_code == 200
    assert jira.put(f"/issue/{first}", {}).headers["RateLimit-Reason"] == "jira-per-issue-on-write"


def test_user_searches_share_one_limit(jira: Jira) -> None:
    jira.project("ACC")
    jira.switch(user_search_limit_per_s=2)
    codes = [jira.get("/user/search", query="a").status_code for _ in range(2)]
    assert codes == [200, 200]
    assert jira.get("/user/assignable/search", project="ACC").status_code == 429
    assert jira.get("/users/search").status_code == 200
