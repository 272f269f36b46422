"""The command line run in this process, with settings and a store of its own."""

from __future__ import annotations

import io
import os
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from provisor.__main__ import main
from simulator.jira import World as JiraWorld
from simulator.jumpcloud import World
from simulator.server import Simulators
from store.database import Database
from store.unit_of_work import Store
from tests.cli.command_result import CommandResult, RunCommand
from tests.cli.company import Company
from tests.cli.doctor_harness import DoctorHarness
from tests.fakes.local_stack import LocalStack


@pytest.fixture(autouse=True)
def _nobody_elses_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("PROVISOR_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def provisor(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> RunCommand:
    """Runs a command line; ``stdin`` is what it reads there."""

    def run(*arguments: str | Path, stdin: bytes = b"") -> CommandResult:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        code = ended.value.code or 0
        assert isinstance(code, int)
        return CommandResult(code, said.out, said.err)

    return run


@pytest.fixture
def configure(tmp_path: Path, sqlite_url: str) -> Callable[..., Path]:
    """Writes a settings file with a fresh store."""

    def write(**sections: Any) -> Path:
        file = tmp_path / "provisor.yaml"
        file.write_text(yaml.safe_dump({"store": {"url": sqlite_url}} | sections))
        return file

    return write


@pytest.fixture
def config(configure: Callable[..., Path]) -> Path:
    return configure()


@pytest.fixture
def stack(store: Store) -> LocalStack:
    """A Provisor over the same store, driven by hand, to fill it."""
    return LocalStack.over(store)


@pytest.fixture
def company() -> Iterator[Company]:
    jumpcloud, jira = World(), JiraWorld()
    with Simulators(jumpcloud=jumpcloud, jira=jira) as simulators:
        yield Company(simulators, jumpcloud, jira)


@pytest.fixture
def jumpcloud_only(configure: Callable[..., Path], company: Company) -> Path:
    return configure(jumpcloud=company.jumpcloud_section())


@pytest.fixture
def both(configure: Callable[..., Path], company: Company) -> Path:
    return configure(jumpcloud=company.jumpcloud_section(), jira=company.jira_section())


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url)
    yield Store(database)
    database.close()


@pytest.fixture
def free_port() -> Iterator[int]:
    """A port where nothing listens, nor begins to: it is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


@pytest.fixture
def harness(provisor: RunCommand, tmp_path: Path) -> Iterator[DoctorHarness]:
    jumpcloud, jira = World(), JiraWorld()
    with Simulators(jumpcloud=jumpcloud, jira=jira, atlassian=True) as simulators:
        yield DoctorHarness(simulators, jumpcloud, jira, provisor, tmp_path)
