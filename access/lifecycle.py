"""The states of requests, claims, operations, tickets and plans, and the one table of the transitions between them.

The database holds the same table (``lifecycle``), and a trigger on each of them refuses any other transition, so that
code which does not ask here cannot write a wrong one either. A test compares the two tables; ``docs/lifecycle.md`` is
generated from this one.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType


class RequestState(StrEnum):
    """Where an access request stands."""

    #: Stored, and acknowledged to whoever sent it; nothing is decided yet.
    RECEIVED = "received"
    #: Its operations are decided, none has begun.
    PLANNED = "planned"
    #: At least one operation has begun.
    FULFILLING = "fulfilling"
    #: Every operation was seen done in the system itself.
    DONE = "done"
    #: Policy or the facts do not allow it; nothing was changed.
    REFUSED = "refused"
    #: An operation could be done neither by API nor by a person; a person has to look.
    FAILED = "failed"
    #: A later request, or a person, called it back before it was done.
    WITHDRAWN = "withdrawn"
    #: It takes access away and cannot go on by itself; the system is looked at again, and a person decides.
    BLOCKED = "blocked"


class OperationState(StrEnum):
    """Where one step on one system stands."""

    #: Others must be done first.
    WAITING = "waiting"
    #: May be begun when due.
    READY = "ready"
    #: A worker carries it out, or a write of it may be in flight or not yet visible.
    RUNNING = "running"
    #: A ticket asks a person to do it.
    WITH_PERSON = "with_person"
    #: The system itself shows it.
    DONE = "done"
    #: Given up; the reason is recorded.
    FAILED = "failed"
    #: Not wanted any more; it changed nothing.
    DROPPED = "dropped"
    #: A removal that nobody carries out now: refused for good, declined, or its thing cannot be seen. It is looked at.
    BLOCKED = "blocked"


class ClaimState(StrEnum):
    """Where one reason for access stands."""

    #: The access is still being given.
    PENDING = "pending"
    #: The access was seen; the clock runs.
    ACTIVE = "active"
    #: It is over; the access is being taken away.
    ENDING = "ending"
    #: Over, and the access gone, or kept by another reason or because it was there before.
    ENDED = "ended"
    #: The access was never seen, and will not be given.
    VOID = "void"


class TicketState(StrEnum):
    """Where our side of a ticket stands; the ticketing system's own status is kept beside it."""

    #: Committed before the call that makes it.
    INTENDED = "intended"
    #: The issue exists, and a person is asked.
    OPEN = "open"
    #: A person closed it; the system does not show the change yet.
    ANSWERED = "answered"
    #: Closed, and the system shows the change.
    VERIFIED = "verified"
    #: A person closed it with the word that it will not be done.
    DECLINED = "declined"
    #: Deleted, or hidden from Provisor. It is read again as long as its operation lives.
    HIDDEN = "hidden"
    #: Deleted in the ticketing system, never made there, or of no more use.
    LOST = "lost"
    #: No longer needed; closed by us.
    WITHDRAWN = "withdrawn"
    #: Closed too often without being done: handed to the operator.
    ESCALATED = "escalated"


class PlanState(StrEnum):
    """Where a plan stands."""

    #: Made. One that is automatic begins by itself, any other waits for somebody to approve it.
    OPEN = "open"
    #: Approved: its lines begin.
    APPROVED = "approved"
    #: The fuse holds the rest: it goes on as the window moves, or when a person approves the rest.
    HELD = "held"
    #: Every line has come to an end.
    DONE = "done"
    #: What had not begun will not be done.
    DROPPED = "dropped"


class LineState(StrEnum):
    """Where one line of a plan stands."""

    #: Its request is not handed in yet.
    WAITING = "waiting"
    #: Its request is on its way.
    BEGUN = "begun"
    #: Its request is done, or there was nothing to do.
    DONE = "done"
    #: Its request was refused, failed or called back.
    FAILED = "failed"
    #: It will not be done.
    DROPPED = "dropped"


class LeaverState(StrEnum):
    """Where a person stands who seems to have left."""

    #: A snapshot shows it; no single read has yet.
    NOTICED = "noticed"
    #: One single read shows it; a second has to.
    SEEN = "seen"
    #: Two reads showed it: what the person holds is in plans.
    LEFT = "left"
    #: A single read shows the user as active: nothing was taken.
    FALSE_ALARM = "false_alarm"
    #: The person had left, and is back.
    BACK = "back"


_Table = dict[str, frozenset[str]]


def _to(*states: StrEnum) -> frozenset[str]:
    return frozenset(str(state) for state in states)


_R, _O, _C, _T, _P, _L = RequestState, OperationState, ClaimState, TicketState, PlanState, LineState
_Leaver = LeaverState

