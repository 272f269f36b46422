"""Pages that are written from the code say what the code says, and are found when they do not."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from access.lifecycle import LIFECYCLE
from checks import pages
from checks.checks import modules_of, stale, write_pages
from checks.commands import Command, command_tree
from checks.pages import commands, lifecycle, settings
from checks.tree import Tree
from config.setting_keys import all_keys
from config.settings import Settings

Plant = Callable[..., Tree]
PAGES = list(modules_of(pages))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.PATH)
def test_the_page_in_the_project_is_up_to_date(page: ModuleType) -> None:
    assert not list(stale(page, Tree.of()))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.PATH)
def test_an_old_page_and_a_missing_one_are_found(plant: Plant, page: ModuleType) -> None:
    assert list(stale(page, plant({})))
    assert list(stale(page, plant({page.PATH: page.text() + "\n"})))
    assert not list(stale(page, plant({page.PATH: page.text()})))


def test_writing_writes_every_page_once(tmp_path: Path) -> None:
    assert set(write_pages(tmp_path)) == {page.PATH for page in PAGES}
    assert not write_pages(tmp_path)


def test_every_setting_is_on_the_page_about_settings() -> None:
    text = settings.text()
    missing = [key for key in all_keys(Settings) if f"`{key}`" not in text and not key.startswith("ticketing.jira.")]
    assert not missing


def test_no_secret_has_a_default_on_the_page_about_settings() -> None:
    rows = [line for line in settings.text().splitlines() if re.match(r"\| `\S+(token|secret|api_key|dsn)`", line)]
    assert len(rows) > 5
    assert all("` |  | " in row for row in rows), rows


def test_every_command_is_on_the_page_about_commands() -> None:
    text = commands.text()

    def names(command: Command, path: str) -> list[str]:
        return [path, *(name for inner in command.commands.values() for name in names(inner, f"{path} {inner.name}"))]

    missing = [name for name in names(command_tree(), "provisor")[1:] if f"# {name}\n" not in text]
    assert not missing


def test_every_step_and_every_state_is_on_the_page_about_lifecycles() -> None:
    text = lifecycle.text()
    for table in LIFECYCLE.values():
        for start, ends in table.items():
            assert all(f"    {str(start) or '[*]'} --> {end}\n" in text for end in ends)
            assert not start or f"| `{start}` |" in text
