from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from shutil import copyfile

import pytest

from tests.flow.simulated_stack import SimulatedCompany, SimulatedStack
from tests.flow.simulated_world import World


@pytest.fixture(scope="package")
def company() -> Iterator[SimulatedCompany]:
    company = SimulatedCompany()
    with company.simulators:
        yield company


@pytest.fixture(scope="module")
def working(company: SimulatedCompany, memory: Path, migrated_sqlite: Path) -> Iterator[SimulatedStack]:
    """One Provisor for all tests of a module: each test has people and groups of its own."""
    file = memory / f"{token_hex(4)}.db"
    copyfile(migrated_sqlite, file)
    stack = SimulatedStack.prepared(company, company.settings(memory, f"sqlite:///{file}"))
    worker = stack.worker_thread()
    worker.start()
    yield stack
    worker.stop()
    stack.store.database.close()


@pytest.fixture
def world() -> Iterator[World]:
    """Both systems behind HTTP, with a clock that the test moves."""
    world = World()
    with world.simulators:
        yield world
    for client in world.clients:
        client.close()


@pytest.fixture
def stack(working: SimulatedStack) -> Iterator[SimulatedStack]:
    yield working
    working.faults.clear()
