from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.httpclient.stub import Stub


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as running:
        yield running
