"""Decisions are one page each, numbered without gaps, with their context, consequences and what was rejected."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.tree import Finding, Tree

FOLDER = "docs/adr"
SECTIONS = ("Context", "Decision", "Consequences", "Rejected")
ONE_PAGE = 70

_NAME = re.compile(r"(\d{4})-[a-z0-9]+(?:-[a-z0-9]+)*\.md")


def findings(tree: Tree) -> Iterator[Finding]:
    """Decisions that are not numbered in order, are too long, lack a part, or are missing from the list."""
    index = f"{FOLDER}/README.md"
    listed = tree.read(index) if index in tree.paths else ""
    expected = 1
    for path in tree.ending(".md", under=FOLDER):
        if path == index:
            continue
        name = path.removeprefix(f"{FOLDER}/")
        numbered = _NAME.fullmatch(name)
        if numbered is None:
            yield Finding(path, "is not named NNNN-what-was-decided.md; rename it.")
            continue
        if (number := int(numbered[1])) != expected:
            yield Finding(path, f"is number {number}, and the next in order is {expected}; renumber it.")
        expected = number + 1
        yield from _form(path, tree.read(path), number)
        if f"({name})" not in listed:
            yield Finding(index, f"does not list {name}; add a line for it.")


def _form(path: str, text: str, number: int) -> Iterator[Finding]:
    lines = text.splitlines()
    if not lines or not lines[0].startswith(f"# {number}. "):
        yield Finding(path, f"does not begin with '# {number}. ' and its title.", 1)
    sections = tuple(line.removeprefix("## ") for line in lines if line.startswith("## "))
    if sections != SECTIONS:
        yield Finding(path, f"has the sections {', '.join(sections) or 'none'}; write {', '.join(SECTIONS)}.")
    if len(lines) > ONE_PAGE:
        yield Finding(path, f"has {len(lines)} lines, and one page is {ONE_PAGE}; shorten it.")
