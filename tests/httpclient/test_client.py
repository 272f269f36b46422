from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from access.clock import ManualClock
from access.failures import Permanent, Transient, Unknown
from httpclient import Call, ClientOptions, Response, RetryPolicy
from tests.httpclient.stub import ADD, CREATE, READ, TIMEOUTS, Reply, Stub, client_of

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)


class RecordingLimiter:
    """Refuses when told to, and keeps what it was asked. ``longest`` is how long a stop holds its lane."""

    def __init__(self, *, longest: timedelta | None = None) -> None:
        self.taken: list[str] = []
        self.stops: list[tuple[str, datetime]] = []
        self.answers: list[str] = []
        self.closed = False
        self._longest = longest

    def take(self, endpoint_class: str) -> None:
        self.taken.append(endpoint_class)
        if self.closed:
            raise Transient("The budget is used up.", retry_after=timedelta(seconds=1), counted=False)

    def stop(self, endpoint_class: str, until: datetime) -> datetime:
        self.stops.append((endpoint_class, until))
        return until if self._longest is None else min(until, NOW + self._longest)

    def answered(self, endpoint_class: str, *, room: bool = True) -> None:
        del room
        self.answers.append(endpoint_class)


def _options(rate_limiter: RecordingLimiter, *, tries: int = 1) -> ClientOptions:
    return ClientOptions(
        timeouts=TIMEOUTS,
        rate_limiter=rate_limiter,
        clock=ManualClock(NOW),
        retry_policy=RetryPolicy.without_waits(tries),
    )


def test_a_redirect_is_never_followed_so_the_credential_stays_home(stub: Stub) -> None:
    client = client_of(stub.url)
    with Stub() as elsewhere:
        for status in (301, 302, 307, 308):
            stub.will(Reply(status, headers={"Location": f"{elsewhere.url}/steal"}))
            with pytest.raises(Transient, match="redirect") as caught:
                client.send(READ)
            assert elsewhere.url not in str(caught.value)
        assert elsewhere.seen == []


def test_a_name_in_a_path_is_encoded_and_cannot_climb_out_of_the_route(stub: Stub) -> None:
    client = client_of(stub.url)
    stub.will(Reply())
    client.send(Call(method="GET", route="/things/{thing}/x", path={"thing": "a/b?c#d%e:|é"}))
    assert stub.seen[0].path == "/things/a%2Fb%3Fc%23d%25e%3A%7C%C3%A9/x"
    for part in ("..", ".", "", "\ud800"):
        with pytest.raises(Permanent):
            client.send(Call(method="GET", route="/things/{thing}/x", path={"thing": part}))
    assert len(stub.seen) == 1


def test_text_that_no_address_can_carry_is_permanent(stub: Stub) -> None:
    client = client_of(stub.url)
    with pytest.raises(Permanent):
        client.send(Call(method="GET", route="/search", params={"query": "\ud800"}))


def test_every_call_forces_its_language_and_says_it_speaks_json(stub: Stub) -> None:
    client = client_of(stub.url)
    stub.will(Reply(204))
    client.send(Call(method="DELETE", route="/x"))
    headers = stub.seen[0].headers
    assert headers["x-force-accept-language"] == "true"
    assert headers["accept"] == headers["content-type"] == "application/json"


def test_no_cookie_is_kept(stub: Stub) -> None:
    client = client_of(stub.url)
    stub.will(Reply(200, {}, {"Set-Cookie": "JSESSIONID=1; Path=/"}), Reply(200, {}))
    client.send(READ)
    client.send(READ)
    assert "cookie" not in stub.seen[1].headers


def test_the_proxy_of_the_environment_is_used_except_for_hosts_that_need_none(
    stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", stub.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    far, near = client_of("http://jira.invalid"), client_of(stub.url)
    stub.will(Reply(200), Reply(200), Reply(200))
    for client in (far, far, near):
        client.send(READ)
    assert [seen.path.startswith("http://jira.invalid/") for seen in stub.seen] == [True, True, False]


def test_one_client_serves_several_threads(stub: Stub) -> None:
    client = client_of(stub.url)
    stub.will(*[Reply(200, {"n": 1}) for _ in range(40)])
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: client.send(READ).body, range(40)))
    assert answers == [{"n": 1}] * 40


