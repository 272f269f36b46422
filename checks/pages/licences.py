"""The licence of everything that Provisor needs to run, as each package states it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata

from checks.tree import ROOT

PATH = "docs/licences.md"

_HEAD = """\
# Licences

*Written by `make fix` from what the packages say of themselves.* All that `requirements.lock` installs to run Provisor and to
build it; packages for other systems than Linux are left out. `make sbom` writes the same with versions and hashes (CycloneDX).

| package | licence |
|---|---|
"""

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==\S+ (; [^\\]*)?", re.MULTILINE)
_CLASSIFIER = "License :: OSI Approved :: "
#: A longer text is the licence itself, and not its name.
_LONGEST_NAME = 80


def text() -> str:
    """The page."""
    return _HEAD + "".join(f"| {name} | {licence} |\n" for name, licence in _licences())


def _licences() -> Iterator[tuple[str, str]]:
    for name, marker in _PIN.findall((ROOT / "requirements.lock").read_text(encoding="utf-8")):
        if "win32" not in marker and "python_full_version" not in marker:
            yield name, _licence(name)


def _licence(name: str) -> str:
    """The licence of an installed package. Raises ``LookupError`` for one that names none."""
    try:
        facts = metadata(name)
    except PackageNotFoundError as exc:
        raise LookupError(f"{name} is not installed; run make check, which installs what the lock files hold.") from exc
    for named in (*facts.get_all("License-Expression", []), *facts.get_all("License", [])):
        if len(named) <= _LONGEST_NAME:
            return " ".join(named.split())
    classified = [
        each.removeprefix(_CLASSIFIER) for each in facts.get_all("Classifier", []) if each.startswith(_CLASSIFIER)
    ]
    if not classified:
        raise LookupError(f"{name} names no licence; look at it before it is shipped.")
    return ", ".join(classified)
