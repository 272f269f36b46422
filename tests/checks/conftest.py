from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from checks.tree import Tree

PlantTree = Callable[..., Tree]


@pytest.fixture
def plant(tmp_path: Path) -> PlantTree:
    """Make a small project of these files: ``plant({"access/clock.py": "..."})``."""

    def make(files: dict[str, str]) -> Tree:
        for path, text in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text, encoding="utf-8")
        return Tree(tmp_path, tuple(sorted(files)))

    return make
