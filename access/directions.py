"""The two ways access moves."""

from __future__ import annotations

from enum import StrEnum


class Direction(StrEnum):
    """Which way an operation moves access."""

    #: Make it so that the account has it.
    GIVE = "give"
    #: Make it so that the account does not have it.
    TAKE = "take"

    @property
    def wants_present(self) -> bool:
        """Whether the access is to be there when the operation is done."""
        return self is Direction.GIVE
