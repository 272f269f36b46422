from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.command_result import RunCommand


@pytest.mark.parametrize("command", [("requests", "list"), ("accounts", "list"), ("connectors",)])
def test_a_command_that_only_looks_makes_no_store(
    provisor: RunCommand, tmp_path: Path, command: tuple[str, ...]
) -> None:
    config = tmp_path / "other.yaml"
    config.write_text(f"store: {{url: 'sqlite:///{tmp_path}/new.db'}}")
    ran = provisor(*command, "-c", config)
    assert (ran.code, "There is no store" in ran.err) == ((0, False) if command == ("connectors",) else (1, True))
    assert not (tmp_path / "new.db").exists()


def test_a_file_that_is_no_store_is_said(provisor: RunCommand, tmp_path: Path) -> None:
    (tmp_path / "new.db").write_text("I am a poem, not a database, and rather long for one at that. " * 20)
    config = tmp_path / "other.yaml"
    config.write_text(f"store: {{url: 'sqlite:///{tmp_path}/new.db'}}")
    ran = provisor("requests", "list", "-c", config)
    assert ran.code == 1
    assert "cannot be used" in ran.err
    assert "Traceback" not in ran.err


def test_a_database_that_is_away_is_said_without_its_password(provisor: RunCommand, tmp_path: Path) -> None:
    config = tmp_path / "other.yaml"
    config.write_text("store: {url: 'postgresql://provisor:opensesame@127.0.0.1:1/provisor'}")
    ran = provisor("requests", "list", "-c", config)
    assert ran.code == 1
    assert "postgresql://provisor:***@127.0.0.1:1/provisor cannot be used" in ran.err
    assert "opensesame" not in ran.err
    assert "Traceback" not in ran.err
