from __future__ import annotations

from collections.abc import Iterable


class SettingsError(Exception):
    """The configuration cannot be used. ``problems`` holds one sentence each: the key, what is wrong, what to do.

    No sentence ever quotes a value, so none can hold a secret.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))
