"""What is wrong in settings is told in one sentence, all of it at once, with what to write instead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.setting_keys import variable
from tests.config.settings_loading import CANARY, JIRA, load, problems


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("provisioning", "yes", "is none of the words it can be; write off, plan or on."),
        ("limits.attempts", "many", "is not a whole number; write one such as 8."),
        ("limits.attempts", "0", "is too small; it must be at least 1."),
        ("limits.attempts", "101", "is too large; it must be at most 100."),
        ("jumpcloud.rate", "fast", "is not a number; write one such as 2.5."),
        ("jumpcloud.rate", "0", "is too small; it must be more than 0.0."),
        ("jumpcloud.rate", "nan", "is not a number; write one such as 2.5."),
        ("worker.lease", "soon", "is not a duration; write one such as 30m, 8h, 7d or PT8H."),
        ("worker.lease", "P1M", "is not a duration; write one such as 30m, 8h, 7d or PT8H."),
        ("worker.poll", "1h", "is too long; it must be at most 5m."),
        ("limits.read_timeout", "0", "is too short; it must be at least 0.01s."),
        ("limits.deadline", "99999d", "is longer than 3660 days; write a shorter one."),
        ("store.url", "postgres://a/b", "begins with postgres://; write postgresql:// instead."),
        ("store.url", "mysql://a/b", "is not a database Provisor can use; write sqlite:"),
        ("store.url", "sqlite", "is not a database Provisor can use; write sqlite:"),
        ("store.url", "postgresql://host", "names no database; write postgresql:"),
        ("store.url", "postgresql://db:many/name", "has a host that is none; write one such as db.internal"),
        ("broker.url", "rediss://h?ssl_cert_reqs=Required", "has an ssl_cert_reqs that is none; write required"),
        (
            "store.url",
            "postgresql://u:1/2@host/name",
            "has a special character in its password; write it percent-encoded",
        ),
        ("broker.url", "kafka://a", "is not a broker Provisor can use; write memory:"),
        ("broker.url", "amqp://", "names no host; write one such as amqp:"),
        ("broker.url", "amqp://a//;kafka://b", "is not a broker Provisor can use; write memory:"),
        ("broker.url", "amqp://u:1#2@a//", "has a special character in its password; write it percent-encoded"),
        ("broker.prefix", "a b", "is no name for queues; write letters, digits, dots and dashes."),
        ("telemetry.environment", "a b", "is no name of an environment; write one word such as production."),
        ("telemetry.log_level", "loud", "is none of the words it can be; write debug, info, warning or error."),
        ("jira.api_token", "two words", "has a space, a line break or an unusual character in it; paste it again."),
        ("jira.email", "me", "is not an email address; write the account's, such as provisor@acme.example."),
        ("jira.cloud_id", "me", "is not a cloud id; copy it from https://<site>.atlassian.net/_edge/tenant_info,"),
        ("jira.site_url", "acme.atlassian.net", "is not a URL; write it in full, such as https://"),
        ("jira.site_url", "http://acme.atlassian.net", "would send credentials in clear; write https://"),
        ("jira.site_url", "https://acme.atlassian.net/jira/projects", "has a path after the site's name; write only"),
        ("jira.site_url", "https://me:pw@acme.atlassian.net", "has a user name or password in it; take it out"),
        ("jira.site_url", "https://acme.atlassian.net?x=1", "has a query or a fragment; leave out everything"),
        ("jira.site_url", "https://acme.atlassian.net:port", "is not a URL; write one such as https://"),
        ("jumpcloud.org_id", "acme", "is not an organization's id; copy its 24 characters from the console."),
        ("jumpcloud.region", "us-east", "is none of the words it can be; write us, eu or in."),
        ("ticketing.project", "access", "is not a project key; write one such as ACCESS."),
        ("ticketing.reopen_limit", "-1", "is too small; it must be at least 0."),
    ],
)
def test_a_wrong_value_is_told_in_one_sentence_with_its_key_its_origin_and_the_fix(
    key: str, value: str, problem: str
) -> None:
    (told,) = problems(environ={variable(key): value})
    assert told.startswith(f"{key} (environment variable {variable(key)}) {problem}")
    assert told.endswith(".")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("PROVISOR_JIRA__EMIAL", "did you mean PROVISOR_JIRA__EMAIL?"),
        ("PROVISOR_STOR_URL", "did you mean PROVISOR_STORE__URL?"),
        ("PROVISOR_POLICY_FILE", "did you mean PROVISOR_POLICY?"),
        ("PROVISOR_QQQ", "take it away, or see 'provisor settings' for all keys."),
        ("PROVISOR_JIRA", "did you mean PROVISOR_JIRA__VIA?"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_one_that_was_meant(name: str, remedy: str) -> None:
    assert problems(environ={name: CANARY}) == (
        f"The environment variable {name} is not a setting of Provisor; {remedy}",
    )


GATEWAY_ID = {"PROVISOR_JIRA__CLOUD_ID": "11223344-a1b2-4c3d-8e9f-0123456789ab"}
BEARER = {"PROVISOR_JIRA__SITE_URL": "https://acme.atlassian.net", "PROVISOR_JIRA__BEARER_TOKEN": "x"}


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({"PROVISOR_JIRA__API_TOKEN": "x"}, "jira has only one of email and api_token; set both, or use bearer_token."),
        ({**JIRA, "PROVISOR_JIRA__SITE_URL": ""}, "jira has a credential and no site_url; set site_url,"),
        ({**JIRA, "PROVISOR_JIRA__BEARER_TOKEN": "x"}, "jira has both api_token and bearer_token; keep one"),
        ({**JIRA, **GATEWAY_ID}, "jira has a cloud_id, which only the gateway needs; set via to gateway,"),
        (BEARER, "jira has a bearer_token, which the site itself refuses; set via to gateway."),
        ({"PROVISOR_JUMPCLOUD__CLIENT_ID": "x"}, "jumpcloud has only one of client_id and client_secret; set both,"),
        ({"PROVISOR_ATLASSIAN__ORG_ID": "x"}, "atlassian has only one of org_id and api_key; set both, or neither."),
        (
            {"PROVISOR_ATLASSIAN__ORG_ID": "x", "PROVISOR_ATLASSIAN__API_KEY": "y"},
            "atlassian has a credential and jira.site_url",
        ),
        ({"PROVISOR_TICKETING__JIRA__SITE_URL": "https://it.atlassian.net"}, "ticketing.jira has no credential; set"),
        ({"PROVISOR_SECRETS_DIR": "/nowhere"}, "PROVISOR_SECRETS_DIR names /nowhere, which cannot be read"),
    ],
)
def test_what_does_not_fit_together_is_told_with_what_to_set(environ: dict[str, str], problem: str) -> None:
    (told,) = problems(environ=environ)
    assert told.startswith(problem)
    assert told.endswith(".")


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("jira: {sight_url: x}", "jira.sight_url ({file}) is not a setting; did you mean jira.site_url?"),
        ("site_url: https://a.b", "site_url ({file}) is not a setting; did you mean jira.site_url?"),
        ("qqq: 1", "qqq ({file}) is not a setting; there are provisioning, policy, administrator_like, store, "),
        ("telemetry: debug", "telemetry ({file}) is a heading, not a value; write its keys below it, indented."),
        ("jumpcloud: {api_key: 123}", "jumpcloud.api_key ({file}) is not text; put it in quotes."),
        ("jira: {protected_groups: 3}", "jira.protected_groups ({file}) is not a list; write one such as [first, second]."),
        ("jira: {protected_groups: [a, 3]}", "jira.protected_groups.2 ({file}) is not text; put it in quotes."),
        ("worker: {concurrency: 2.5}", "worker.concurrency ({file}) is not a whole number; write one such as 8."),
        ("worker: {poll: -1}", "worker.poll ({file}) is not a duration; write seconds, or one such as 30s, 8h or PT8H."),
        ("worker: {concurrency: 1, concurrency: 2}", "{file}, line 1, has the key 'concurrency' twice in one place; keep one."),
        ("- a", "{file} is not a mapping; write lines such as 'provisioning: plan'."),
        ("a: b: c", "{file}, line 1, column 5, is not YAML; check the indentation,"),
        ("[a]: b", "{file}, line 1, has a key that is not a plain word;"),
        ("a: !!python/object:os.system x", "{file}, line 1, column 4, is not YAML;"),
        ("a: 2026-99-99", "{file} is not YAML;"),
        ("policy: [1]", "policy ({file}) is not a path; write one such as ./policy.yaml."),
    ],
)  # fmt: skip
def test_what_is_wrong_in_the_file_is_told_the_same_way(tmp_path: Path, file: str, problem: str) -> None:
    told = problems(file, folder=tmp_path)
    assert len(told) == 1
    assert problem.replace("{file}", str(tmp_path / "provisor.yaml")) in told[0]


def test_everything_wrong_is_told_at_once(tmp_path: Path, secrets: Path) -> None:
    (secrets / "jira__token").write_text(CANARY)
    file = "worker: {concurrency: many}\nlimits: {attempts: few}"
    told = problems(file, folder=tmp_path, PROVISOR_SECRETS_DIR=str(secrets), PROVISOR_JIRA__EMIAL="x")
    assert len(told) == 4
    for word in ("PROVISOR_JIRA__EMIAL", "jira__token", "worker.concurrency", "limits.attempts"):
        assert sum(word in problem for problem in told) == 1


@pytest.mark.parametrize(
    "name",
    [
        *("PROVISOR_SERVICE_HOST", "PROVISOR_SERVICE_PORT", "PROVISOR_SERVICE_PORT_HTTP", "PROVISOR_PORT"),
        *("PROVISOR_PORT_8080_TCP", "PROVISOR_PORT_8080_TCP_ADDR"),
        *("PROVISOR_WEB_SERVICE_HOST", "PROVISOR_WEB_PORT_80_TCP_PROTO"),
    ],
)
def test_what_kubernetes_puts_beside_a_service_named_provisor_is_no_mistake(name: str) -> None:
    assert load(environ={name: "tcp://10.0.0.1:8080"}) == load()


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("jira__api_tokn", b"x", "is not a setting of Provisor; did you mean jira__api_token?"),
        ("jira__api_token", b"\xff\xfe", "jira.api_token cannot be read from"),
        ("jira__api_token", b"x" * 100_000, "it is not a short UTF-8 text"),
        (
            "jira__api_token",
            b"",
            "jira.api_token (secret file {path}) is empty; paste the value, or leave the key out.",
        ),
    ],
)
def test_a_secret_file_that_is_wrong_is_refused(secrets: Path, name: str, content: bytes, problem: str) -> None:
    (secrets / name).write_bytes(content)
    told = problems(PROVISOR_SECRETS_DIR=str(secrets))
    assert problem.replace("{path}", str(secrets / name)) in told[0]


def test_a_pipe_among_the_secret_files_is_refused_and_not_waited_for(secrets: Path) -> None:
    os.mkfifo(secrets / "jira__api_token")
    told = problems(PROVISOR_SECRETS_DIR=str(secrets))
    assert "it is no regular file" in told[0]


def test_a_secret_file_that_everybody_may_write_to_is_refused(secrets: Path) -> None:
    file = secrets / "jira__api_token"
    file.write_text("token")
    file.chmod(0o666)
    assert "everybody may write to it" in problems(PROVISOR_SECRETS_DIR=str(secrets))[0]
    file.chmod(0o644)  # as Kubernetes and Docker have them
    assert not [each for each in problems(PROVISOR_SECRETS_DIR=str(secrets)) if "write to it" in each]


@pytest.mark.parametrize(
    "host",
    [
        *("2130706433", "134744072", "0x08080808", "010.8.8.8", "8.8.2056", "[::ffff:8.8.8.8]", "[2606:4700::1111]"),
        *("acme\u3002example", "acme\uff0eexample", "\uff18.8.8.8", "\uff41cme"),
    ],
)
def test_no_spelling_of_a_public_host_is_called_in_clear(host: str) -> None:
    told = problems(PROVISOR_JUMPCLOUD__API_URL=f"http://{host}")
    assert any("in clear" in each or "not ASCII" in each or "is not a URL" in each for each in told), told


@pytest.mark.parametrize(
    ("dsn", "problem"),
    [
        ("nonsense", "is not a DSN of Sentry"),
        ("https://key@host/", "names no project of Sentry"),
        ("https://host/1", "is not a DSN of Sentry"),
        ("http://key@sentry.example.com/1", "would send reports in clear"),
    ],
)
def test_a_wrong_dsn_of_sentry_is_one_sentence(dsn: str, problem: str) -> None:
    (told,) = problems(PROVISOR_TELEMETRY__SENTRY_DSN=dsn)
    assert problem in told
    assert dsn not in told
