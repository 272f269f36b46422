from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from ticketing.jira.refusals import Answer, failure_of

from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
CONNECT_403 = '{"error":"Failed to parse Connect Session Auth Token"}'

#: Every status Jira is known to send (contract §13 and §1.3), as a read and as a write that must not be repeated blindly.
STATUSES: list[tuple[int, type[Failure], type[Failure]]] = [
    (301, Permanent, Permanent),
    (302, Permanent, Permanent),
    (400, Permanent, Permanent),
    (401, CredentialRefused, CredentialRefused),
    (403, Permanent, Permanent),
    (404, Permanent, Permanent),
    (405, Permanent, Permanent),
    (408, Transient, Unknown),
    (409, Transient, Transient),
    (410, Permanent, Permanent),
    (413, Permanent, Permanent),
    (415, Permanent, Permanent),
    (418, Permanent, Permanent),
    (422, Permanent, Permanent),
    (423, Transient, Transient),
    (425, Transient, Transient),
    (429, Transient, Transient),
    (500, Transient, Unknown),
    (501, Transient, Unknown),
    (502, Transient, Unknown),
    (503, Transient, Unknown),
    (504, Transient, Unknown),
    (520, Transient, Unknown),
]


def failed(status: int, body: str = "", *, writes: bool = False, headers: dict[str, str] | None = None) -> Failure:
    answer = Answer.of(status, headers or {}, body)
    return failure_of(answer, doing="create a ticket in OPS", writes=writes, now=NOW)


@pytest.mark.parametrize(("status", "read", "write"), STATUSES)
def test_every_status_is_exactly_one_failure_word(status: int, read: type[Failure], write: type[Failure]) -> None:
    assert type(failed(status)) is read
    assert type(failed(status, writes=True)) is write
    assert failed(status).status == status


@pytest.mark.parametrize("status", [200, 201, *(status for status, _, _ in STATUSES)])
@pytest.mark.parametrize("reason", ["AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED", "OUT, AUTHENTICATED_FAILED"])
@pytest.mark.parametrize("writes", [True, False])
def test_a_failed_login_is_a_refused_credential_on_any_status(status: int, reason: str, *, writes: bool) -> None:
    failure = failed(status, writes=writes, headers={"X-Seraph-LoginReason": reason})
    assert type(failure) is CredentialRefused


def test_a_good_login_is_none() -> None:
    assert type(failed(404, headers={"X-Seraph-LoginReason": "OK"})) is Permanent


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        (CONNECT_403, "ex/jira"),
        ('{"errorMessage":"The IP address has been rejected because it is not on the IP allowlist"}', "allowlist"),
    ],
)
def test_a_403_about_who_we_are_is_a_refused_credential(body: str, remedy: str) -> None:
    failure = failed(403, body)
    assert type(failure) is CredentialRefused
    assert remedy in failure.remedy


def test_a_missing_scope_says_which_scopes() -> None:
    failure = failed(401, '{"code":401,"message":"Unauthorized; scope does not match"}')
    assert "write:jira-work" in failure.remedy


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry-After": "7"}, timedelta(seconds=7)),
        ({"retry-after": "Sun, 22 Nov 2026 03:02:00 GMT"}, timedelta(minutes=2)),
        ({"X-RateLimit-Reset": "2026-11-22T03:01Z"}, timedelta(minutes=1)),
        ({"X-Failure-Category": "FAILURE CLIENT RATE LIMITED"}, None),
    ],
)
def test_a_limit_says_how_long_to_wait_if_jira_did(headers: dict[str, str], wait: timedelta | None) -> None:
    failure = failed(429, writes=True, headers=headers)
    assert isinstance(failure, Transient)
    assert failure.retry_after == wait


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"errorMessages":["No."],"errors":{}}', "No"),
        ('{"errorMessages":[],"errors":{"customfield_1":"Cost centre is required."}}', "customfield_1"),
        ('{"type":"about:blank","title":"Bad","status":400,"detail":"Failed to convert \'a\'"}', "Failed to convert"),
        ('{"code":400,"message":"gateway says no"}', "gateway says no"),
        ("plain words", "plain words"),
    ],
)
def test_what_jira_said_is_in_the_message_in_any_of_its_forms(body: str, said: str) -> None:
    assert said in failed(400, body).message


@pytest.mark.parametrize("body", ["", "[]", "7", "null", '{"errors":null}', '{"message":null}', "<html>x</html>", "{"])
def test_a_body_of_no_known_form_breaks_nothing(body: str) -> None:
    assert type(failed(400, body)) is Permanent
    assert "<" not in failed(400, body).message


def test_a_long_answer_is_cut() -> None:
    assert len(failed(400, "x" * 100_000).message) < 500


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("Cost centre is required.", "Give the field customfield_1 a value"),
        ("Field 'x' cannot be set. It is not on the appropriate screen, or unknown.", "create screen"),
        ("Nonsense", "Correct the field customfield_1"),
    ],
)
def test_the_remedy_of_a_refused_field_names_the_field(said: str, remedy: str) -> None:
    failure = failed(400, f'{{"errorMessages":[],"errors":{{"customfield_1":"{said}"}}}}', writes=True)
    assert remedy in failure.remedy
    assert "customfield_1" in failure.remedy


@pytest.mark.parametrize("status", [200, *(status for status, _, _ in STATUSES)])
def test_every_failure_has_a_remedy_and_the_trace(status: int) -> None:
    login = {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"} if status == 200 else {}
    failure = failed(status, headers={"Atl-Traceid": "abc", **login})
    assert failure.remedy.endswith(".")
    assert failure.trace_id == "abc"
