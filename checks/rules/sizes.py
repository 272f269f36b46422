"""Modules are small: half of them at most 150 lines, nine in ten at most 350, none over 500, no test over 700."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from checks.tree import Finding, Tree

MEDIAN = 150
NINE_IN_TEN = 350
LARGEST = 500
LARGEST_TEST = 700

#: Written by a tool, and never changed after.
_GENERATED = "store/migrations/versions/"


def findings(tree: Tree) -> Iterator[Finding]:
    """Modules that are too large, alone or together."""
    lengths = {path: length for path in tree.ending(".py") if (length := len(tree.read(path).splitlines()))}
    for path, length in lengths.items():
        most = LARGEST_TEST if path.startswith("tests/") else LARGEST
        if length > most and not path.startswith(_GENERATED):
            yield Finding(path, f"has {length} lines, and {most} are the most; make two modules of it.")
    ours = sorted(length for path, length in lengths.items() if not path.startswith(("tests/", _GENERATED)))
    for share, most, name in ((0.5, MEDIAN, "median"), (0.9, NINE_IN_TEN, "90th percentile")):
        if ours and (found := ours[ceil(share * len(ours)) - 1]) > most:
            yield Finding(
                ".", f"The {name} of module sizes is {found} lines, and {most} is the most; make smaller ones."
            )