#: entity -> state -> the states that may follow. The states after "" are those in which an entity may be stored first.
LIFECYCLE: MappingProxyType[str, _Table] = MappingProxyType(
    {
        "request": {
            "": _to(_R.RECEIVED),
            _R.RECEIVED: _to(_R.PLANNED, _R.FULFILLING, _R.DONE, _R.REFUSED, _R.FAILED, _R.WITHDRAWN, _R.BLOCKED),
            _R.PLANNED: _to(_R.RECEIVED, _R.FULFILLING, _R.DONE, _R.REFUSED, _R.FAILED, _R.WITHDRAWN, _R.BLOCKED),
            _R.FULFILLING: _to(_R.DONE, _R.FAILED, _R.WITHDRAWN, _R.BLOCKED),
            _R.BLOCKED: _to(_R.FULFILLING, _R.DONE, _R.REFUSED, _R.WITHDRAWN),
            _R.DONE: _to(),
            _R.REFUSED: _to(),
            _R.FAILED: _to(_R.FULFILLING),
            _R.WITHDRAWN: _to(),
        },
        "operation": {
            "": _to(_O.WAITING, _O.READY, _O.RUNNING),
            _O.WAITING: _to(_O.READY, _O.DROPPED),
            _O.READY: _to(_O.RUNNING, _O.FAILED, _O.DROPPED),
            _O.RUNNING: _to(_O.READY, _O.WITH_PERSON, _O.DONE, _O.FAILED, _O.DROPPED, _O.BLOCKED),
            _O.WITH_PERSON: _to(_O.READY, _O.DONE, _O.FAILED, _O.DROPPED, _O.BLOCKED),
            _O.BLOCKED: _to(_O.READY, _O.DONE, _O.DROPPED),
            _O.DONE: _to(),
            _O.FAILED: _to(_O.READY),
            _O.DROPPED: _to(),
        },
        "claim": {
            "": _to(_C.PENDING),
            _C.PENDING: _to(_C.ACTIVE, _C.VOID),
            _C.ACTIVE: _to(_C.ENDING, _C.ENDED),
            _C.ENDING: _to(_C.ENDED),
            _C.ENDED: _to(),
            _C.VOID: _to(),
        },
        "ticket": {
            "": _to(_T.INTENDED),
            _T.INTENDED: _to(_T.OPEN, _T.WITHDRAWN, _T.LOST),
            _T.OPEN: _to(_T.ANSWERED, _T.VERIFIED, _T.DECLINED, _T.HIDDEN, _T.LOST, _T.WITHDRAWN),
            _T.ANSWERED: _to(_T.OPEN, _T.VERIFIED, _T.DECLINED, _T.HIDDEN, _T.LOST, _T.WITHDRAWN, _T.ESCALATED),
            _T.HIDDEN: _to(_T.VERIFIED, _T.WITHDRAWN, _T.LOST),
            _T.VERIFIED: _to(),
            _T.DECLINED: _to(),
            _T.LOST: _to(),
            _T.WITHDRAWN: _to(),
            _T.ESCALATED: _to(),
        },
        "plan": {
            "": _to(_P.OPEN),
            _P.OPEN: _to(_P.APPROVED, _P.HELD, _P.DONE, _P.DROPPED),
            _P.APPROVED: _to(_P.HELD, _P.DONE, _P.DROPPED),
            _P.HELD: _to(_P.APPROVED, _P.DONE, _P.DROPPED),
            _P.DONE: _to(),
            _P.DROPPED: _to(),
        },
        "plan_line": {
            "": _to(_L.WAITING),
            _L.WAITING: _to(_L.BEGUN, _L.DONE, _L.DROPPED),
            _L.BEGUN: _to(_L.DONE, _L.FAILED),
            _L.DONE: _to(),
            _L.FAILED: _to(),
            _L.DROPPED: _to(),
        },
        "leaver": {
            "": _to(_Leaver.NOTICED, _Leaver.LEFT),
            _Leaver.NOTICED: _to(_Leaver.SEEN, _Leaver.FALSE_ALARM),
            _Leaver.SEEN: _to(_Leaver.NOTICED, _Leaver.LEFT, _Leaver.FALSE_ALARM),
            _Leaver.LEFT: _to(_Leaver.NOTICED, _Leaver.BACK),
            _Leaver.FALSE_ALARM: _to(),
            _Leaver.BACK: _to(),
        },
    }
)


def transitions() -> list[tuple[str, str, str]]:
    """Every permitted transition as (entity, from, to), sorted, for the table in the database."""
    return sorted(
        (entity, str(start), end)
        for entity, table in LIFECYCLE.items()
        for start, ends in table.items()
        for end in ends
    )


def is_final(entity: str, state: str) -> bool:
    """Whether ``state`` is an end. Only a person who tries again leads out of one."""
    return state in ENDS[entity]


#: The states in which an entity has come to its end.
ENDS: dict[str, frozenset[str]] = {
    "request": _to(_R.DONE, _R.REFUSED, _R.FAILED, _R.WITHDRAWN),
    "operation": _to(_O.DONE, _O.FAILED, _O.DROPPED),
    "claim": _to(_C.ENDED, _C.VOID),
    "ticket": _to(_T.VERIFIED, _T.DECLINED, _T.LOST, _T.WITHDRAWN, _T.ESCALATED),
    "plan": _to(_P.DONE, _P.DROPPED),
    "plan_line": _to(_L.DONE, _L.FAILED, _L.DROPPED),
    "leaver": _to(_Leaver.FALSE_ALARM, _Leaver.BACK),
}

#: States in which a claim stands on access that was seen.
STANDING = (ClaimState.ACTIVE, ClaimState.ENDING)
