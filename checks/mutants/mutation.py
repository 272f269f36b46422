"""One small break of the product: where it is, and what it changes."""

from __future__ import annotations

import difflib
import hashlib
from dataclasses import dataclass

#: What stands for the function of a mutation that is in none.
MODULE = "<module>"


@dataclass(frozen=True, slots=True)
class Mutation:
    """Bytes ``start`` to ``end`` of a file are replaced by ``replacement``.

    ``function`` is the qualified name of the function around it, or of the class, or ``MODULE``; ``symbol`` is the name
    that a class or module binds there. ``lines`` are the first and last line whose execution runs the mutated code;
    ``at_import`` says that they run when the module is imported, and not when a test calls something.
    """

    path: str
    function: str
    symbol: str | None
    operator: str
    start: int
    end: int
    replacement: str
    line: int
    lines: tuple[int, int]
    at_import: bool
    before: str
    after: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names the mutation whichever line it stands on: file, function, and the mutated text before and after."""
        return self.path, self.function, self.before, self.after

    def rank(self, seed: int) -> str:
        """Its place in the order of this seed. A change elsewhere in the product does not move it."""
        return hashlib.sha256(repr((seed, *self.key)).encode()).hexdigest()

    def applied(self, source: bytes) -> bytes:
        """The source of the file with this mutation in it."""
        return source[: self.start] + self.replacement.encode() + source[self.end :]

    def diff(self, source: bytes) -> str:
        """The mutation as a unified diff with one line of context."""
        old, new = (text.decode().splitlines() for text in (source, self.applied(source)))
        return "\n".join(difflib.unified_diff(old, new, self.path, self.path, lineterm="", n=1))
