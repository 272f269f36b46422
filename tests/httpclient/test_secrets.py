from __future__ import annotations

import base64
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from access.clock import ManualClock
from access.failures import CredentialRefused, Failure, Transient
from httpclient import Basic, Bearer, ClientCredentials, ClientOptions, Credential, HeaderKey, HttpClient, RetryPolicy
from tests.httpclient.stub import CANARY, CREATE, READ, TIMEOUTS, Reply, Stub, client_of, texts_of

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
OPTIONS = ClientOptions(timeouts=TIMEOUTS, clock=ManualClock(NOW), retry_policy=RetryPolicy.none())
PAIR = base64.b64encode(f"bot@example.com:{CANARY}".encode()).decode()
SIMPLE: list[Credential] = [HeaderKey("x-api-key", CANARY), Bearer(CANARY), Basic("bot@example.com", CANARY)]


def _oauth(stub: Stub, clock: ManualClock | None = None) -> ClientCredentials:
    return ClientCredentials(
        transport=OPTIONS.transport("jumpcloud"),
        token_url=f"{stub.url}/oauth2/token",
        client_id="bot@example.com",
        client_secret=CANARY,
        scope="api",
        clock=clock or ManualClock(NOW),
    )


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    with caplog.at_level(logging.DEBUG):
        yield caplog


@pytest.mark.parametrize("credential", SIMPLE, ids=lambda credential: type(credential).__name__)
@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500])
def test_no_secret_is_in_any_error_even_when_the_service_echoes_it(
    stub: Stub, everything_logged: pytest.LogCaptureFixture, credential: Credential, status: int
) -> None:
    client = client_of(stub.url, credential=credential)
    stub.will(
        Reply(status, {"message": f"bad key {CANARY} {PAIR}"}), Reply(status, f"plain {CANARY}"), Reply(end="drop")
    )
    for _ in range(3):
        with pytest.raises(Failure) as caught:
            client.send(CREATE)
        assert CANARY not in texts_of(caught.value)
        assert PAIR not in texts_of(caught.value) or not isinstance(credential, Basic)
    assert CANARY in "".join(stub.seen[0].headers.values()) or PAIR in stub.seen[0].headers["authorization"]
    assert CANARY not in everything_logged.text


def test_no_secret_is_in_the_error_of_a_host_that_is_not_there(everything_logged: pytest.LogCaptureFixture) -> None:
    client = client_of("http://no-such-host.invalid")
    with pytest.raises(Transient) as caught:
        client.send(READ)
    assert CANARY not in texts_of(caught.value)
    assert caught.value.__cause__ is not None
    assert CANARY not in everything_logged.text


def test_no_secret_is_in_a_repr(stub: Stub) -> None:
    oauth = _oauth(stub)
    for credential in (*SIMPLE, oauth):
        client = client_of(stub.url, credential=credential)
        assert CANARY not in repr(credential)
        assert CANARY not in repr(client)
        assert CANARY not in str(client.__dict__)


@pytest.mark.parametrize(
    "value", ["", f"{CANARY}\n", f" {CANARY}", f"{CANARY}\n{CANARY}", f"{CANARY}é", f"{CANARY}\x00"]
)
def test_a_key_no_header_can_carry_is_refused_before_it_is_quoted_by_a_library(value: str) -> None:
    for make in (lambda: HeaderKey("x-api-key", value), lambda: Bearer(value)):
        with pytest.raises(ValueError, match="characters a header cannot carry") as caught:
            make()
        assert CANARY not in str(caught.value)


@pytest.mark.parametrize("value", ["", "token\n"])
def test_a_token_with_white_space_around_it_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="white space"):
        Basic("bot@example.com", value)


def test_a_basic_credential_may_hold_any_letter(stub: Stub) -> None:
    client = client_of(stub.url, credential=Basic("böt", "pä:ss"))
    stub.will(Reply(200))
    client.send(READ)
    assert base64.b64decode(stub.seen[0].headers["authorization"].removeprefix("Basic ")).decode() == "böt:pä:ss"


