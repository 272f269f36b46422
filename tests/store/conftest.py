from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.database import Database
from store.unit_of_work import Store

BOTH = ("sqlite", "postgresql")


@pytest.fixture(params=BOTH)
def store_url(request: pytest.FixtureRequest) -> str:
    """A fresh store on each of the databases."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    database = Database(store_url, pool_size=8)
    yield Store(database)
    database.close()
