from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

import pytest

from access.clock import ManualClock
from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown
from httpclient import Call, ClientOptions, RetryPolicy, Timeouts
from tests.httpclient.stub import ADD, CREATE, HASTY, READ, TIMEOUTS, Reply, Stub, client_of

CASES = [
    # status, word for a call that may be repeated, word for one that may not
    *[(status, Transient, Transient) for status in (300, 301, 302, 303, 307, 308, 402, 407, 409, 423, 425, 429)],
    *[(status, Permanent, Permanent) for status in (400, 403, 404, 405, 406, 410, 412, 413, 415, 418, 422, 428, 451)],
    (401, CredentialRefused, CredentialRefused),
    *[(status, Transient, Unknown) for status in (408, 500, 501, 502, 503, 504, 520, 599)],
]


def _ending(call: Call, stub: Stub, timeouts: Timeouts = TIMEOUTS) -> Failure:
    client = client_of(stub.url, options=ClientOptions(timeouts=timeouts, retry_policy=RetryPolicy.none()))
    with pytest.raises(Failure) as caught:
        client.send(call)
    return caught.value


@pytest.mark.parametrize(("status", "repeatable", "single"), CASES)
def test_every_status_has_exactly_one_failure_word(
    stub: Stub, status: int, repeatable: type[Failure], single: type[Failure]
) -> None:
    stub.will(*[Reply(status, {"message": "no"}, {"Atl-Traceid": "abc"}) for _ in range(3)])
    for call, word in ((READ, repeatable), (ADD, repeatable), (CREATE, single)):
        failure = _ending(call, stub)
        assert type(failure) is word
        assert (failure.status, failure.trace_id, failure.remedy[-1]) == (status, "abc", ".")


#: What stands between us and a service, or in its place, may answer with.
PAGES = ["", "<html>Sign in</html>", "[]", {"status": "unavailable"}, {"title": "Moved"}]


@pytest.mark.parametrize("status", [402, 403, 404, 410, 451])
@pytest.mark.parametrize("page", PAGES, ids=str)
def test_an_answer_in_others_words_says_nothing_about_the_thing_even_when_it_is_expected(
    stub: Stub, status: int, page: object
) -> None:
    expecting = Call(method="GET", route="/x", expects=frozenset({status}))
    stub.will(*[Reply(status, page) for _ in range(3)])
    for call in (READ, CREATE, expecting):
        failure = _ending(call, stub)
        assert type(failure) is Transient
        assert "proxy" in failure.remedy


def test_a_caller_that_looks_for_itself_gets_an_expected_error_whoever_worded_it(stub: Stub) -> None:
    client = client_of(stub.url)
    stub.will(Reply(404, "<html>"), Reply(407, "<html>"), Reply(302))
    looking = Call(method="DELETE", route="/x", expects=frozenset({404, 407}), any_wording=True)
    assert client.send(looking).status == 404
    for _ in range(2):
        with pytest.raises(Transient):
            client.send(looking)


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_an_expected_client_error_is_handed_to_the_caller(stub: Stub, status: int) -> None:
    stub.will(Reply(status, {"message": "Already Exists"}))
    client = client_of(stub.url)
    answer = client.send(Call(method="POST", route="/x", expects=frozenset({status})))
    assert (answer.status, answer.said) == (status, "Already Exists")


@pytest.mark.parametrize("status", [401, 407, 408, 425, 429, 503])
def test_expecting_it_does_not_hide_a_refusal_or_a_wait(stub: Stub, status: int) -> None:
    stub.will(Reply(status))
    assert type(_ending(Call(method="GET", route="/x", expects=frozenset({status})), stub)) is not Permanent


def test_a_refused_credential_is_told_whatever_the_status(stub: Stub) -> None:
    client = client_of(stub.url, refused=True)
    for status in (200, 404, 500):
        stub.will(Reply(status, {"values": []}, {"X-Refused": "yes"}))
        with pytest.raises(CredentialRefused):
            client.send(READ)


def test_no_connection_means_it_did_not_happen_even_for_a_create() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for host in (f"127.0.0.1:{taken.getsockname()[1]}", "no-such-host.invalid"):
            client = client_of(f"http://{host}")
            for call in (READ, ADD, CREATE):
                with pytest.raises(Transient):
                    client.send(call)


@pytest.mark.parametrize("end", ["drop", "hang", "cut"])
def test_a_lost_answer_is_unknown_for_a_create_and_transient_for_the_rest(stub: Stub, end: str) -> None:
    lost = Reply(201, {"id": "1"}, end=end)  # type: ignore[arg-type] # parametrized over the literals
    stub.will(lost, lost, lost)
    assert type(_ending(CREATE, stub, HASTY)) is Unknown
    assert type(_ending(READ, stub, HASTY)) is Transient
    assert type(_ending(ADD, stub, HASTY)) is Transient


def test_an_address_that_is_none_is_permanent() -> None:
    for address in ("ftp://example.invalid", "https://", "no address"):
        client = client_of(address)
        with pytest.raises(Permanent):
            client.send(READ)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, timedelta(seconds=7)),
        ({"Retry-After": "Sun, 22 Nov 2026 03:00:30 GMT"}, timedelta(seconds=30)),
        ({"X-RateLimit-Reset": "2026-11-22T03:01Z"}, timedelta(minutes=1)),
        ({}, None),
    ],
)
def test_the_wait_a_service_asks_for_goes_up_with_the_failure(
    stub: Stub, headers: dict[str, str], wait: timedelta | None
) -> None:
    clock = ManualClock(datetime(2026, 11, 22, 3, tzinfo=UTC))
    client = client_of(stub.url, options=ClientOptions(timeouts=TIMEOUTS, clock=clock, retry_policy=RetryPolicy.none()))
    for status in (429, 503):
        stub.will(Reply(status, headers=headers))
        with pytest.raises(Transient) as caught:
            client.send(READ)
        assert caught.value.retry_after == wait
