"""What the ``#:`` comments above the attributes of a class say: documentation that is read where it is written."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator


def attribute_docs(cls: type) -> dict[str, str]:
    """The text above each attribute of the class and of the classes it comes from; those without one are left out."""
    docs: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        if not each.__module__.startswith(("builtins", "enum", "pydantic")):
            docs |= dict(_own(each))
    return docs


def _own(cls: type) -> Iterator[tuple[str, str]]:
    source = textwrap.dedent(inspect.getsource(cls))
    lines = source.splitlines()
    for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined] # the source of a class is a class
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                if words := list(_above(lines, node.lineno - 1)):
                    yield name, " ".join(reversed(words))


def _above(lines: list[str], place: int) -> Iterator[str]:
    while place > 0 and (line := lines[place - 1].strip()).startswith("#:"):
        yield line.removeprefix("#:").strip()
        place -= 1
