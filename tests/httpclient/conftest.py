from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.httpclient.stub import Stub, close_clients


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as running:
        yield running


@pytest.fixture(autouse=True)
def _closed_clients(request: pytest.FixtureRequest) -> Iterator[None]:
    """Clients leave their connections before the stub ends."""
    if "stub" in request.fixturenames:
        request.getfixturevalue("stub")
    yield
    close_clients()
