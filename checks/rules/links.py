"""Links in documents lead somewhere, and every document is linked from another."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import dirname, join, normpath
from urllib.parse import unquote

from checks import markdown
from checks.tree import Finding, Tree

#: Where readers come in; nothing has to link there.
_DOORS = frozenset({"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"})
_ELSEWHERE = ("http://", "https://", "mailto:")


def findings(tree: Tree) -> Iterator[Finding]:
    """Links to nothing, and documents that nothing leads to."""
    reached: set[str] = set()
    folders = {folder for path in tree.paths for folder in _above(path)}
    for page in tree.ending(".md"):
        for line, target in markdown.links(tree.read(page)):
            if target.startswith(_ELSEWHERE):
                continue
            name, _, anchor = unquote(target).partition("#")
            path = normpath(join(dirname(page), name)) if name else page
            if path not in tree.paths and path not in folders:
                yield Finding(page, f"links to {target}, which is not in the project.", line)
            elif anchor and path.endswith(".md") and anchor not in markdown.anchors(tree.read(path)):
                yield Finding(page, f"links to {target}, and there is no such heading.", line)
            if path != page:
                reached.add(path)
    for page in tree.ending(".md", under="docs"):
        if page not in reached | _DOORS:
            yield Finding(page, "is linked from nowhere; link to it where its reader would look.")


def _above(path: str) -> Iterator[str]:
    while path := dirname(path):
        yield path
