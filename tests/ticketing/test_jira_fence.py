from __future__ import annotations

import base64
import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import pytest

from access.clock import ManualClock
from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown
from simulator.jira.world import ADMIN_ACCOUNT, ADMIN_EMAIL, ADMIN_TOKEN
from simulator.switches import change_switches
from tests.ticketing.desk import MARKER, NOW, Desk, draft
from ticketing.jira import JiraSite, JiraTicketProvider
from ticketing.ports import Phase, TicketProvider, TicketRef

CANARY = "canary-7f3a-TOKEN"
SCOPES = ["read:jira-user", "read:jira-work", "write:jira-work"]

Operation = Callable[[TicketProvider, TicketRef], object]
OPERATIONS: dict[str, Operation] = {
    "create": lambda provider, _: provider.create(draft()),
    "find": lambda provider, _: provider.find(MARKER, project="OPS"),
    "probe": lambda provider, _: provider.probe(MARKER, project="OPS", after_key="OPS-1"),
    "read": lambda provider, ref: provider.read([ref.id]),
    "comment": lambda provider, ref: provider.comment(ref, "Hello", marker="1"),
    "reopen": lambda provider, ref: provider.reopen(ref),
    "close": lambda provider, ref: provider.close(ref),
}


def gateway(desk: Desk, **changes: Any) -> JiraTicketProvider:
    settings = {
        "site_url": "https://example.atlassian.net",
        "api_url": f"{desk.simulators.jira_url}/ex/jira/{desk.world.site.cloud_id}",
        "email": ADMIN_EMAIL,
        "token": "scoped",
        **changes,
    }
    return JiraTicketProvider(JiraSite(**settings), clock=ManualClock(NOW))


def test_construction_calls_nobody(desk: Desk) -> None:
    desk.other_provider()
    assert desk.calls() == []


@pytest.mark.parametrize(
    ("name", "calls"),
    [
        ("create", ["POST issue"]),
        ("find", ["POST search/jql"]),
        ("probe", ["POST issue/bulkfetch"]),
        ("read", ["POST issue/bulkfetch"]),
        ("comment", ["GET issue/{issue}/comment", "POST issue/{issue}/comment"]),
        ("reopen", ["GET issue/{issue}"]),
        (
            "close",
            [
                "POST issue/bulkfetch",
                "GET issue/{issue}/transitions",
                "POST issue/{issue}/transitions",
                "GET issue/{issue}",
            ],
        ),
    ],
)
def test_an_operation_makes_its_own_calls_and_no_hidden_ones(desk: Desk, name: str, calls: list[str]) -> None:
    ref = desk.make()
    desk.forget_calls()
    OPERATIONS[name](desk.provider, ref)
    assert [_plain(call) for call in desk.calls()] == calls


def _plain(call: str) -> str:
    method, _, route = call.partition(" /rest/api/3/")
    return f"{method} " + "/".join("{issue}" if piece.startswith("{") else piece for piece in route.split("/"))


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_everything_works_through_the_gateway_and_no_self_link_is_followed(desk: Desk, scheme: str) -> None:
    desk.world.tokens.add("scoped", ADMIN_ACCOUNT, scopes=SCOPES)
    change_switches(desk.world.switches, self_links="site")
    provider = gateway(desk, scheme=scheme)
    ref = provider.create(draft())
    assert ref.url == f"https://example.atlassian.net/browse/{ref.key}"
    provider.comment(ref, "Hello", marker="1")
    assert provider.close(ref).phase is Phase.DECLINED
    assert provider.reopen(ref).phase is Phase.OPEN
    assert provider.read([ref.id])[ref.id].ref == ref
    assert list(provider.find(MARKER, project="OPS")) == [ref]
    assert list(provider.probe(MARKER, project="OPS", after_key=None)) == [ref]
    assert all("/ex/jira/" in call for call in desk.calls())


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_bad_credential_at_the_site_is_refused_whatever_the_status(desk: Desk, name: str) -> None:
    desk.world.projects.by_id["10000"].grants["BROWSE_PROJECTS"] = ["anyone"]
    ref = desk.make()
    with pytest.raises(CredentialRefused):
        OPERATIONS[name](desk.other_provider(token="wrong"), ref)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("scopes", [None, []], ids=["unknown", "scopeless"])
def test_a_bad_credential_at_the_gateway_is_refused(desk: Desk, name: str, scopes: list[str] | None) -> None:
    ref = desk.make()
    if scopes is not None:
        desk.world.tokens.add("scoped", ADMIN_ACCOUNT, scopes=scopes)
    with pytest.raises(CredentialRefused):
        OPERATIONS[name](gateway(desk), ref)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(desk: Desk, status: int) -> None:
    ref = desk.make()
    desk.forget_calls()
    desk.fault(path="bulkfetch", status=status, headers={"Location": f"{desk.simulators.jira_url}/elsewhere"})
    with pytest.raises(Permanent):
        desk.provider.read([ref.id])
    assert len(desk.calls()) == 1


def test_cookies_are_not_kept(desk: Desk) -> None:
    desk.fault(path="myself", status=200, body={}, headers={"Set-Cookie": "session=1; Path=/"})
    desk.provider.prove("OPS", "Task")
    assert list(desk.provider._fence._jira._session.cookies) == []


