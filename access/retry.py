"""When to try again: a pure decision, bounded by attempts and by a deadline. The database keeps the time of the next try."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from access.failures import CredentialRefused, Failure, Permanent, Transient


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """How often and for how long a piece of work is tried.

    Waits double from ``first_wait`` up to ``longest_wait``. Work whose system refuses our credential is tried every
    ``credential_wait`` without end, until a person has mended the credential.
    """

    attempts: int = 8
    deadline: timedelta = timedelta(hours=4)
    first_wait: timedelta = timedelta(seconds=2)
    longest_wait: timedelta = timedelta(minutes=10)
    credential_wait: timedelta = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class RetryAt:
    """Try again at ``at``."""

    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Do not try again; ``reason`` is one sentence."""

    reason: str


def was_tried(failure: Failure) -> bool:
    """Whether the try that ended in ``failure`` counts as one.

    What our own rate budget put off does not, nor does what a refused credential kept from being tried.
    """
    if isinstance(failure, CredentialRefused):
        return False
    return not isinstance(failure, Transient) or failure.counted


def decide(
    failure: Failure,
    *,
    tries: int,
    first_tried_at: datetime,
    now: datetime,
    limits: RetryLimits,
    jitter: float = 0.0,
    endless: bool = False,
    final: bool = True,
) -> RetryAt | GiveUp:
    """What to do after try number ``tries`` (from 1) ended in ``failure``.

    The wait that a service asks for is kept, even past ``longest_wait``. No retry is planned for after the deadline.
    A call that our own rate limiter held back is not counted as a try, and never given up. ``endless`` is for work that a
    fault holds: neither tries nor time end that, nor does a missing permission. ``final`` is whether a refusal for good ends it.
    ``jitter`` from 0 to 1 lengthens the wait by up to a quarter, so that work that failed together is not tried again
    together.
    """
    if isinstance(failure, CredentialRefused):
        return RetryAt(now + limits.credential_wait)
    if isinstance(failure, Transient) and not was_tried(failure):
        # Work that one budget put off is spread out: otherwise all of it would take the next token, and none could finish.
        return RetryAt(now + (failure.retry_after or limits.first_wait) + limits.first_wait * jitter)
    if isinstance(failure, Permanent) and final and not (endless and failure.status == HTTPStatus.FORBIDDEN):
        return GiveUp(str(failure))
    if tries >= limits.attempts and not endless:
        return GiveUp(f"{failure} Tried {tries} times since {first_tried_at:%Y-%m-%d %H:%M} UTC.")
    wait = min(limits.longest_wait, limits.first_wait * 2 ** min(tries - 1, 30))
    if isinstance(failure, Transient) and failure.retry_after is not None:
        wait = max(wait if tries > 1 else timedelta(0), failure.retry_after)
    wait += wait * jitter / 4
    if now + wait > first_tried_at + limits.deadline and not endless:
        return GiveUp(f"{failure} The next try would come after its deadline of {limits.deadline}.")
    return RetryAt(now + wait)


#: After this time what cannot be seen counts as unresolved: Jira's trash keeps a project for 60 days [docs].
UNRESOLVED_AFTER = timedelta(days=60)

#: How often what is blocked is looked at, and for how long: what cannot be seen is looked at less often as days pass.
_BLOCKED_LOOKS = (
    (timedelta(days=1), timedelta(hours=1)),
    (UNRESOLVED_AFTER, timedelta(days=1)),
)
_LATER_LOOKS = timedelta(days=7)


def next_look(*, blocked_at: datetime, now: datetime, unseen: bool) -> datetime:
    """When a blocked removal is looked at next: hourly. What cannot be seen: hourly for a day, daily, weekly when unresolved."""
    if not unseen:
        return now + _BLOCKED_LOOKS[0][1]
    return now + next((wait for age, wait in _BLOCKED_LOOKS if now - blocked_at < age), _LATER_LOOKS)
