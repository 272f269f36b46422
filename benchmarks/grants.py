"""The requests of a benchmark: each changes whether a user is in a group, and the simulator's state proves it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from benchmarks.report import WrongResult
from benchmarks.simulated import Simulated


@dataclass(frozen=True, slots=True)
class Grant:
    """One user, one group. ``action`` is grant, or revoke for its removal."""

    id: str
    user: str
    email: str
    group: str
    action: str = "grant"

    @property
    def removal(self) -> Grant:
        """The request that takes the same access away."""
        return replace(self, id=f"{self.id}-off", action="revoke")

    def message(self) -> bytes:
        """The access request on the queue."""
        return json.dumps(
            {
                "id": self.id,
                "action": self.action,
                "subject": {"email": self.email},
                "entitlement": f"jumpcloud:group:{self.group}:member",
                "reason": "benchmark",
                "requested_by": "benchmark@example.com",
            }
        ).encode()

    def document(self) -> dict[str, Any]:
        return asdict(self)


def company(count: int, *, groups: int = 10) -> Simulated:
    """A JumpCloud with enough active users, and nobody in any group."""
    # A few are seeded suspended or staged.
    return Simulated("jumpcloud", users=count + count // 10 + 20, groups=groups, memberships=0, apps=0, admins=1)


def grants_in(state: dict[str, Any], count: int) -> list[Grant]:
    """Grants for this many different users, over all groups."""
    groups = [group["id"] for group in state["groups"]]
    users = [user for user in state["users"] if user.get("state", "ACTIVATED") == "ACTIVATED"][:count]
    assert len(users) == count, "the company was made too small"
    return [
        Grant(f"bench-{number}", user["id"], user["email"], groups[number % len(groups)])
        for number, user in enumerate(users)
    ]


def give(simulated: Simulated, grants: Sequence[Grant]) -> None:
    """Put the users into their groups, as an administrator would."""
    for grant in grants:
        simulated.act("jumpcloud", "add_member", group=grant.group, user=grant.user)


def verify(state: dict[str, Any], wanted: Sequence[Grant]) -> None:
    """Raises ``WrongResult`` unless exactly these memberships are there."""
    there = {(group["id"], user) for group in state["groups"] for user in group["members"]}
    asked = {(grant.group, grant.user) for grant in wanted}
    if there != asked:
        raise WrongResult(
            f"{len(asked - there)} memberships that were asked for are missing, and {len(there - asked)} are there"
            " that nobody asked for."
        )
