"""Settings read from a file and an environment that a test writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.errors import SettingsError
from config.settings import Settings

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
