"""Jira's own words: which answers are Jira's, and which say that it does not know us."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from access.failures import CredentialRefused, Failure, Permanent, Transient, Unseen
from connectors.jira.client import api_token, jira_client
from connectors.jira.permissions import OwnPermissions
from connectors.jira.projects import Projects
from connectors.jira.shapes import Role
from httpclient import Call, ClientOptions, RetryPolicy
from tests.httpclient.stub import READ, TIMEOUTS, Reply, Stub, client_of

#: A site that is suspended or away answers this on every path [observed].
UNAVAILABLE = {"errorMessage": "Site temporarily unavailable", "errorCode": "OTHER"}
OWN = {"errorMessages": ["No project could be found with key 'X'."], "errors": {}}
OTHERS = [UNAVAILABLE, {"message": "Forbidden"}, {"code": 404, "message": "x"}, "", "<html>"]


def ending(stub: Stub, reply: Reply, call: Call = READ) -> Failure:
    options = ClientOptions(timeouts=TIMEOUTS, retry_policy=RetryPolicy.none())
    client = jira_client(base_url=stub.url, credential=api_token("a@b.example", "token"), options=options)
    stub.will(reply)
    with pytest.raises(Failure) as caught:
        client.send(call)
    client.close()
    return caught.value


@pytest.mark.parametrize("status", [402, 403, 404, 410])
@pytest.mark.parametrize("body", OTHERS, ids=str)
def test_what_jira_did_not_word_is_no_answer_about_the_thing(stub: Stub, status: int, body: object) -> None:
    expecting = Call(method="GET", route="/x", expects=frozenset({status}))
    assert [type(ending(stub, Reply(status, body), call)) for call in (READ, expecting)] == [Transient, Transient]


@pytest.mark.parametrize("body", [OWN, {"errorMessages": [], "errors": {"name": "taken"}}], ids=str)
@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_jira_worded_is(stub: Stub, status: int, body: object) -> None:
    assert type(ending(stub, Reply(status, body))) is Permanent


@pytest.mark.parametrize(
    ("reply", "remedy"),
    [
        (Reply(200, {}, {"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"}), "Check the email and the token"),
        (Reply(404, OWN, {"X-Seraph-LoginReason": "OUT, AUTHENTICATED_FAILED"}), "Check the email and the token"),
        (Reply(401, {}, {"X-Seraph-LoginReason": "AUTHENTICATION_DENIED"}), "captcha"),
        (Reply(401, "Client must be authenticated"), "Check the email and the token"),
        (Reply(401, {"code": 401, "message": "Unauthorized; scope does not match"}), "scopes"),
        (Reply(401, "<html>"), "Check the email and the token"),
        (Reply(403, {"error": "Failed to parse Connect Session Auth Token"}), "gateway"),
        (Reply(403, {"errorMessage": "The IP address is not on the IP allowlist"}), "allowlist"),
    ],
    ids=lambda case: case.payload().decode() if isinstance(case, Reply) else case,
)
def test_a_refused_credential_is_known_by_jiras_own_signs_and_says_what_to_do(
    stub: Stub, reply: Reply, remedy: str
) -> None:
    failure = ending(stub, reply)
    assert type(failure) is CredentialRefused
    assert remedy in failure.remedy


def test_a_good_login_is_no_refusal(stub: Stub) -> None:
    assert type(ending(stub, Reply(404, OWN, {"X-Seraph-LoginReason": "OK"}))) is Permanent


def test_a_group_in_a_role_goes_by_its_name_where_it_has_one() -> None:
    groups = [{"groupId": "g1", "name": "Developers"}, {"groupId": "g2"}, {"name": "no id"}]
    role = Role.model_validate({"id": 1, "actors": [{"actorGroup": each} for each in groups]})
    assert role.groups == {"g1": "Developers", "g2": "g2"}


@pytest.mark.parametrize(("administered", "known"), [("PAY", True), ("OTHER", False)])
def test_only_an_administrator_of_that_project_knows_that_a_role_is_gone(
    stub: Stub, administered: str, *, known: bool
) -> None:
    def reply(path: str) -> Reply:
        asked = parse_qs(urlsplit(path).query)
        if "/mypermissions" in path:
            held = asked["permissions"] == ["ADMINISTER_PROJECTS"] and asked.get("projectId") == [administered]
            return Reply(200, {"permissions": {asked["permissions"][0]: {"havePermission": held}}})
        return (
            Reply(404, {"errorMessages": ["not found"]}) if "/role/" in path else Reply(200, {"id": "PAY", "key": "P"})
        )

    stub.by_path = reply
    client = client_of(stub.url)
    projects = Projects(client, OwnPermissions(client))
    if known:
        assert projects.role("PAY", "1") is None
    else:
        with pytest.raises(Unseen):
            projects.role("PAY", "1")
