"""When a look at a system proves what it shows. Pure.

A read may be stale for a while after a write: it may go on showing membership that we have just taken away, or an empty
list. So a look alone ends an operation only where no write of ours can have been overlooked.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, auto

from access.entitlements import ResourceKind
from access.methods import Direction, Method
from access.operations import Operation

#: Access whose changes are safe to repeat. An account is not given twice: it might be invited twice.
REPEATABLE = frozenset({ResourceKind.GROUP, ResourceKind.PROJECT_ROLE})


class Verdict(Enum):
    """What follows from a look that shows the access as an operation wants it."""

    #: It is proof: the operation is done.
    DONE = auto()
    #: It is no proof: carry the operation out.
    CARRY_OUT = auto()
    #: It is no proof yet: a later look will tell.
    LOOK_AGAIN = auto()


def judge(
    operation: Operation, *, others_wrote_at: datetime | None, ours: bool | None, now: datetime, stale_for: timedelta
) -> Verdict:
    """What a look proves that shows what ``operation`` wants.

    - A write that the system accepted and then shows is done.
    - A removal is always sent, or asked for, unless two looks ``stale_for`` apart show the access gone and a person would
      have to be asked.
    - Access was there before only where no write of ours was ever sent at it, or where two looks ``stale_for`` apart show
      it, both begun ``stale_for`` after our last write. Else it is given all the same.

    ``others_wrote_at`` is the last write of another operation at the same access, None when there was none. ``ours`` says
    whose the access is that claims stand on: True when we gave it, False when it was there before, None without
    such claims. ``stale_for`` is how long a read may show the state before a write.
    """
    if operation.accepted_at is not None or operation.entitlement.kind not in REPEATABLE:
        return Verdict.DONE
    shown_twice = operation.shown_since is not None and now >= operation.shown_since + stale_for
    if operation.direction is Direction.TAKE:
        if operation.via is Method.CONNECTOR:
            return Verdict.CARRY_OUT
        return Verdict.DONE if shown_twice else Verdict.LOOK_AGAIN
    if others_wrote_at is None:
        return Verdict.DONE
    settled_at = others_wrote_at + stale_for
    if shown_twice and operation.shown_since is not None and operation.shown_since >= settled_at:
        return Verdict.DONE
    if operation.via is Method.CONNECTOR and (
        operation.before is not None or ours or (now < settled_at and ours is None)
    ):
        return Verdict.CARRY_OUT
    return Verdict.LOOK_AGAIN
