"""Every package of ours stands under the import contracts, in the wheel, and among the first party of deptry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checks.tree import Finding, Tree


def findings(tree: Tree) -> Iterator[Finding]:
    """Packages that a list in ``pyproject.toml`` forgets, or that it still has although they are gone."""
    tool: Any = tree.project["tool"]
    lists = {
        "tool.importlinter.root_packages": tool["importlinter"]["root_packages"],
        "tool.hatch.build.targets.wheel.packages": tool["hatch"]["build"]["targets"]["wheel"]["packages"],
        "tool.deptry.known_first_party": [name for name in tool["deptry"]["known_first_party"] if name != "checks"],
    }
    wanted = tree.packages - {"benchmarks"}
    for name, listed in lists.items():
        for package in sorted(wanted - set(listed)):
            yield Finding("pyproject.toml", f"{name} lacks '{package}'; add it.")
        for package in sorted(set(listed) - wanted):
            yield Finding("pyproject.toml", f"{name} has '{package}', and there is no such package; take it out.")
