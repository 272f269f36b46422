import re
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from access.provisioning import Provisioning
from config.errors import SettingsError
from config.setting_keys import all_keys, file_name, variable
from config.settings import Settings
from config.urls import masked

CANARY = "c4n4ry-S3cr3t-vAlue"
JIRA = {
    "PROVISOR_JIRA__SITE_URL": "https://acme.atlassian.net",
    "PROVISOR_JIRA__EMAIL": "provisor@acme.example",
    "PROVISOR_JIRA__API_TOKEN": "from-environment",
}


def load(file: str = "", *, folder: Path | None = None, environ: dict[str, str] | None = None, **more: str) -> Settings:
    path = None
    if file:
        assert folder is not None
        path = folder / "provisor.yaml"
        path.write_text(file, encoding="utf-8")
    return Settings.load(path, environ=(environ or {}) | more)


def problems(
    file: str = "", *, folder: Path | None = None, environ: dict[str, str] | None = None, **more: str
) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(file, folder=folder, environ=environ, **more)
    return caught.value.problems


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    return folder


# Where values come from


def test_without_anything_nothing_is_changed_and_nothing_is_reached() -> None:
    settings = load()
    assert settings.provisioning is Provisioning.OFF
    assert settings.store.url.get_secret_value() == "sqlite:///./var/provisor.db"
    assert settings.broker.url.get_secret_value() == "memory://"
    assert not any(system.enabled for system in (settings.jumpcloud, settings.jira, settings.atlassian))


def test_the_environment_wins_over_secret_files_over_the_file_over_defaults(tmp_path: Path, secrets: Path) -> None:
    file = "limits: {attempts: 3}\njumpcloud: {burst: 4}\nworker: {concurrency: 5}\njira: {protected_groups: [a]}\n"
    (secrets / "worker__concurrency").write_text("6\n")
    (secrets / "limits__attempts").write_text("6\n")
    settings = load(file, folder=tmp_path, PROVISOR_SECRETS_DIR=str(secrets), PROVISOR_LIMITS__ATTEMPTS="7")
    assert (settings.limits.attempts, settings.worker.concurrency, settings.jumpcloud.burst) == (7, 6, 4)
    assert settings.jumpcloud.rate == 10.0


def test_one_section_can_come_from_three_places(tmp_path: Path, secrets: Path) -> None:
    (secrets / "jira__api_token").write_text("from-file\n")
    file = "jira: {site_url: https://acme.atlassian.net}"
    settings = load(
        file, folder=tmp_path, PROVISOR_SECRETS_DIR=str(secrets), PROVISOR_JIRA__EMAIL="provisor@acme.example"
    )
    assert settings.jira.enabled
    assert settings.jira.api_token is not None
    assert settings.jira.api_token.get_secret_value() == "from-file"
    assert settings.origins()["jira.site_url"].endswith("provisor.yaml")
    assert settings.origins()["jira.api_token"] == f"secret file {secrets / 'jira__api_token'}"
    assert settings.origins()["jira.email"] == "environment variable PROVISOR_JIRA__EMAIL"
    assert "jira.via" not in settings.origins()


