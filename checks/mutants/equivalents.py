"""The kept list of mutations that change nothing a test could see, each with the reason why."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from checks.mutants.mutation import Mutation


@dataclass(frozen=True, slots=True)
class Equivalent:
    """One entry: the file, the function, the mutated lines before and after, and why nothing changes."""

    file: str
    function: str
    before: str
    after: str
    reason: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """As ``Mutation.key``."""
        return self.file, self.function, self.before, self.after


def read_equivalents(path: Path) -> list[Equivalent]:
    """The entries of the list; none where there is no file.

    Raises ValueError where an entry lacks a part, or has an empty or an unknown one.
    """
    if not path.is_file():
        return []
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("equivalent", [])
    parts = {each.name for each in fields(Equivalent)}
    for number, entry in enumerate(entries, 1):
        if entry.keys() != parts or not all(isinstance(value, str) and value.strip() for value in entry.values()):
            raise ValueError(
                f"Entry {number} of {path.name} is incomplete. Write {', '.join(sorted(parts))}, and no more."
            )
    return [Equivalent(**entry) for entry in entries]


def stale(equivalents: Iterable[Equivalent], found: Iterable[Mutation]) -> list[Equivalent]:
    """Entries that fit no mutation of the product any more."""
    keys = {each.key for each in found}
    return [each for each in equivalents if each.key not in keys]
