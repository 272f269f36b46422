"""The files of the project: what git has or would take, so that a check sees what a commit would hold."""

from __future__ import annotations

import ast
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Tree:
    """Files below ``root``, by their paths from there, with forward slashes."""

    root: Path
    paths: tuple[str, ...]
    _texts: dict[str, str] = field(default_factory=dict, repr=False)
    _modules: dict[str, ast.Module] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, root: Path = ROOT) -> Tree:
        """The project's own files: tracked ones, and new ones that no ``.gitignore`` keeps out."""
        command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own words
        return cls(root, tuple(sorted(path for path in set(listed.split("\0")) if path and (root / path).is_file())))

    def read(self, path: str) -> str:
        """The text of one file; bytes that are no UTF-8 are replaced."""
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def parse(self, path: str) -> ast.Module:
        """The syntax tree of one module."""
        if path not in self._modules:
            self._modules[path] = ast.parse(self.read(path), filename=path)
        return self._modules[path]

    def ending(self, *suffixes: str, under: str = "") -> Iterator[str]:
        """The paths that end so, below a folder."""
        folder = f"{under}/" if under else ""
        return (path for path in self.paths if path.endswith(suffixes) and path.startswith(folder))

    @cached_property
    def project(self) -> dict[str, object]:
        """``pyproject.toml``."""
        return tomllib.loads(self.read("pyproject.toml"))

    @cached_property
    def packages(self) -> frozenset[str]:
        """The names of our own top-level packages, this one aside."""
        tops = {path.split("/")[0] for path in self.ending("/__init__.py") if path.count("/") == 1}
        return frozenset(tops - {"checks"})


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as the house has it: where, and in one sentence what and what to do."""

    path: str
    sentence: str
    line: int | None = None

    def __str__(self) -> str:
        where = self.path if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.sentence}"
