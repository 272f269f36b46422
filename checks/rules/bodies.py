"""A Celery task is a thin door: at most 15 lines that parse an id, call a use-case, and say how it came out."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.tree import Finding, Tree

MOST = 15

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def findings(tree: Tree) -> Iterator[Finding]:
    """Tasks with too much in them, and tasks whose body cannot be found."""
    for path in tree.ending(".py"):
        if path.startswith("tests/") or "task" not in tree.read(path):
            continue
        module = tree.parse(path)
        functions = {node.name: node for node in ast.walk(module) if isinstance(node, _Function)}
        for line, body in _tasks(module, functions):
            if body is None:
                yield Finding(path, "makes a task whose body is not in this module; make it from one that is.", line)
            elif (length := _length(body)) > MOST:
                yield Finding(path, f"task body '{body.name}' has {length} lines, {MOST} are the most.", body.lineno)


def _tasks(module: ast.Module, functions: dict[str, _Function]) -> Iterator[tuple[int, _Function | None]]:
    for node in ast.walk(module):
        if isinstance(node, _Function):
            if any(_makes_task(decorator) for decorator in node.decorator_list):
                yield node.lineno, node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Call) and _makes_task(node.func):
            # app.task(name=…)(body), or app.task(name=…)(maker(…)), where the maker holds the body
            match node.args:
                case [ast.Name(id=name)] | [ast.Call(func=ast.Name(id=name))]:
                    yield node.lineno, functions.get(name)
                case _:
                    yield node.lineno, None


def _makes_task(decorator: ast.expr) -> bool:
    maker = decorator.func if isinstance(decorator, ast.Call) else decorator
    match maker:
        case ast.Attribute(attr="task") | ast.Name(id="shared_task"):
            return True
    return False


def _length(function: _Function) -> int:
    """Lines of the body, without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1 if body else 0
