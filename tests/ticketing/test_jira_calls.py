from __future__ import annotations

import base64
import json
import logging
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from access.failures import CredentialRefused, Failure, Transient
from connectors.jira.client import api_token, bearer_token
from simulator.jira.world import ADMIN_ACCOUNT, ADMIN_EMAIL
from simulator.switches import change_switches
from tests.httpclient.stub import Reply, Stub, texts_of
from tests.ticketing.simulated_ticketing import MARKER, SimulatedTicketing, client_of, draft, state_of
from ticketing.jira import JiraTicketProvider
from ticketing.jira.calls import JiraCalls
from ticketing.ports import Phase, TicketProvider, TicketRef

CANARY = "canary-7f3a-TOKEN"
SCOPES = ["read:jira-user", "read:jira-work", "write:jira-work"]


def _read(provider: TicketProvider, ref: TicketRef) -> None:
    found = provider.read([ref.id])[ref.id]
    if isinstance(found, Failure):
        raise found


Operation = Callable[[TicketProvider, TicketRef], object]
OPERATIONS: dict[str, Operation] = {
    "create": lambda provider, _: provider.create(draft()),
    "find": lambda provider, _: provider.find(MARKER, project="OPS"),
    "probe": lambda provider, _: provider.probe(MARKER, project="OPS", after_key="OPS-1"),
    "read": _read,
    "comment": lambda provider, ref: provider.comment(ref, "Hello", marker="1"),
    "reopen": lambda provider, ref: provider.transition(ref, Phase.OPEN),
    "close": lambda provider, ref: provider.transition(ref, Phase.DECLINED),
}


def gateway(
    harness: SimulatedTicketing, scheme: str = "basic", *, token: str | None = None, path: str | None = None
) -> JiraTicketProvider:
    token = token or "scoped"
    credential = bearer_token(token) if scheme == "bearer" else api_token(ADMIN_EMAIL, token)
    path = path or f"/ex/jira/{harness.world.site.cloud_id}"
    client = client_of(f"{harness.simulators.jira_url}{path}", credential)
    return JiraTicketProvider(client, site_url="https://example.atlassian.net")


def test_construction_calls_nobody(harness: SimulatedTicketing) -> None:
    harness.other_provider()
    assert harness.calls() == []


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
                "GET issue/{issue}",
                "GET issue/{issue}/transitions",
                "POST issue/{issue}/transitions",
                "GET issue/{issue}",
            ],
        ),
    ],
)
def test_an_operation_makes_its_own_calls_and_no_hidden_ones(
    harness: SimulatedTicketing, name: str, calls: list[str]
) -> None:
    ref = harness.make()
    harness.forget_calls()
    OPERATIONS[name](harness.provider, ref)
    assert [_plain(call) for call in harness.calls()] == calls


def test_a_search_that_never_ends_is_left_after_a_hundred_pages(harness: SimulatedTicketing) -> None:
    page = {"issues": [{"id": "1", "key": "OPS-1"}], "nextPageToken": "again"}
    harness.fault(method="POST", path="/search/jql$", status=200, body=page, times=None)
    harness.provider.find(MARKER, project="OPS")
    assert harness.calls() == ["POST /rest/api/3/search/jql"] * 100


def test_pages_are_as_large_as_jira_gives_them() -> None:
    with Stub() as stub:
        calls = JiraCalls(client_of(stub.url))
        stub.by_path = lambda _: Reply(200, {"issues": [], "comments": [], "issueTypes": [], "fields": [], "total": 0})
        list(calls.search("labels = x"))
        list(calls.comments("1"))
        calls.issue_types("OPS")
        calls.create_fields("OPS", "1")
    searched, *others = stub.seen
    assert json.loads(searched.body)["maxResults"] == 100
    assert [parse_qs(urlsplit(each.path).query)["maxResults"] for each in others] == [["100"], ["200"], ["200"]]


def test_a_list_is_over_at_a_page_without_rows_whatever_its_total() -> None:
    with Stub() as stub:
        calls = JiraCalls(client_of(stub.url))
        stub.by_path = lambda _: Reply(200, {"comments": [], "issueTypes": [], "fields": [], "total": 500})
        assert list(calls.comments("1")) == []
        assert calls.issue_types("OPS") == ()
        assert calls.create_fields("OPS", "1") == ()
    assert len(stub.seen) == 3


