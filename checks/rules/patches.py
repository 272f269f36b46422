"""Tests use real parts: none patches our own code, and none imports a library of mocks."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.tree import Finding, Tree

_LIBRARIES = ("unittest.mock", "mock", "pytest_mock")
_SETTERS = frozenset({"setattr", "delattr"})


def findings(tree: Tree) -> Iterator[Finding]:
    """Mocks, and ``monkeypatch.setattr`` on something that is ours."""
    for path in tree.ending(".py", under="tests"):
        if not any(word in tree.read(path) for word in ("patch", "mock")):
            continue
        module = tree.parse(path)
        imported = dict(_imports(module))
        for name, (source, line) in imported.items():
            if source in _LIBRARIES or source.startswith(tuple(f"{library}." for library in _LIBRARIES)):
                yield Finding(path, f"imports '{name}' from a library of mocks; use a simulator or a real part.", line)
        ours = {name for name, (source, _) in imported.items() if source.split(".")[0] in tree.packages}
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and _patches(node, ours, tree.packages):
                yield Finding(path, "patches our own code; hand the part in instead.", node.lineno)


def _imports(module: ast.Module) -> Iterator[tuple[str, tuple[str, int]]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], (alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, (f"{node.module}.{alias.name}", node.lineno)


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
