"""Nothing sleeps outside the simulator; a test or a benchmark that has to says why, on the same line."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.tree import Finding, Tree

_MAY = "simulator/"
_MAY_WITH_A_REASON = ("tests/", "benchmarks/")


def findings(tree: Tree) -> Iterator[Finding]:
    """Sleeps that should be a ``due_at`` in the database, an event, or a clock that a test moves."""
    for path in tree.ending(".py"):
        if path.startswith(_MAY) or "sleep" not in tree.read(path):
            continue
        lines = tree.read(path).splitlines()
        for line in _sleeps(tree.parse(path)):
            if not path.startswith(_MAY_WITH_A_REASON):
                yield Finding(path, "sleeps; write a due_at, or wait for an event.", line)
            elif "#" not in lines[line - 1]:
                yield Finding(path, "sleeps without a reason; move a clock, or say on the line why it must.", line)


def _sleeps(module: ast.Module) -> Iterator[int]:
    names = {"time": "time"}
    bare: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "time":
            bare |= {alias.asname or alias.name for alias in node.names if alias.name == "sleep"}
    for node in ast.walk(module):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="sleep")) if names.get(name) == "time":
                yield node.lineno
            case ast.Call(func=ast.Name(id=name)) if name in bare:
                yield node.lineno
