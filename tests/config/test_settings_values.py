"""What settings mean: words, durations, lists, URLs, and the example that names them all."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from access.provisioning import Provisioning
from config.setting_keys import all_keys, file_name, variable
from config.settings import Settings
from tests.config.settings_loading import JIRA, load

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


def test_the_example_names_every_key_and_can_be_used(tmp_path: Path, secrets: Path) -> None:
    example = Path("config/examples/provisor.yaml")
    for key in ("jumpcloud.client_secret", "jira.api_token"):
        (secrets / file_name(key)).write_text("secret")
    (secrets / file_name("telemetry.sentry_dsn")).write_text("https://key@sentry.example/1")
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
