"""How access moves: in which direction, and by which method."""

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


class Method(StrEnum):
    """Who carries a change of access out. A policy rule has one of the first three, an operation any but the third."""

    #: A connector, through the system's API. In a policy rule: a person where the API cannot do it.
    CONNECTOR = "connector"
    #: A person, through a ticket.
    TICKET = "ticket"
    #: Nobody: policy forbids the change.
    DENY = "deny"
    #: An identity provider, which passes on what was changed elsewhere. Never in a policy rule.
    PROPAGATION = "propagation"