def _plain(call: str) -> str:
    method, _, route = call.partition(" /rest/api/3/")
    return f"{method} " + "/".join("{issue}" if piece.startswith("{") else piece for piece in route.split("/"))


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_everything_works_through_the_gateway_and_no_self_link_is_followed(
    harness: SimulatedTicketing, scheme: str
) -> None:
    harness.world.tokens.add("scoped", ADMIN_ACCOUNT, scopes=SCOPES)
    change_switches(harness.world.switches, self_links="site")
    provider = gateway(harness, scheme)
    ref = provider.create(draft())
    assert ref.url == f"https://example.atlassian.net/browse/{ref.key}"
    provider.comment(ref, "Hello", marker="1")
    assert provider.transition(ref, Phase.DECLINED).phase is Phase.DECLINED
    assert provider.transition(ref, Phase.OPEN).phase is Phase.OPEN
    assert state_of(provider, ref).ref == ref
    assert list(provider.find(MARKER, project="OPS")) == [ref]
    assert list(provider.probe(MARKER, project="OPS", after_key=None)) == [ref]
    assert all("/ex/jira/" in call for call in harness.calls())


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_bad_credential_at_the_site_is_refused_whatever_the_status(harness: SimulatedTicketing, name: str) -> None:
    harness.world.projects.by_id["10000"].grants["BROWSE_PROJECTS"] = ["anyone"]
    ref = harness.make()
    with pytest.raises(CredentialRefused):
        OPERATIONS[name](harness.other_provider(token="wrong"), ref)


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("scopes", [None, []], ids=["unknown", "scopeless"])
def test_a_bad_credential_at_the_gateway_is_refused(
    harness: SimulatedTicketing, name: str, scopes: list[str] | None
) -> None:
    ref = harness.make()
    if scopes is not None:
        harness.world.tokens.add("scoped", ADMIN_ACCOUNT, scopes=scopes)
    with pytest.raises(CredentialRefused):
        OPERATIONS[name](gateway(harness), ref)


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


@pytest.mark.parametrize("answer", ANSWERS, ids=str)
def test_whatever_jira_answers_an_operation_ends_well_or_in_one_failure_word(
    harness: SimulatedTicketing, answer: dict[str, Any]
) -> None:
    ref = harness.make()
    harness.fault(times=None, path="/rest/api/3/", **answer)
    for operation in OPERATIONS.values():
        try:
            operation(harness.provider, ref)
        except Failure as failure:
            assert failure.remedy  # noqa: PT017 - an operation may also end well


ECHO = f"you sent Authorization: Bearer {CANARY}, or {base64.b64encode(f'{ADMIN_EMAIL}:{CANARY}'.encode()).decode()}"
LEAKS: list[dict[str, Any]] = [
    *({"status": status, "body": ECHO} for status in (200, 401, 503)),
    {"status": 400, "body": {"errorMessages": [ECHO], "errors": {"summary": ECHO}}},
    {"status": 200, "body": {"id": {"echo": ECHO}, "issues": ECHO, "comments": ECHO, "transitions": ECHO}},
    {"break_after": 3},
]


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
@pytest.mark.parametrize("leak", LEAKS, ids=str)
def test_a_secret_is_in_no_text_of_a_failure_and_in_no_log(
    harness: SimulatedTicketing, caplog: pytest.LogCaptureFixture, scheme: str, leak: dict[str, Any]
) -> None:
    caplog.set_level(logging.DEBUG)
    harness.world.tokens.add(CANARY, ADMIN_ACCOUNT, scopes=SCOPES)
    provider = gateway(harness, scheme, token=CANARY)
    ref = harness.make()
    harness.fault(times=None, path="/ex/jira/", **leak)
    basic = base64.b64encode(f"{ADMIN_EMAIL}:{CANARY}".encode()).decode()
    for operation in OPERATIONS.values():
        with pytest.raises(Failure) as caught:
            operation(provider, ref)
        text = texts_of(caught.value) + repr(provider)
        assert CANARY not in text
        assert scheme == "bearer" or basic not in text
    assert CANARY not in caplog.text
    assert scheme == "bearer" or basic not in caplog.text


def test_a_wrong_gateway_address_never_makes_tickets_gone(harness: SimulatedTicketing) -> None:
    harness.world.tokens.add("scoped", ADMIN_ACCOUNT, scopes=SCOPES)
    ref = harness.make()
    lost = gateway(harness, path="/nowhere")
    for name in ("read", "close", "reopen"):
        with pytest.raises(Transient):
            OPERATIONS[name](lost, ref)


def test_threads_may_share_a_provider(harness: SimulatedTicketing) -> None:
    def work() -> None:
        for _ in range(5):
            harness.make()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert len(harness.issues()) == 30
