"""Who made a difference is said only by an entry of the log about that very access, of the time in which it came about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.attribution import attribute, still_ours
from access.entitlements import EntitlementRef, ResourceKind, System
from access.findings import Difference, FindingKind, NotKnown, Told
from access.truth import Change, Log

GROUP = ResourceKind.GROUP
SHOWN = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SINCE = SHOWN - timedelta(hours=1)
ENTITLEMENT = EntitlementRef.parse("jumpcloud:group:g1:member")
MINUTE = timedelta(minutes=1)


def difference(kind: FindingKind = FindingKind.UNEXPECTED, *, ours_at: datetime | None = None) -> Difference:
    return Difference(kind, System.JUMPCLOUD, "k", "ada", "Ada", "", ENTITLEMENT, ours_at=ours_at)


def entry(ago: timedelta, *, present: bool = True, by: str = "grace", cause: str | None = None) -> Change:
    return Change(SHOWN - ago, GROUP, "g1", "ada", present=present, by=by, record=f"{by} {ago}", cause=cause)


def log(*changes: Change, reaches: timedelta = timedelta(days=30), gap: str | None = None) -> Log:
    return Log(changes, reaches={GROUP: SHOWN - reaches}, gaps={GROUP: gap} if gap else {})


def ask(reading: Log | NotKnown, kind: FindingKind = FindingKind.UNEXPECTED) -> Told | NotKnown:
    return attribute(difference(kind), reading, since=SINCE, shown=SHOWN)


@pytest.mark.parametrize(
    ("kind", "present"),
    [
        (FindingKind.UNEXPECTED, True),
        (FindingKind.RETURNED, True),
        (FindingKind.LEFTOVER, True),
        (FindingKind.MISSING, False),
    ],
)
def test_the_newest_entry_in_the_direction_of_the_difference_says_who(kind: FindingKind, present: bool) -> None:  # noqa: FBT001 - a table's cell
    older, newer = entry(9 * MINUTE, present=present, by="linus"), entry(3 * MINUTE, present=present)
    assert ask(log(older, newer), kind) == Told("grace", newer.at, newer.record)
    opposite = ask(log(older, entry(3 * MINUTE, present=not present)), kind)
    assert isinstance(opposite, NotKnown)
    assert opposite.again


def test_what_was_done_after_the_snapshot_is_another_change() -> None:
    told = ask(log(entry(9 * MINUTE, by="linus"), entry(-timedelta(hours=2), present=False)))
    assert isinstance(told, Told)
    assert told.by == "linus"


@pytest.mark.parametrize(
    ("reading", "why", "again"),
    [
        (log(), "no entry of it since", True),
        (log(entry(timedelta(days=2))), "no entry of it since", True),
        (log(reaches=timedelta(minutes=10)), "reaches back to", False),
        (log(gap="the credential may not read it"), "may not read it", False),
        (NotKnown("away", again=True), "away", True),
    ],
)
def test_what_the_log_does_not_tell_is_not_known_and_says_why(reading: Log, why: str, again: bool) -> None:  # noqa: FBT001 - a table's cell
    told = ask(reading)
    assert isinstance(told, NotKnown)
    assert why in told.why
    assert told.again is again


def test_a_difference_that_no_single_change_made_has_nobody() -> None:
    for kind in (FindingKind.ORPHAN, FindingKind.DISPUTED, FindingKind.DANGLING, FindingKind.UNVERIFIED):
        assert isinstance(ask(log(entry(MINUTE)), kind), NotKnown)


def test_of_two_entries_about_one_change_the_one_with_the_cause_counts() -> None:
    own = entry(MINUTE, cause="an access request gave it")
    for same in (timedelta(0), timedelta(seconds=1)):
        told = ask(log(entry(MINUTE - same, by="console"), own))
        assert isinstance(told, Told)
        assert told.cause == "an access request gave it"


def test_an_access_request_of_another_time_explains_nothing() -> None:
    told = ask(log(entry(50 * MINUTE, cause="an access request gave it"), entry(MINUTE)))
    assert isinstance(told, Told)
    assert told.cause is None


def test_our_write_explains_it_only_where_the_log_does_not_tell_of_another() -> None:
    at = SHOWN - 20 * MINUTE
    own = Told("provisor", at + MINUTE, "1")
    other = Told("grace", at + 10 * MINUTE, "2")
    mended = difference(FindingKind.MISSING, ours_at=at)
    assert still_ours(mended, own) == at
    assert still_ours(mended, NotKnown("no entry")) == at
    assert still_ours(mended, other) is None


_ENTRIES = st.lists(
    st.builds(
        lambda minutes, present, who, group, by: Change(
            SHOWN - timedelta(minutes=minutes), GROUP, group, who, present=present, by=by, record=f"{minutes}"
        ),
        st.integers(-120, 300),
        st.booleans(),
        st.sampled_from(["ada", "bob"]),
        st.sampled_from(["g1", "g2"]),
        st.sampled_from(["grace", "linus"]),
    ),
    max_size=12,
)


@given(changes=_ENTRIES, kind=st.sampled_from([FindingKind.UNEXPECTED, FindingKind.MISSING]))
def test_nobody_is_named_who_did_not_make_such_a_change_of_this_access_in_that_time(
    changes: list[Change], kind: FindingKind
) -> None:
    told = ask(log(*changes), kind)
    wanted = kind is FindingKind.UNEXPECTED
    did = {
        (each.by, each.at)
        for each in changes
        if (each.principal, each.resource, each.present) == ("ada", "g1", wanted)
        and SINCE - 5 * MINUTE <= each.at <= SHOWN + 5 * MINUTE
    }
    assert isinstance(told, NotKnown) or (told.by, told.at) in did
