from __future__ import annotations

from collections.abc import Sequence

from access.remedies import WithRemedy


class Problem(WithRemedy, Exception):  # noqa: N818 - for an operator to read; no error of the program
    """A command cannot do its work: one sentence of what is wrong, one of what to do. Exit status 1."""

    def __init__(self, what: str, remedy: str = "", *, details: Sequence[str] = ()) -> None:
        self.what = what
        self.remedy = remedy
        self.details = tuple(details)
        super().__init__(what)

    def __str__(self) -> str:
        lines = (f"\n  - {detail}" for detail in self.details)
        return f"{self.what}{''.join(lines)}{f' {self.remedy}' if self.remedy else ''}"
