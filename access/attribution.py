"""Who made a difference: what the log of its system tells of it, or why that is not known. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import takewhile

from access.entitlements import ResourceKind
from access.findings import Difference, Finding, FindingKind, NotKnown, Told
from access.truth import SKEW, Change, Log

#: How late a log may tell of a change [docs: up to a day in an organization's log; JumpCloud publishes no figure].
LATE = timedelta(days=1)

#: The kinds of differences that one change of the access made, and whether the access is there since that.
_PRESENT = {
    FindingKind.UNEXPECTED: True,
    FindingKind.RETURNED: True,
    FindingKind.LEFTOVER: True,
    FindingKind.MISSING: False,
}

_UNNAMED = "somebody whom the log does not name"


Attribution = Told | NotKnown

#: A log, or why there is none to go by.
Reading = Log | NotKnown


def may_be_told(difference: Difference | Finding) -> bool:
    """Whether a log of the difference's own system may tell who made it."""
    return difference.kind in _PRESENT and _resource(difference) is not None


def attribute(difference: Difference | Finding, reading: Reading, *, since: datetime, shown: datetime) -> Attribution:
    """Who made a difference, by the log of its system.

    ``since`` is a moment before which it was not seen, and ``shown`` when the snapshot that shows it was complete: what the log
    tells of later is another change.
    """
    resource = _resource(difference)
    if difference.kind not in _PRESENT or resource is None:
        return NotKnown("no log of the system tells of a difference of this kind")
    if isinstance(reading, NotKnown):
        return reading
    kind, key = resource
    # An older entry made what was there before: the one that made this difference is lost, or late.
    within = (since - SKEW, shown + SKEW)
    changes = [each for each in reading.of(kind, key, difference.account_id) if within[0] <= each.at <= within[1]]
    if not changes:
        gap = reading.gap(kind, since)
        if gap is not None:
            return NotKnown(gap[1])
        if any(each.at >= within[0] for each in reading.of(kind, key, "")):
            return NotKnown("an entry of the log about this resource is not understood")
        return NotKnown(f"the log has no entry of it since {since:%Y-%m-%d %H:%M} UTC", again=True)
    if changes[0].present is not _PRESENT[difference.kind]:
        return NotKnown("the last entry of it in the log says the opposite", again=True)
    return _told(changes)


def still_ours(of: Difference | Finding, attribution: Attribution) -> datetime | None:
    """When the write of ours went out that explains a difference: none does where the log tells of another change."""
    others = isinstance(attribution, Told) and of.ours_at is not None and abs(attribution.at - of.ours_at) > SKEW
    return None if others else of.ours_at


def _told(changes: Sequence[Change]) -> Told:
    """The newest change; of several entries about it, the one that says what made it."""
    newest = changes[0]
    same = list(takewhile(lambda each: each.present is newest.present and newest.at - each.at <= SKEW, changes))
    one = next((each for each in same if each.cause), newest)
    return Told(one.by or _UNNAMED, one.at, one.record, one.cause)


def _resource(difference: Difference | Finding) -> tuple[ResourceKind, str] | None:
    """The resource as logs name it; None for a difference that is not about access to one."""
    ref = difference.entitlement
    return None if ref is None or ref.kind is ResourceKind.ACCOUNT else (ref.kind, "/".join(ref.path))
