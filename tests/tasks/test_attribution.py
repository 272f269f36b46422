"""Findings say who made the difference and what explains it, by one bounded look at the log, which nothing waits for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from access.clock import ManualClock
from access.findings import Finding, Profile, ProfileRule
from store.unit_of_work import Store
from tests.fakes.local_stack import ADA, GROUP, START, LocalStack
from tests.fakes.logs import FakeLog
from tests.fakes.reconciled_stack import carry_out, findings, kinds, note_late_write, reconcile

NAMES = (GROUP, "jumpcloud:group:other:member")
HOUR = timedelta(hours=1)
BOB = "u2"
REQUEST = "an access request in JumpCloud gave it"


@dataclass
class Watched:
    """A Provisor that reads a log, and the people who change access by hand."""

    stack: LocalStack
    log: FakeLog

    def by_hand(self, *, present: bool, who: str = BOB, noted: bool = True, cause: str | None = None) -> None:
        self.stack.clock.advance(timedelta(minutes=10))
        self.stack.system.change(who, GROUP, present=present)
        if noted:
            self.log.note(who, GROUP, present=present, cause=cause)
        self.stack.clock.advance(timedelta(minutes=10))

    def look(self) -> list[Finding]:
        reconcile(self.stack, NAMES)
        return findings(self.stack)


def watched_by(store: Store, profile: Profile, *, auto: bool = False) -> Watched:
    clock = ManualClock(START)
    log = FakeLog(clock)
    profiles = [ProfileRule("jumpcloud:*", profile, auto)]
    stack = LocalStack.over(store, clock=clock, profiles=profiles, attribution=log.read)
    reconcile(stack, NAMES)
    return Watched(stack, log)


@pytest.fixture
def watched(store: Store) -> Watched:
    return watched_by(store, Profile.WATCH)


def test_a_finding_says_who_did_it_when_and_by_which_entry(watched: Watched) -> None:
    watched.by_hand(present=True)
    [found] = watched.look()
    assert (found.done_by, found.done_record, found.not_known) == ("grace@example.com", "e1", None)
    assert found.done_at is not None
    assert found.done_at < found.first_seen_at


def test_one_look_serves_a_whole_comparison_and_none_is_made_where_nothing_is_asked(watched: Watched) -> None:
    watched.look()
    assert watched.log.reads == []
    for who in (ADA, BOB):
        watched.by_hand(present=True, who=who)
    assert all(each.done_by for each in watched.look())
    watched.look()
    assert len(watched.log.reads) == 1


@pytest.mark.parametrize("away", [False, True])
def test_what_the_log_tells_late_is_told_by_a_later_look_and_asked_no_longer(watched: Watched, away: bool) -> None:  # noqa: FBT001 - a table's cell
    watched.log.lag, watched.log.away = (timedelta(0), "the service is away") if away else (HOUR, None)
    watched.by_hand(present=True)
    [found] = watched.look()
    assert found.done_by is None
    assert found.not_known is not None
    watched.stack.clock.advance(2 * HOUR)
    watched.log.away = None
    [told] = watched.look()
    assert (told.id, told.done_by, told.not_known) == (found.id, "grace@example.com", None)
    asked = len(watched.log.reads)
    watched.look()
    assert len(watched.log.reads) == asked


def test_what_the_log_never_tells_is_asked_about_for_a_day_and_no_longer(watched: Watched) -> None:
    watched.by_hand(present=True, noted=False)
    watched.look()
    for _ in range(3):
        watched.stack.clock.advance(10 * HOUR)
        [found] = watched.look()
    asked = len(watched.log.reads)
    watched.look()
    assert (len(watched.log.reads), found.done_by) == (asked, None)
    assert found.not_known is not None


def test_a_log_that_may_not_be_read_is_not_asked_again_and_the_finding_says_why(watched: Watched) -> None:
    watched.log.unreadable = "the credential may not read it"
    watched.by_hand(present=True)
    [found] = watched.look()
    assert found.not_known == "the credential may not read it"
    watched.look()
    assert len(watched.log.reads) == 1


def test_what_an_access_request_of_the_system_gave_is_no_finding_as_long_as_it_lasts(store: Store) -> None:
    watched = watched_by(store, Profile.STRICT, auto=True)
    watched.by_hand(present=True, cause=REQUEST)
    for _ in range(3):
        assert watched.look() == []
        carry_out(watched.stack)
    assert watched.stack.system.has(BOB, GROUP)
    watched.by_hand(present=False)
    watched.look()
    watched.stack.clock.advance(8 * 24 * HOUR)  # A list that lacks somebody is doubted for a week.
    watched.look()
    watched.by_hand(present=True)
    assert [str(each.kind) for each in watched.look()] == ["unexpected"]


def test_what_explains_a_finding_late_closes_it(watched: Watched) -> None:
    watched.log.lag = HOUR
    watched.by_hand(present=True, cause=REQUEST)
    [found] = watched.look()
    watched.stack.clock.advance(2 * HOUR)
    assert watched.look() == []
    with watched.stack.store.read() as work:
        closed = work.findings.get(found.id)
    assert closed is not None
    assert closed.closed_why is not None
    assert REQUEST in closed.closed_why


def test_what_an_administrator_removed_is_not_put_back_although_a_late_write_of_ours_would_explain_it(
    store: Store,
) -> None:
    watched = watched_by(store, Profile.MEND)
    _lost_write(watched)
    watched.by_hand(present=False, who=ADA)
    for _ in range(3):
        watched.look()
        carry_out(watched.stack)
    assert kinds(watched.stack) == [("missing", GROUP)]
    assert not watched.stack.has()


def test_nothing_is_put_back_while_the_log_may_still_tell_who_removed_it(store: Store) -> None:
    watched = watched_by(store, Profile.MEND)
    watched.log.lag = HOUR
    _lost_write(watched)
    watched.by_hand(present=False, who=ADA)
    watched.look()
    carry_out(watched.stack)
    assert not watched.stack.has()
    watched.stack.clock.advance(2 * HOUR)
    watched.look()
    carry_out(watched.stack)
    assert not watched.stack.has(), "the log has told who it was"


@pytest.mark.parametrize("known", [False, True])
def test_what_our_own_write_took_is_put_back_where_the_log_agrees_or_cannot_tell(store: Store, known: bool) -> None:  # noqa: FBT001 - a table's cell
    watched = watched_by(store, Profile.MEND)
    watched.log.unreadable = None if known else "nobody may read it"
    _lost_write(watched)
    watched.stack.system.change(ADA, GROUP, present=False)
    watched.log.note(ADA, GROUP, present=False, by="provisor@example.com")
    watched.look()
    carry_out(watched.stack)
    assert watched.stack.has()


def _lost_write(watched: Watched) -> None:
    """Ada has access by a claim, and a write of ours that would take it was never answered."""
    watched.stack.grant("r1")
    watched.stack.run()
    note_late_write(watched.stack)
