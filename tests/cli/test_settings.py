from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.command_result import RunCommand


def test_settings_are_listed_with_where_they_were_written_and_without_secrets(
    provisor: RunCommand, configure: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = configure(jumpcloud={"api_key": "topsecretkey"})
    monkeypatch.setenv("PROVISOR_WORKER__CONCURRENCY", "7")
    ran = provisor("settings", "-c", config, "--json")
    rows = {row["key"]: row for row in ran.json}
    assert rows["worker.concurrency"] == {
        "key": "worker.concurrency",
        "value": 7,
        "from": "environment variable PROVISOR_WORKER__CONCURRENCY",
    }
    assert rows["jumpcloud.api_key"]["value"] == "(set)"
    assert rows["jumpcloud.api_key"]["from"] == str(config)
    assert rows["jira.email"]["from"] == "default"
    assert "topsecretkey" not in ran.out + provisor("settings", "-c", config).out


def test_settings_that_cannot_be_used_are_exit_1_with_all_that_is_wrong(
    provisor: RunCommand, configure: Callable[..., Path]
) -> None:
    config = configure(provisioning="perhaps", worker={"concurency": 3})
    ran = provisor("settings", "-c", config)
    assert ran.code == 1
    assert "provisioning" in ran.err
    assert "did you mean worker.concurrency?" in ran.err
    assert "Traceback" not in ran.err