@pytest.mark.parametrize("body", ["<html>maintenance</html>", "", "null", "{", "[" * 100_000])
def test_an_answer_that_is_no_json_is_a_passing_matter(stub: Stub, body: str) -> None:
    client = client_of(stub.url)
    stub.will(Reply(200, body))
    answer = client.send(READ)
    with pytest.raises(Transient):
        answer.read_as(dict[str, int], what="things")


def test_json_of_another_shape_is_a_passing_matter_and_its_values_stay_unsaid() -> None:
    answer = Response(200, {}, {"name": {"private": "alice@example.com"}})
    with pytest.raises(Transient) as caught:
        answer.read_as(dict[str, int], what="things")
    assert "alice" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"errorMessages": ["Cannot add user."], "errors": {"name": "taken"}}, "Cannot add user.; name: taken"),
        ({"message": "Not Found", "secret": "hidden"}, "Not Found"),
        ({"type": "about:blank", "title": "Bad", "detail": "Failed to convert"}, "Failed to convert"),
        ({"code": 401, "message": "Unauthorized; scope does not match"}, "Unauthorized; scope does not match"),
        ({"message": "x" * 1000}, "x" * 256),
        ({"message": "two\nlines"}, "two lines"),
        ({"user": "alice"}, ""),
        ("<html>stack trace</html>", ""),
        (["alice"], ""),
        (None, ""),
    ],
)
def test_only_a_known_error_schema_is_repeated_and_never_at_length(body: object, said: str) -> None:
    assert Response(400, {}, body).said == said


@pytest.mark.parametrize("header", ["X-ARequestId", "Atl-Traceid", "X-Request-Id"])
def test_the_services_trace_id_is_in_the_error(stub: Stub, header: str) -> None:
    client = client_of(stub.url)
    stub.will(Reply(404, {"message": "gone"}, {header: "trace-1"}))
    with pytest.raises(Permanent, match="trace-1") as caught:
        client.send(READ)
    assert (caught.value.trace_id, caught.value.status) == ("trace-1", 404)


def test_a_read_is_tried_again_and_a_create_never(stub: Stub) -> None:
    client = client_of(stub.url, tries=3)
    stub.will(Reply(503), Reply(502), Reply(200, {"n": 1}))
    assert client.send(READ).body == {"n": 1}
    stub.will(Reply(end="drop"), Reply(204))
    assert client.send(ADD).status == 204
    stub.seen.clear()
    stub.will(Reply(503), Reply(201))
    with pytest.raises(Unknown):
        client.send(CREATE)
    assert len(stub.seen) == 1


def test_retries_end_with_the_last_failure(stub: Stub) -> None:
    client = client_of(stub.url, tries=3)
    stub.will(Reply(503), Reply(503), Reply(502, {"message": "last"}))
    with pytest.raises(Transient, match="last"):
        client.send(READ)
    assert len(stub.seen) == 3


def test_what_is_permanent_is_not_tried_again(stub: Stub) -> None:
    client = client_of(stub.url, tries=3)
    stub.will(Reply(404, {"message": "no such thing"}))
    with pytest.raises(Permanent):
        client.send(READ)
    assert len(stub.seen) == 1


def test_a_wait_longer_than_the_policy_allows_goes_up_at_once(stub: Stub) -> None:
    client = client_of(stub.url, tries=3)
    stub.will(Reply(503, headers={"Retry-After": "60"}))
    with pytest.raises(Transient) as caught:
        client.send(READ)
    assert caught.value.retry_after == timedelta(seconds=60)
    assert len(stub.seen) == 1


def test_a_wait_within_the_policy_is_kept(stub: Stub) -> None:
    retry_policy = RetryPolicy(
        tries=2, first=timedelta(0), longest=timedelta(milliseconds=60), total=timedelta(seconds=1)
    )
    client = client_of(stub.url, options=ClientOptions(timeouts=TIMEOUTS, retry_policy=retry_policy))
    stub.will(Reply(503, headers={"Retry-After": "0.05"}), Reply(200))
    started = time.monotonic()
    assert client.send(READ).status == 200
    assert time.monotonic() - started >= 0.05


