from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.command_result import RunCommand

HEAVY = (
    "alembic",
    "celery",
    "jira",
    "kombu",
    "pydantic",
    "requests",
    "rich",
    "sentry_sdk",
    "sqlalchemy",
    "starlette",
    "yaml",
)


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from provisor.__main__ import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "Fulfil access requests" in ran.stdout
    assert ran.stderr.strip() == "[]"


def test_every_command_says_what_it_is_for(provisor: RunCommand) -> None:
    shown = provisor("--help").out
    for command in (
        "up",
        "demo",
        "submit",
        "requests",
        "tickets",
        "claims",
        "dead-letters",
        "simulate",
        "settings",
        "policy",
    ):
        (line,) = [line for line in shown.splitlines() if line.strip().startswith(f"{command} ")]
        assert len(line.split()) > 3, line


@pytest.mark.parametrize(
    "wrong",
    [
        ["nothing-like-it"],
        ["requests", "list", "--state", "asleep"],
        ["requests", "show"],
        ["requests", "list", "--limit", "-1"],
        ["dead-letters", "resend"],
        ["dead-letters", "resend", "1", "--all"],
        ["submit", "x.json", "--timeout", "3"],
        ["up", "--role", "cook"],
    ],
)
def test_wrong_use_is_exit_2_with_a_sentence(provisor: RunCommand, wrong: list[str]) -> None:
    ran = provisor(*wrong)
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert ran.err.strip() or ran.out.strip()


def test_the_version_is_the_one_of_the_project(provisor: RunCommand) -> None:
    assert provisor("version").out == provisor("--version").out == "provisor 0.1.0\n"
    assert provisor("version", "--json").json == {"version": "0.1.0"}


def test_the_schema_is_printed_as_json(provisor: RunCommand) -> None:
    assert provisor("schema").json["title"] == "Provisor access request"


def test_simulate_passes_its_arguments_on(provisor: RunCommand) -> None:
    ran = provisor("simulate", "--help")
    assert ran.code == 0
    assert "--jumpcloud-port" in ran.out
    assert provisor("simulate", "--jira-port", "twelve").code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_can_complete_commands(provisor: RunCommand, monkeypatch: pytest.MonkeyPatch, shell: str) -> None:
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    ran = provisor("--show-completion", shell)
    assert ran.code == 0
    assert "_PROVISOR_COMPLETE" in ran.out
