"""The kept list of mutations that change nothing a test could see, each with the reason why."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias

from checks.mutants.mutation import MODULE, Mutation


@dataclass(frozen=True, slots=True)
class Equivalent:
    """One mutation: the file, the function, the mutated lines before and after, and why nothing changes."""

    file: str
    function: str
    before: str
    after: str
    reason: str

    def fits(self, mutation: Mutation) -> bool:
        """Whether it is this mutation."""
        return mutation.key == (self.file, self.function, self.before, self.after)


@dataclass(frozen=True, slots=True)
class Tuning:
    """Values in a module's constant that only tune pace or memory, or are samples: another shows nowhere. ``name`` binds them."""

    file: str
    name: str
    reason: str

    def fits(self, mutation: Mutation) -> bool:
        """Whether the mutation changes one of these values, and nothing else about the constant."""
        place = (mutation.path, mutation.function, mutation.symbol, mutation.operator)
        return place == (self.file, MODULE, self.name, "constant")


Known: TypeAlias = Equivalent | Tuning
_KINDS: dict[str, type[Known]] = {"equivalent": Equivalent, "tuning": Tuning}


def read_equivalents(path: Path) -> list[Known]:
    """The entries of the list; none where there is no file.

    Raises ValueError where an entry is of no known kind, lacks a part, or has an empty or an unknown one.
    """
    if not path.is_file():
        return []
    listed = tomllib.loads(path.read_text(encoding="utf-8"))
    if unknown := listed.keys() - _KINDS.keys():
        raise ValueError(f"{path.name} has entries of no known kind: {', '.join(sorted(unknown))}.")
    return [
        _entry(kind, entry, f"Entry {number} of {name} in {path.name}")
        for name, kind in _KINDS.items()
        for number, entry in enumerate(listed.get(name, []), 1)
    ]


def stale(known: Iterable[Known], found: Iterable[Mutation]) -> list[Known]:
    """Entries that fit no mutation of the product any more."""
    all_found = list(found)
    return [each for each in known if not any(map(each.fits, all_found))]


def _entry(kind: type[Known], entry: dict[str, Any], which: str) -> Known:
    parts = {each.name for each in fields(kind)}
    if entry.keys() != parts or not all(isinstance(value, str) and value.strip() for value in entry.values()):
        raise ValueError(f"{which} is incomplete. Write {', '.join(sorted(parts))}, and no more.")
    return kind(**entry)
