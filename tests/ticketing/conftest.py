from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ticketing.simulated_ticketing import SimulatedTicketing

_SHARED = Path(__file__).resolve().parents[2].parent / "shared"


@pytest.fixture(scope="session")
def published_adf_schema() -> dict[str, Any]:
    path = _SHARED / "contracts" / "adf-schema.json"
    if not path.exists():
        if os.environ.get("PROVISOR_REQUIRE_SHARED") == "1":
            pytest.fail(f"{path} is missing")
        pytest.skip("the published schema is not here")
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


@pytest.fixture
def harness() -> Iterator[SimulatedTicketing]:
    with SimulatedTicketing.open() as opened:
        yield opened
