from __future__ import annotations

from collections.abc import Iterable


class SettingsError(Exception):
    """The configuration cannot be used. ``problems`` holds a sentence each (key, problem, fix), which quotes no value."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