def test_no_wait_begins_that_would_outlast_the_policy(stub: Stub) -> None:
    retry_policy = RetryPolicy(tries=9, first=timedelta(0), longest=timedelta(hours=9), total=timedelta(hours=7))
    client = client_of(stub.url, options=ClientOptions(timeouts=TIMEOUTS, retry_policy=retry_policy))
    stub.will(Reply(503, headers={"Retry-After": str(8 * 3600)}))
    with pytest.raises(Transient):
        client.send(READ)
    assert len(stub.seen) == 1


def test_every_try_is_taken_from_the_budget_by_its_class(stub: Stub) -> None:
    rate_limiter = RecordingLimiter()
    client = client_of(stub.url, options=_options(rate_limiter, tries=2))
    stub.will(Reply(503), Reply(200), Reply(204), Reply(200))
    client.send(READ)
    client.send(ADD)
    client.send(Call(method="GET", route="/search", endpoint_class="user-search"))
    assert rate_limiter.taken == ["read", "read", "write", "user-search"]


def test_a_refusal_of_the_rate_limiter_is_not_waited_for_and_nothing_is_sent(stub: Stub) -> None:
    rate_limiter = RecordingLimiter()
    rate_limiter.closed = True
    client = client_of(stub.url, options=_options(rate_limiter, tries=3))
    for call in (READ, CREATE):
        with pytest.raises(Transient) as caught:
            client.send(call)
        assert caught.value.retry_after == timedelta(seconds=1)
        assert not caught.value.counted
    assert rate_limiter.taken == ["read", "write"]
    assert stub.seen == []


def test_a_429_stops_the_class_until_the_time_it_names_or_for_a_moment(stub: Stub) -> None:
    rate_limiter = RecordingLimiter()
    client = client_of(stub.url, options=_options(rate_limiter))
    stub.will(
        Reply(429, headers={"Retry-After": "9"}), Reply(429), Reply(503, headers={"Retry-After": "3"}), Reply(503)
    )
    for call in (READ, ADD, READ, READ):
        with pytest.raises(Transient):
            client.send(call)
    assert rate_limiter.stops == [
        ("read", NOW + timedelta(seconds=9)),
        ("write", NOW + timedelta(seconds=2)),
        ("read", NOW + timedelta(seconds=3)),
    ]
    assert rate_limiter.answers == []


def test_a_lane_that_no_service_may_hold_for_long_is_asked_back_sooner(stub: Stub) -> None:
    client = client_of(stub.url, options=_options(RecordingLimiter(longest=timedelta(minutes=15))))
    stub.will(Reply(429, headers={"Retry-After": "86400"}), Reply(429, headers={"Retry-After": "60"}))
    for wait in (timedelta(minutes=15), timedelta(minutes=1)):
        with pytest.raises(Transient) as caught:
            client.send(READ)
        assert caught.value.retry_after == wait


def test_the_rate_limiter_is_told_of_each_good_answer(stub: Stub) -> None:
    rate_limiter = RecordingLimiter()
    client = client_of(stub.url, options=_options(rate_limiter))
    stub.will(Reply(200), Reply(503), Reply(404, "<html>"), Reply(204))
    client.send(READ)
    for _ in range(2):
        with pytest.raises(Transient):
            client.send(READ)
    client.send(ADD)
    assert rate_limiter.answers == ["read", "write"]


def test_a_lane_has_its_own_rate_limiter_on_the_same_connections(stub: Stub) -> None:
    client = client_of(stub.url)
    rate_limiter = RecordingLimiter()
    lane = client.with_rate_limiter(rate_limiter)
    stub.will(Reply(200), Reply(200))
    lane.send(READ)
    client.send(READ)
    assert rate_limiter.taken == ["read"]
    assert stub.connections == 1


def test_the_observer_counts_by_route_template_and_sees_calls_without_answer(stub: Stub) -> None:
    seen: list[tuple[str, str, str, int | None]] = []
    lock = threading.Lock()

    def observe(system: str, method: str, route: str, status: int | None, seconds: float) -> None:
        with lock:
            assert seconds >= 0
            seen.append((system, method, route, status))

    client = client_of(
        stub.url, options=ClientOptions(timeouts=TIMEOUTS, observer=observe, retry_policy=RetryPolicy.none())
    )
    stub.will(Reply(200), Reply(end="drop"))
    client.send(READ)
    with pytest.raises(Transient):
        client.send(READ)
    assert seen == [("jira", "GET", "/things/{thing}", 200), ("jira", "GET", "/things/{thing}", None)]
