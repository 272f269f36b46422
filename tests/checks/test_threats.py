"""Each threat of the threat model has a test that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [row for row in (ROOT / "docs" / "security.md").read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
THREATS = [row for row in ROWS if not row.startswith("| threat |")]


@pytest.mark.parametrize("row", THREATS)
def test_a_threat_has_a_test_that_is_there(row: str) -> None:
    found = re.search(r"`(tests/[\w/]+\.py)(?:::(\w+))?` \|$", row)
    assert found is not None, row
    text = (ROOT / found[1]).read_text(encoding="utf-8")
    assert f"def {found[2] or 'test_'}" in text