def test_the_default_file_is_read_when_it_exists(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load().provisioning is Provisioning.OFF
    (tmp_path / "provisor.yaml").write_text("provisioning: plan")
    assert load().provisioning is Provisioning.PLAN


def test_a_named_file_must_exist_whoever_names_it(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    assert problems(PROVISOR_CONFIG=str(missing)) == (
        f"{missing} cannot be read (No such file or directory); check the path and who may read it.",
    )
    with pytest.raises(SettingsError, match="cannot be read"):
        Settings.load(missing, environ={})


def test_the_command_line_names_the_file_before_the_environment_does(tmp_path: Path) -> None:
    assert load("provisioning: plan", folder=tmp_path, PROVISOR_CONFIG="/nowhere").provisioning is Provisioning.PLAN


def test_every_key_can_be_set_by_a_variable_of_its_name() -> None:
    wrong = {variable(key): " \n" for key in all_keys(Settings)}
    assert not any("not a setting" in problem for problem in problems(environ=wrong))
    assert variable("ticketing.jira.api_token") == "PROVISOR_TICKETING__JIRA__API_TOKEN"


def test_an_empty_variable_counts_as_not_set_and_any_case_will_do() -> None:
    assert load(PROVISOR_JIRA__API_TOKEN="", PROVISOR_LIMITS__ATTEMPTS="").limits.attempts == 8
    assert load(provisor_limits__attempts="5").limits.attempts == 5


def test_settings_made_directly_read_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVISOR_PROVISIONING", "on")
    monkeypatch.setenv("PROVISIONING", "on")
    assert Settings().provisioning is Provisioning.OFF
    assert Settings(provisioning="plan").provisioning is Provisioning.PLAN


def test_hidden_entries_of_the_directory_of_secrets_are_kubernetes_own(secrets: Path) -> None:
    (secrets / "..data").mkdir()
    (secrets / "..data" / "telemetry__environment").write_text("staging")
    (secrets / "telemetry__environment").symlink_to(secrets / "..data" / "telemetry__environment")
    assert load(PROVISOR_SECRETS_DIR=str(secrets)).telemetry.environment == "staging"


def test_relative_paths_in_a_file_start_at_its_folder_and_others_where_one_is(tmp_path: Path) -> None:
    settings = load("policy: policy.yaml\nticketing: {templates_dir: t}", folder=tmp_path)
    assert settings.policy == tmp_path / "policy.yaml"
    assert settings.ticketing.templates_dir == tmp_path / "t"
    assert load(PROVISOR_POLICY="policy.yaml").policy == Path("policy.yaml")


# What is read from them


WORDS = [("on", "on"), ("off", "off"), ("plan", "plan"), ("'on'", "on"), ("ON", "on"), ("Plan", "plan")]
LENGTHS = [("90", 90), ("0.5", 0.5), ("90s", 90), ("1h30m", 5400), ("PT2M", 120), ("1d", 86400)]


@pytest.mark.parametrize(("text", "word"), WORDS)
def test_provisioning_may_be_written_without_quotes_though_yaml_reads_on_as_true(
    tmp_path: Path, text: str, word: str
) -> None:
    assert load(f"provisioning: {text}", folder=tmp_path).provisioning is Provisioning(word)


@pytest.mark.parametrize(("text", "seconds"), LENGTHS)
def test_durations_are_numbers_of_seconds_or_have_a_unit(tmp_path: Path, text: str, seconds: float) -> None:
    assert load(PROVISOR_LIMITS__VERIFICATION=text).limits.verification.total_seconds() == seconds
    assert load(f"limits: {{verification: {text}}}", folder=tmp_path).limits.verification.total_seconds() == seconds


def test_lists_are_yaml_lists_or_words_with_commas(tmp_path: Path) -> None:
    assert load(PROVISOR_JIRA__PROTECTED_GROUPS="a b, c,").jira.protected_groups == ("a b", "c")
    assert load("jira: {protected_groups: [a b, c]}", folder=tmp_path).jira.protected_groups == ("a b", "c")


def test_a_heading_with_nothing_below_it_says_nothing(tmp_path: Path) -> None:
    assert load("jira:\nticketing:\n  jira:\n", folder=tmp_path) == load()


@pytest.mark.parametrize(("region", "infix"), [("us", ""), ("eu", ".eu"), ("in", ".in")])
def test_the_region_decides_the_urls_unless_they_are_set(region: str, infix: str) -> None:
    api, insights = f"https://console{infix}.jumpcloud.com", f"https://api{infix}.jumpcloud.com"
    jumpcloud = load(PROVISOR_JUMPCLOUD__REGION=region).jumpcloud
    assert (jumpcloud.api_base, jumpcloud.insights_base) == (api, insights)
    own = load(PROVISOR_JUMPCLOUD__REGION=region, PROVISOR_JUMPCLOUD__API_URL="http://127.0.0.1:8801/x/").jumpcloud
    assert (own.api_base, own.insights_base) == ("http://127.0.0.1:8801/x", insights)


def test_the_url_of_jira_is_the_site_or_the_gateway() -> None:
    assert load(environ=JIRA).jira.api_base() == "https://acme.atlassian.net"
    gateway = load(environ=JIRA, PROVISOR_JIRA__VIA="gateway").jira
    assert gateway.api_base(cloud_id="found") == "https://api.atlassian.com/ex/jira/found"
    with pytest.raises(ValueError, match="look it up"):
        gateway.api_base()
    known = "11223344-a1b2-4c3d-8e9f-0123456789ab"
    set_up = load(environ=JIRA, PROVISOR_JIRA__VIA="gateway", PROVISOR_JIRA__CLOUD_ID=known).jira
    assert set_up.api_base(cloud_id="found") == f"https://api.atlassian.com/ex/jira/{known}"


def test_tickets_go_to_the_provisioned_site_unless_ticketing_has_its_own() -> None:
    assert load(environ=JIRA).ticketing_site.site_url == "https://acme.atlassian.net"
    own = {name.replace("JIRA__", "TICKETING__JIRA__"): value.replace("acme", "it") for name, value in JIRA.items()}
    assert load(environ=JIRA | own).ticketing_site.site_url == "https://it.atlassian.net"


# What is refused


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


# Secrets


def everything(secret: str) -> dict[str, Any]:
    """A file in which every key that can hold a text holds the secret."""
    tree: dict[str, Any] = {}
    for key in all_keys(Settings):
        *above, name = key.split(".")
        holder = tree
        for part in above:
            holder = holder.setdefault(part, {})
        holder[name] = secret
    return tree


@pytest.mark.parametrize(
    "secret",
    [
        *(CANARY, f"https://{CANARY}@host", f"postgresql://u:{CANARY}@h", f"amqp://{CANARY}:{CANARY}@", f"{CANARY}\n"),
        *(f"https://a.atlassian.net/{CANARY}", f"http://h:{CANARY}/", f"{CANARY} {CANARY}", f"{CANARY}: {CANARY}: x"),
        *(f"!{CANARY}", f"*{CANARY}", f"&{CANARY}", f"%{CANARY}", f"@{CANARY}", f'"{CANARY}'),
    ],
)
def test_no_error_ever_shows_a_value_whatever_key_it_was_written_to(tmp_path: Path, secret: str) -> None:
    raw = "jira:\n  api_token: " + secret
    files = [yaml.safe_dump(everything(secret)), raw, f"jira: {{api_token:{CANARY}}}", f"x: 1\n? [{CANARY}]\n: 2"]
    environ = {variable(key): secret for key in all_keys(Settings)}
    attempts: list[tuple[str, dict[str, str]]] = [*((file, {}) for file in files), ("", environ)]
    caught = []
    for file, variables in attempts:
        try:
            load(file, folder=tmp_path, environ=variables)
        except SettingsError as exc:
            caught.append(exc)
    assert len(caught) >= 3
    for error in caught:
        assert CANARY not in "".join(traceback.format_exception(error)) + repr(error) + repr(error.problems)


def test_no_secret_is_shown_by_describe_repr_or_dump(tmp_path: Path) -> None:
    file = f"""
store: {{url: "postgresql://me:{CANARY}@db:5432/provisor?password={CANARY}"}}
broker: {{url: "amqp://me:{CANARY}@mq//"}}
jumpcloud: {{client_id: me, client_secret: {CANARY}}}
jira: {{site_url: https://acme.atlassian.net, email: a@b.c, api_token: {CANARY}}}
atlassian: {{org_id: o, api_key: {CANARY}}}
ticketing: {{jira: {{site_url: https://it.atlassian.net, via: gateway, bearer_token: {CANARY}}}}}
telemetry: {{sentry_dsn: "https://{CANARY}@o1.ingest.sentry.io/2"}}
"""
    settings = load(file, folder=tmp_path)
    described = settings.describe()
    assert CANARY not in f"{settings!r}{settings}{described}{settings.model_dump()}{settings.model_dump_json()}"
    assert described["store.url"] == "postgresql://me:***@db:5432/provisor?***"
    assert described["broker.url"] == "amqp://me:***@mq//"
    assert described["jira.api_token"] == described["telemetry.sentry_dsn"] == "(set)"
    assert described["jira.bearer_token"] is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:////var/lib/provisor@1.db", "sqlite:////var/lib/provisor@1.db"),
        (f"amqp://u:{CANARY}@a:5672//;amqp://u:{CANARY}@b:5672//", "amqp://u:***@a:5672//;amqp://u:***@b:5672//"),
        (f"redis://:{CANARY}@host:6379/0", "redis://:***@host:6379/0"),
        (f"postgresql://u:1/{CANARY}@host/name", "***"),
        (f"postgresql://u:1?{CANARY}@host/name", "***"),
        (f"postgresql://u:x/{CANARY}@host/name", "***"),
    ],
)
def test_a_url_is_shown_without_its_password_however_it_is_written(url: str, shown: str) -> None:
    assert masked(SecretStr(url)) == shown