ANSWERS: list[dict[str, Any]] = [
    {"status": 200, "body": "<html>maintenance</html>"},
    {"status": 200, "body": ""},
    {"status": 200, "body": "null"},
    {"status": 200, "body": "[1]"},
    {"status": 200, "body": "7"},
    {"status": 200, "body": {"issues": 7, "comments": 7, "transitions": 7, "id": [], "fields": 7}},
    {"status": 200, "body": {"issues": [{"id": None}], "comments": [{}], "id": None, "transitions": [{}]}},
    {"status": 200, "body": {"issues": [{"id": "x1", "key": "?"}], "id": "x1", "key": "?", "nextPageToken": "again"}},
    {"status": 200, "body": {"issues": [], "nextPageToken": "again", "total": 9, "comments": [], "transitions": []}},
    {"status": 204, "body": ""},
    {"status": 400, "body": "7"},
    {"status": 400, "body": {"errors": None, "message": None, "errorMessages": None}},
    {"status": 400, "body": {"errors": ["a"], "errorMessages": "b"}},
    {"status": 403, "body": "<html>"},
    {"status": 403, "body": "", "headers": {"x-authentication-denied-reason": "CAPTCHA_CHALLENGE"}},
    {"status": 429, "body": "", "headers": {"Retry-After": "soon"}},
    {"status": 503, "body": "", "headers": {"Retry-After": "Sun, 22 Nov 2026 03:00:30 GMT"}},
    {"drop": "before"},
    {"drop": "after", "reset": True},
    {"break_after": 3},
    {"truncate_to": 3},
]


WORDS = {Transient, Permanent, Unknown, CredentialRefused}


def failure_of(work: Callable[[], object]) -> Failure | None:
    try:
        work()
    except Failure as failure:
        return failure
    return None


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_whatever_jira_answers_an_operation_ends_well_or_in_one_failure_word(
    desk: Desk, answer: dict[str, Any]
) -> None:
    ref = desk.make()
    desk.fault(times=None, path="/rest/api/3/", **answer)
    for operation in OPERATIONS.values():
        failure = failure_of(lambda operation=operation: operation(desk.provider, ref))  # type: ignore[misc] # each operation has a signature of its own
        assert failure is None or (type(failure) in WORDS and failure.remedy)


@pytest.mark.parametrize(
    "fault", [{"status": 429, "headers": {"Retry-After": "0"}}, {"status": 503}, {"drop": "before"}]
)
def test_nothing_is_repeated_by_itself(desk: Desk, fault: dict[str, Any]) -> None:
    desk.fault(times=None, **fault)
    with pytest.raises(Failure):
        desk.make()
    assert len(desk.calls()) == 1


def everything_of(error: BaseException) -> Iterator[str]:
    """All text that a log, a crash report or a debugger could show of an exception."""
    yield "".join(traceback.format_exception(error))
    seen: BaseException | None = error
    while seen is not None:
        yield from (repr(seen), str(seen), repr(vars(seen)))
        yield from _locals(seen.__traceback__)
        seen = seen.__cause__ or seen.__context__


def _locals(trace: TracebackType | None) -> Iterator[str]:
    while trace is not None:
        if "/tests/" not in trace.tb_frame.f_code.co_filename:
            yield from (repr(value) for value in trace.tb_frame.f_locals.values())
        trace = trace.tb_next


ECHO = f"you sent Authorization: Bearer {CANARY}, or {base64.b64encode(f'{ADMIN_EMAIL}:{CANARY}'.encode()).decode()}"
LEAKS: list[dict[str, Any]] = [
    *({"status": status, "body": ECHO} for status in (200, 302, 400, 401, 403, 404, 429, 500, 503)),
    {"status": 400, "body": {"errorMessages": [ECHO], "errors": {"summary": ECHO}}},
    {"status": 200, "body": {"id": {"echo": ECHO}, "issues": ECHO, "comments": ECHO, "transitions": ECHO}},
    {"drop": "before"},
    {"drop": "after", "reset": True},
    {"break_after": 3},
]


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
@pytest.mark.parametrize("leak", LEAKS, ids=str)
def test_a_secret_is_in_no_text_of_a_failure_and_in_no_log(
    desk: Desk, caplog: pytest.LogCaptureFixture, scheme: str, leak: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    desk.world.tokens.add(CANARY, ADMIN_ACCOUNT, scopes=SCOPES)
    provider = gateway(desk, token=CANARY, scheme=scheme)
    ref = desk.make()
    desk.fault(times=None, path="/ex/jira/", **leak)
    basic = base64.b64encode(f"{ADMIN_EMAIL}:{CANARY}".encode()).decode()
    for operation in OPERATIONS.values():
        with pytest.raises(Failure) as caught:
            operation(provider, ref)
        for text in (*everything_of(caught.value), repr(provider)):
            assert CANARY not in text
            assert basic not in text
    assert CANARY not in caplog.text
    assert basic not in caplog.text


def test_a_wrong_gateway_address_never_makes_tickets_gone(desk: Desk) -> None:
    desk.world.tokens.add("scoped", ADMIN_ACCOUNT, scopes=SCOPES)
    ref = desk.make()
    lost = gateway(desk, api_url=f"{desk.simulators.jira_url}/nowhere")
    for name in ("read", "close", "reopen"):
        with pytest.raises(Permanent):
            OPERATIONS[name](lost, ref)


def test_threads_may_share_a_provider(desk: Desk) -> None:
    def work() -> None:
        for _ in range(5):
            desk.make()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(desk.issues()) == 30


def test_the_published_credential_of_the_simulator_is_the_one_these_tests_use(desk: Desk) -> None:
    assert desk.world.tokens.by_value[ADMIN_TOKEN].account_id == ADMIN_ACCOUNT
