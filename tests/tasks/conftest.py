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


@pytest.fixture
def stack(store: Store) -> LocalStack:
    return LocalStack.over(store)
