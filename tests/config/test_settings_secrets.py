"""No secret of the settings is shown, whatever is wrong with it and wherever it stands."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from config.errors import SettingsError
from config.setting_keys import all_keys, variable
from config.settings import Settings
from config.urls import masked
from tests.config.settings_loading import CANARY, load


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
