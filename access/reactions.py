"""What a line of a plan does, and so what is done about a finding."""

from __future__ import annotations

from enum import StrEnum


class Reaction(StrEnum):
    """What a line does."""

    #: Take the access away.
    TAKE = "take"
    #: Give the access.
    GIVE = "give"
    #: Deprovision the account.
    DEPROVISION = "deprovision"
    #: Have a person take the access away.
    TICKET = "ticket"
    #: Nothing: it is shown only.
    NONE = "none"

    @property
    def takes(self) -> bool:
        """Whether the fuse counts it."""
        return self in (Reaction.TAKE, Reaction.DEPROVISION, Reaction.TICKET)
