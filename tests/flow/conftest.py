from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from shutil import copyfile

import pytest

from tests.flow.estate import Company, Estate


@pytest.fixture(scope="package")
def company() -> Iterator[Company]:
    company = Company()
    with company.simulators:
        yield company


@pytest.fixture(scope="module")
def working(company: Company, memory: Path, migrated_sqlite: Path) -> Iterator[Estate]:
    """One Provisor for all tests of a module: each test has people and groups of its own."""
    file = memory / f"{token_hex(4)}.db"
    copyfile(migrated_sqlite, file)
    estate = Estate.prepared(company, company.settings(memory, f"sqlite:///{file}"))
    worker = estate.hosted()
    worker.start(timeout=60)
    yield estate
    worker.stop()
    estate.store.database.close()


@pytest.fixture
def estate(working: Estate) -> Iterator[Estate]:
    yield working
    working.faults.clear()