def test_a_netrc_entry_does_not_take_the_place_of_the_credential(
    stub: Stub, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    client = client_of(stub.url, credential=Bearer(CANARY))
    stub.will(Reply(200))
    client.send(READ)
    assert stub.seen[0].headers["authorization"] == f"Bearer {CANARY}"


def _token(token: str = "token-aaaa-bbbb", *, life: int | None = 3600) -> Reply:  # noqa: S107 - a made-up token
    return Reply(200, {"access_token": token, "token_type": "bearer", **({} if life is None else {"expires_in": life})})


def _client(stub: Stub, credential: Credential) -> HttpClient:
    return client_of(stub.url, credential=credential, options=OPTIONS)


def test_a_token_is_fetched_once_and_renewed_30_seconds_early(stub: Stub) -> None:
    clock = ManualClock(NOW)
    client = _client(stub, _oauth(stub, clock))
    stub.will(_token(life=100), Reply(200), Reply(200), _token(token="token-cccc-dddd"), Reply(200))
    client.send(READ)
    clock.advance(timedelta(seconds=69))
    client.send(READ)
    clock.advance(timedelta(seconds=1))
    client.send(READ)
    assert [seen.path for seen in stub.seen] == [
        "/oauth2/token",
        "/things/1",
        "/things/1",
        "/oauth2/token",
        "/things/1",
    ]
    assert stub.seen[0].body == b"grant_type=client_credentials&scope=api"
    assert stub.seen[0].headers["authorization"] == f"Basic {PAIR}"
    assert stub.seen[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert stub.seen[4].headers["authorization"] == "Bearer token-cccc-dddd"


def test_a_token_without_a_life_is_taken_to_live_an_hour(stub: Stub) -> None:
    clock = ManualClock(NOW)
    client = _client(stub, _oauth(stub, clock))
    stub.will(_token(life=None), Reply(200), Reply(200), _token(), Reply(200))
    client.send(READ)
    clock.advance(timedelta(seconds=3569))
    client.send(READ)
    clock.advance(timedelta(seconds=1))
    client.send(READ)
    assert [seen.path for seen in stub.seen].count("/oauth2/token") == 2


def test_a_token_that_another_thread_has_just_forgotten_can_be_had_anew_too(stub: Stub) -> None:
    stub.will(Reply(body={"access_token": "one", "expires_in": 3600}))
    credential = _oauth(stub)
    credential.headers()
    assert [credential.renew(), credential.renew()] == [True, True]


def test_a_token_that_was_revoked_early_is_fetched_anew_once(stub: Stub) -> None:
    client = _client(stub, _oauth(stub))
    stub.will(_token(), Reply(401), _token(token="token-cccc-dddd"), Reply(201, {}))
    assert client.send(CREATE).status == 201
    stub.will(Reply(401), _token(), Reply(401))
    with pytest.raises(CredentialRefused):
        client.send(READ)


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (Reply(400, {"error": "invalid_client"}), "credential_refused"),
        (Reply(401), "credential_refused"),
        (Reply(403), "credential_refused"),
        (Reply(404), "transient"),
        (Reply(429), "transient"),
        (Reply(500), "transient"),
        (Reply(200, "<html>"), "transient"),
        (Reply(200, {"token": "other shape"}), "transient"),
        (Reply(end="drop"), "transient"),
    ],
)
def test_a_token_that_cannot_be_had_ends_in_one_word_and_the_call_is_not_sent(
    stub: Stub, reply: Reply, word: str
) -> None:
    client = _client(stub, _oauth(stub))
    stub.will(reply)
    with pytest.raises(Failure) as caught:
        client.send(CREATE)
    assert caught.value.word == word
    assert CANARY not in texts_of(caught.value)
    assert [seen.path for seen in stub.seen] == ["/oauth2/token"]


@pytest.mark.parametrize("header", ["x-arequestid", "atl-traceid", "x-request-id"])
def test_an_id_of_the_exchange_that_echoes_the_credential_is_not_repeated(stub: Stub, header: str) -> None:
    client = client_of(stub.url, credential=Bearer(CANARY))
    stub.will(Reply(400, {}, headers={header: f"trace-{CANARY}"}))
    with pytest.raises(Failure) as caught:
        client.send(READ)
    assert caught.value.trace_id == "trace-[secret]"
    assert CANARY not in texts_of(caught.value)
