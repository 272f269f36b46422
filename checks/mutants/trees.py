"""Copies of the project. Mutants live there and never in the working tree, so that an interrupted run leaves nothing."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.util import cache_from_source
from pathlib import Path

from checks.mutants.mutation import Mutation


def project_files(root: Path) -> list[str]:
    """Paths of the files that git has or would take."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own words
    return sorted(path for path in set(listed.split("\0")) if path and (root / path).is_file())


def copy_project(root: Path, paths: Iterable[str], to: Path) -> None:
    """Copy these files of the project."""
    for path in paths:
        (to / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / path, to / path)


def code_hash(tree: Path, paths: Iterable[str], scope: str) -> str:
    """A name for the code as it is: it changes with every module and setting of the project, and with ``scope``."""
    digest = hashlib.sha256(scope.encode())
    for path in paths:
        if path.endswith((".py", ".toml", ".j2")):
            digest.update(path.encode() + b"\0" + hashlib.sha256((tree / path).read_bytes()).digest())
    return digest.hexdigest()[:20]


@contextmanager
def mutated(tree: Path, mutation: Mutation) -> Iterator[None]:
    """The tree has the mutation in it, and afterwards has it no more.

    The compiled module goes too: Python compares whole seconds and sizes, and would take the old for the new.
    """
    file = tree / mutation.path
    source = file.read_bytes()
    Path(cache_from_source(str(file))).unlink(missing_ok=True)
    file.write_bytes(mutation.applied(source))
    try:
        yield
    finally:
        file.write_bytes(source)