URLS = {
    "broker.url": (
        "memory://",
        "amqp://a",
        "amqps://u:p@a:5671/vhost",
        "redis://:p@h:6379/0",
        "amqp://u:p@a//;amqp://b//",
    ),
    "store.url": (
        "sqlite:///./a.db",
        "sqlite:////a@b.db",
        "postgresql://h/n",
        "postgresql+psycopg://u:p%2F@h:5432/n?sslmode=require",
        "postgresql://u:p@a:5432,b:5433,[::1]/n?target_session_attrs=read-write",
        "postgresql:///n?host=/var/run/postgresql",
        "postgresql://%2Fvar%2Frun%2Fpostgresql/n",
        "postgresql://u@/n",
        "postgresql://u:a#b[c]d%20:e@h/n",
    ),
    # In clear only where simulators live.
    "jumpcloud.api_url": (
        "http://127.0.0.1:1",
        "http://localhost:1",
        "http://simulator:1",
        "http://10.1.2.3",
        "http://a.internal",
    ),
}


@pytest.mark.parametrize(("key", "url"), [(key, url) for key, urls in URLS.items() for url in urls])
def test_a_url_that_can_be_used_is_taken(key: str, url: str) -> None:
    section, name = key.split(".")
    taken = getattr(getattr(load(environ={variable(key): url}), section), name)
    assert (taken.get_secret_value() if isinstance(taken, SecretStr) else taken) == url


