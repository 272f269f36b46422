"""The lock files hold what ``pyproject.toml`` asks for, every file by its hash, and agree with each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from checks.tree import Finding, Tree

RUNTIME, SIMULATOR, DEV = "requirements.lock", "requirements-simulator.lock", "requirements-dev.lock"

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>\S+)(?P<rest>.*(?:\n .*)*)", re.MULTILINE)
_ENTRY = re.compile(r"^\S", re.MULTILINE)


def findings(tree: Tree) -> Iterator[Finding]:
    """Locks that need to be made anew: ``make lock``."""
    project: Any = tree.project
    groups, ours = project["dependency-groups"], project["project"]["dependencies"]
    extra = project["project"]["optional-dependencies"]["simulator"]
    wanted = {
        RUNTIME: [*ours, *_group(groups, "build")],
        SIMULATOR: [*ours, *extra, *_group(groups, "build")],
        DEV: [*ours, *extra, *_group(groups, "dev")],
    }
    pins = {lock: _pins(tree.read(lock)) for lock in wanted if lock in tree.paths}
    for lock, requirements in wanted.items():
        if lock not in pins:
            yield Finding(lock, "is not there; run make lock.")
            continue
        yield from _wrong(lock, tree.read(lock), pins[lock], map(Requirement, requirements))
    for smaller, larger in ((RUNTIME, SIMULATOR), (SIMULATOR, DEV)):
        for name, version in pins.get(smaller, {}).items():
            if larger in pins and pins[larger].get(name) != version:
                yield Finding(larger, f"does not have {name} {version} as {smaller} has; run make lock.")


def _wrong(lock: str, text: str, pins: dict[str, str], requirements: Iterable[Requirement]) -> Iterator[Finding]:
    for requirement in requirements:
        version = pins.get(canonicalize_name(requirement.name))
        if version is None or not requirement.specifier.contains(version):
            yield Finding(lock, f"has {version or 'nothing'} for '{requirement}'; run make lock.")
    entries = len(_ENTRY.findall(text))
    hashed = sum("--hash=sha256:" in found["rest"] for found in _PIN.finditer(text))
    if hashed != entries:
        yield Finding(lock, f"has {entries - hashed} lines that are no pin with a hash; run make lock.")


def _pins(text: str) -> dict[str, str]:
    return {canonicalize_name(found["name"]): found["version"] for found in _PIN.finditer(text)}


def _group(groups: dict[str, list[Any]], name: str) -> Iterator[str]:
    for entry in groups[name]:
        if isinstance(entry, dict):
            yield from _group(groups, entry["include-group"])
        else:
            yield entry
