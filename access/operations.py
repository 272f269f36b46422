"""The records that have a lifecycle: requests, operations, claims and tickets.

Each is a value read from the store. Only the store changes records, in one transaction for each change of state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from access import email_address
from access.entitlements import EntitlementRef, System
from access.lifecycle import ClaimState, OperationState, RequestState, TicketState
from access.message import AccessRequest, Action
from access.methods import Direction, Method


class Purpose(StrEnum):
    """Why an operation exists."""

    #: A request asked for it.
    REQUEST = "request"
    #: A claim is over.
    EXPIRY = "expiry"


class Obstacle(StrEnum):
    """What keeps a removal from being carried out while it is blocked."""

    #: The service refused it for good, a person declined it, or its tickets are used up.
    REFUSED = "refused"
    #: The thing that the access is to, or its account, is missing without proof that it is gone.
    UNSEEN = "unseen"
    #: The same, for longer than ``UNRESOLVED_AFTER``.
    UNRESOLVED = "unresolved"


class Lane(StrEnum):
    """Order of service: what takes access away goes before what gives it, and both before reading."""

    REVOKE = "revoke"
    GRANT = "grant"
    TICKET = "ticket"
    SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Request:
    """An access request as stored.

    - ``sequence``: its place in the order of all requests. A later one ends what earlier ones gave.
    - ``reason``: why it was refused or failed.
    - ``settled_account``: the account that a person said is meant.
    - ``candidates``: the accounts that it may have meant when it was blocked since nothing proved one of them.
    - ``begun_at``: since when it could be carried out, where that is later than ``received_at``: Provisor was switched on,
      or what it waited for ended.
    """

    id: str
    message: AccessRequest
    state: RequestState
    received_at: datetime
    source: str
    sequence: int = 0
    reason: str | None = None
    tries: int = 0
    begun_at: datetime | None = None
    first_tried_at: datetime | None = None
    due_at: datetime | None = None
    finished_at: datetime | None = None
    settled_account: str | None = None
    candidates: tuple[str, ...] | None = None

    @property
    def could_begin_at(self) -> datetime:
        """Since when it could be carried out."""
        begun = self.begun_at or self.received_at
        return max(begun, self.message.starts_at) if self.message.starts_at else begun

    @property
    def lane(self) -> Lane:
        """Its order of service."""
        return lane_of_action(self.message.action)


@dataclass(frozen=True, slots=True)
class Operation:
    """One step on one system.

    - ``before``: what the system showed before our first write, ``present`` or ``absent``; ``unread`` for a removal that was
      sent without a look; None until then. It is committed before the write, so that after a crash it is known whether the
      access was there already.
    - ``wrote_at``: when we sent the last write that may have taken effect; None while there was none.
    - ``accepted_at``: when the system last accepted a write of this operation. A look alone may be stale.
    - ``shown_since``: since when each look shows what is wanted without a write of ours; see ``access.proof``.
    - ``there_at``: when a look last showed the access there that a removal is to take away.
    - ``obstacle``, ``blocked_at``: why, and since when, a removal is blocked; ``missing`` is what cannot be seen then.
    - ``retried_at``: when a person last had a blocked removal tried again.
    - ``begun_at``: since when it could be carried out, where that is not ``created_at``.
    - ``fence``: grows with each lease. A worker that finishes must still hold the newest one.
    """

    id: str
    request_id: str
    purpose: Purpose
    direction: Direction
    entitlement: EntitlementRef
    named: EntitlementRef
    title: str
    account_title: str
    via: Method
    why: str
    state: OperationState
    created_at: datetime
    position: int = 0
    claim_id: str | None = None
    url: str | None = None
    account_id: str | None = None
    email: str | None = None
    products: tuple[str, ...] = ()
    before: str | None = None
    wrote_at: datetime | None = None
    accepted_at: datetime | None = None
    shown_since: datetime | None = None
    there_at: datetime | None = None
    obstacle: Obstacle | None = None
    blocked_at: datetime | None = None
    missing: str | None = None
    retried_at: datetime | None = None
    evidence: str | None = None
    error: str | None = None
    tries: int = 0
    fence: int = 0
    begun_at: datetime | None = None
    first_tried_at: datetime | None = None
    due_at: datetime | None = None
    verified_at: datetime | None = None

    @property
    def could_begin_at(self) -> datetime:
        """Since when it could be carried out."""
        return self.begun_at or self.created_at

    @property
    def system(self) -> System:
        """The system it acts on."""
        return self.entitlement.system

    @property
    def is_unseen(self) -> bool:
        """Whether it is blocked because its thing or its account cannot be seen."""
        return self.obstacle in (Obstacle.UNSEEN, Obstacle.UNRESOLVED)

    @property
    def lane(self) -> Lane:
        """Its order of service."""
        return lane_of(self.direction)

    @property
    def access_key(self) -> str:
        """The key of the access it changes. Two operations never work on the same access at once."""
        return access_key(self.account_id, self.email, self.entitlement)


@dataclass(frozen=True, slots=True)
class Claim:
    """One reason why an account should hold an entitlement. Its clock starts when the access was seen.

    ``email`` is the normalized address by which the access was asked for, or that the account showed; ``account_proven`` says
    that the account showed that address, or was made for it. ``ended_by`` is the operation that takes the access away at its
    end.

    - ``follows``: the claim that this one extends; ``first_request_id`` is the request that made the first of that line.
    - ``ends_at``: while the claim is pending, the fixed end that was asked for.
    - ``until_issue``: the key of the Jira issue whose closing ends it.
    - ``cut_short``: its end was brought forward, by a person or since the issue was closed. It is not extended any more.
    """

    id: str
    request_id: str
    account_title: str
    entitlement: EntitlementRef
    named: EntitlementRef
    title: str
    access_key: str
    state: ClaimState
    account_id: str | None = None
    email: str | None = None
    account_proven: bool = False
    pre_existing: bool | None = None
    duration: timedelta | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    ended_at: datetime | None = None
    why_ended: str | None = None
    ended_by: str | None = None
    follows: str | None = None
    first_request_id: str | None = None
    until_issue: str | None = None
    cut_short: bool = False

    @property
    def origin(self) -> str:
        """The request that gave the access first, before anything extended it."""
        return self.first_request_id or self.request_id

    @property
    def is_timed(self) -> bool:
        """Whether it has an end, or gets one when it starts."""
        return self.duration is not None or self.ends_at is not None


class TicketTrouble(StrEnum):
    """What a person has to look at on a ticket, the gravest last."""

    #: What Provisor has to say on it cannot be said.
    UNSAID = "unsaid"
    #: It is not needed any more, and cannot be closed.
    LEFT_OPEN = "left_open"
    #: It was done after its end: access stands, or is gone, and nothing explains that.
    UNTRACKED = "untracked"


@dataclass(frozen=True, slots=True)
class Ticket:
    """Our side of a ticket. ``marker`` is committed before the issue is made; ``answers`` counts closings without the change.

    ``status`` and ``phase`` are what was seen last. ``missing_since`` is since when it cannot be seen. ``trouble`` is what a
    person has to look at.
    ``looked_at``: when the system was last asked, while the ticket was open, whether the access is there by now. ``due_on`` is
    the day by which it is to be done, ``overdue_at`` when it was told that it is not. ``unmapped`` is a status that it had and
    that nothing gives a meaning. ``shown`` is what its issue shows of what may change: see ``tasks.ticket_upkeep``.
    """

    id: str
    operation_id: str
    provider: str
    marker: str
    project: str
    state: TicketState
    issue_id: str | None = None
    issue_key: str | None = None
    url: str | None = None
    status: str | None = None
    after_key: str | None = None
    tries: int = 0
    create_tried_at: datetime | None = None
    answers: int = 0
    answered_at: datetime | None = None
    fence: int = 0
    due_at: datetime | None = None
    opened_at: datetime | None = None
    looked_at: datetime | None = None
    closed_at: datetime | None = None
    error: str | None = None
    phase: str | None = None
    missing_since: datetime | None = None
    trouble: TicketTrouble | None = None
    due_on: date | None = None
    overdue_at: datetime | None = None
    unmapped: str | None = None
    shown: Mapping[str, Any] | None = None


def lane_of(direction: Direction) -> Lane:
    """The order of service of a change of access: removals go first."""
    return Lane.REVOKE if direction is Direction.TAKE else Lane.GRANT


def lane_of_action(action: Action) -> Lane:
    """The order of service of a request: what extends access is served with what takes it away."""
    return Lane.REVOKE if action.goes_first else Lane.GRANT


def access_key(account_id: str | None, email: str | None, entitlement: EntitlementRef) -> str:
    """The key of one account's hold on one entitlement; by address only while the account does not exist yet."""
    who = account_id or f"mailto:{email_address.normalized(email or '')}"
    return f"{who} {entitlement}"
