from __future__ import annotations

from collections.abc import Sequence

from access.remedies import WithRemedy


class Problem(WithRemedy, Exception):  # noqa: N818 - what an operator is told, not an error of the program
    """Something is wrong that was to be expected: one sentence of what happened, one of what to do. Exit status 1."""

    def __init__(self, what: str, remedy: str = "", *, details: Sequence[str] = ()) -> None:
        self.what = what
        self.remedy = remedy
        self.details = tuple(details)
        super().__init__(what)

    def __str__(self) -> str:
        lines = (f"\n  - {detail}" for detail in self.details)
        return f"{self.what}{''.join(lines)}{f' {self.remedy}' if self.remedy else ''}"
