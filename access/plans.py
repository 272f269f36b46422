"""Plans: what is to be changed that no single request asked for, line by line, before it is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from access.entitlements import EntitlementRef, System
from access.lifecycle import LineState, PlanState
from access.message import AccessRequest, Action, StoredRequest
from access.reactions import Reaction

#: The source of requests that lines of plans became.
SOURCE = "plan"

#: The field of such a request that names the finding which its line rests on.
FINDING = "finding"


class PlanKind(StrEnum):
    """What a plan is for."""

    #: What is to be done about findings.
    RECONCILE = "reconcile"
    #: What a person who has left still holds.
    LEAVER = "leaver"
    #: Ends of many claims at once.
    BULK = "bulk"
    #: To give back what another plan took.
    RESTORE = "restore"
    #: Ends that a jump of the clock brought about.
    CLOCK = "clock"


_ACTIONS = {
    Reaction.TAKE: Action.REVOKE,
    Reaction.GIVE: Action.GRANT,
    Reaction.DEPROVISION: Action.DEPROVISION_ACCOUNT,
    Reaction.TICKET: Action.REVOKE,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a plan.

    - ``weight``: lines with more go first; so does what gives most.
    - ``ends_at``: when access that is given back ends again; None for standing access.
    - ``note``: why the line came to nothing.
    """

    reaction: Reaction
    system: System
    account_id: str
    account_title: str
    title: str
    reason: str
    entitlement: EntitlementRef | None = None
    finding_id: str | None = None
    claim_id: str | None = None
    weight: int = 0
    ends_at: datetime | None = None
    id: str = ""
    plan_id: str = ""
    number: int = 0
    state: LineState = LineState.WAITING
    request_id: str | None = None
    note: str | None = None

    @property
    def action(self) -> Action | None:
        """What the line's request asks for; None where it makes no request."""
        return _ACTIONS.get(self.reaction)

    def request(self, plan: Plan, *, now: datetime, claim_of: str | None = None) -> AccessRequest | None:
        """The request that the line becomes; None when access that was to be given back would be over by now.

        ``claim_of`` is the request that made the line's claim: a line about a claim ends that claim only.

        Raises ``ValueError`` for a line that only shows something.
        """
        action = self.action
        if action is None:
            raise ValueError("This line makes no request.")
        ends = self.ends_at if self.reaction is Reaction.GIVE else None
        if ends is not None and (ends - now).total_seconds() < 1:
            return None
        about_account = action is Action.DEPROVISION_ACCOUNT
        message: dict[str, Any] = {
            "id": self.id,
            "action": str(action),
            "subject": {"id": self.account_id},
            "entitlement": None if about_account else str(self.entitlement),
            "system": str(self.system) if about_account else None,
            "claim_of": claim_of if action is Action.REVOKE else None,
            "duration": None if ends is None else (ends - now).total_seconds(),
            "reason": self.reason,
            "requested_by": plan.maker,
            "approved_by": plan.approved_by or plan.approver_said,
            "fields": None if self.finding_id is None else {FINDING: self.finding_id},
        }
        return StoredRequest.model_validate({name: value for name, value in message.items() if value is not None})


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan without its lines.

    - ``maker``: who had it made by command; None where the schedule did.
    - ``automatic``: it runs by itself, as far as the fuse lets it.
    - ``self_approved``: its maker approved it.
    - ``beyond_fuse``: a person let the rest run that the fuse held.
    - ``certificate``: what it stands on: the snapshots by system, with their runs and moments.
    - ``person``: who has left; such a plan counts as one person.
    - ``held_why``: what the fuse said.
    - ``approver_said``: who approved, as its maker said.
    """

    id: str
    kind: PlanKind
    title: str
    state: PlanState
    made_at: datetime
    maker: str | None = None
    automatic: bool = False
    person: str | None = None
    certificate: Mapping[str, Any] = field(default_factory=dict)
    approved_by: str | None = None
    approved_why: str | None = None
    approved_at: datetime | None = None
    self_approved: bool = False
    beyond_fuse: bool = False
    held_why: str | None = None
    approver_said: str | None = None

    @property
    def runs(self) -> bool:
        """Whether its lines may begin, as far as the fuse lets them."""
        if self.state is PlanState.OPEN:
            return self.automatic
        return self.state in (PlanState.APPROVED, PlanState.HELD)
