"""A module is named after its one noun: there are no utils, helpers, or other drawers for everything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from checks.tree import Finding, Tree

DRAWERS = frozenset({"base", "common", "helper", "helpers", "lib", "misc", "shared", "stuff", "tools", "util", "utils"})


def findings(tree: Tree) -> Iterator[Finding]:
    """Modules and packages that are named like a drawer."""
    for path in tree.ending(".py"):
        for part in PurePosixPath(path).with_suffix("").parts:
            if DRAWERS.intersection(part.split("_")):
                yield Finding(path, f"'{part}' says nothing about what is in it; name it after its one noun.")
