from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    """A directory for secret files."""
    folder = tmp_path / "secrets"
    folder.mkdir()
    return folder