def test_every_key_is_described() -> None:
    described = load().describe()
    assert list(described) == list(all_keys(Settings))
    assert described["worker.poll"] == "0.2s"
    assert described["limits.deadline"] == "4h"
    assert described["ticketing.jira.site_url"] is None


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        setattr(load(), "provisioning", Provisioning.ON)  # noqa: B010 - the type checker knows it too


# The example, and the price


def test_the_example_names_every_key_and_can_be_used(tmp_path: Path, secrets: Path) -> None:
    example = Path("config/examples/provisor.yaml")
    for key in ("jumpcloud.client_secret", "jira.api_token", "telemetry.sentry_dsn"):
        (secrets / file_name(key)).write_text("secret")
    settings = Settings.load(example, environ={"PROVISOR_SECRETS_DIR": str(secrets)})
    assert settings.jira.enabled
    assert settings.jumpcloud.enabled
    sections = re.split(r"^(\w+):", example.read_text(), flags=re.MULTILINE)
    text = dict(zip(sections[1::2], sections[2::2], strict=True))
    for key in all_keys(Settings):
        section, *below = key.split(".")
        assert section in text
        assert all(re.search(rf"\b{name}\b", text[section]) for name in below[:1]), key


def test_the_package_itself_costs_nothing_to_import() -> None:
    probe = "import sys, config, config.errors; print('pydantic' in sys.modules or 'yaml' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True)
    assert shown.stdout.strip() == "False"
