from __future__ import annotations

from collections.abc import Iterator

import pytest

from store.database import Database
from store.unit_of_work import Store
from tests.fakes.local_stack import LocalStack


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url, pool_size=4)
    yield Store(database)
    database.close()


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def shared_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """One store for all examples of a property, on each of the databases."""
    database = Database(request.getfixturevalue(request.param), pool_size=4)
    yield Store(database)
    database.close()


@pytest.fixture
def stack(store: Store) -> Iterator[LocalStack]:
    """A stack of which, whatever the test does, every change of state has its audit row."""
    stack = LocalStack.over(store)
    yield stack
    assert stack.unrecorded() == []
