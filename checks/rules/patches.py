"""Tests use real parts: none patches our own code. Libraries of mocks are banned by ruff, in ``pyproject.toml``."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.tree import Finding, Tree

_SETTERS = frozenset({"setattr", "delattr"})


def findings(tree: Tree) -> Iterator[Finding]:
    """``monkeypatch.setattr`` and its like on something that is ours."""
    for path in tree.ending(".py", under="tests"):
        if "patch" not in tree.read(path):
            continue
        module = tree.parse(path)
        ours = {name for name, source in _imports(module) if source.split(".")[0] in tree.packages}
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and _patches(node, ours, tree.packages):
                yield Finding(path, "patches our own code; hand the part in instead.", node.lineno)


def _imports(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _patches(call: ast.Call, ours: set[str], packages: frozenset[str]) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id="monkeypatch" | "patch"), attr=attr) if attr in _SETTERS:
            pass
        case _:
            return False
    match call.args:
        case [ast.Constant(value=str(target)), *_]:
            return target.split(".")[0] in packages
        case [target, *_]:
            while isinstance(target, ast.Attribute):
                target = target.value
            return isinstance(target, ast.Name) and target.id in ours
    return False
