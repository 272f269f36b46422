"""What is said of a closed ticket follows from proofs: the present state, and a log that reaches back far enough."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.entitlements import ResourceKind
from access.methods import Direction
from access.truth import Access, Change, Judgement, Log, Now, Reason, Statement, Verdict
from access.truth_verdicts import Names, instead, judge, needs_log

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
GROUP, ACCOUNT = ResourceKind.GROUP, ResourceKind.ACCOUNT
ACCESS = Access("ada", GROUP, "engineering")
NAMES = Names("Ada", "Engineering", "JumpCloud")
GIVE, TAKE = Direction.GIVE, Direction.TAKE


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def ticket(action: Direction = GIVE, *, closed: float = 20, end: float | None = None, key: str = "A-1") -> Statement:
    until = None if end is None else ago(end)
    begin = None if until is None else until - timedelta(days=1)
    return Statement(key, action, ACCESS, ago(closed), created=ago(closed + 1), end=until, end_from=begin)


def log(*changes: Change, reaches: float | None = 60, gaps: dict[ResourceKind, str] | None = None) -> Log:
    known = {} if reaches is None else {GROUP: ago(reaches), ACCOUNT: ago(reaches)}
    return Log(changes, reaches={kind: at for kind, at in known.items() if kind not in (gaps or {})}, gaps=gaps)


def joined(days: float, *, who: str = "ada", what: str = "engineering") -> Change:
    return Change(ago(days), GROUP, what, who, present=True, by="grace")


def left(days: float, *, who: str = "ada", what: str = "engineering") -> Change:
    return Change(ago(days), GROUP, what, who, present=False, by="grace")


def shut(days: float, *, usable: bool = False) -> Change:
    return Change(ago(days), ACCOUNT, "", "ada", present=usable, by="grace")


THERE, AWAY = Now(NOW, direct=True), Now(NOW, direct=False)
SUSPENDED = Now(NOW, direct=True, usable=False)

TABLE: list[tuple[str, Statement, Now, Log, Verdict, Reason]] = [
    ("given, and there", ticket(), THERE, Log(), Verdict.TRUE, Reason.AS_SAID),
    ("taken, and away", ticket(TAKE), AWAY, Log(), Verdict.TRUE, Reason.AS_SAID),
    ("taken from a suspended account that still has it", ticket(TAKE), SUSPENDED, log(), Verdict.NOT_TRUE, Reason.NEVER_DONE),
    ("never given", ticket(), AWAY, log(), Verdict.NOT_TRUE, Reason.NEVER_DONE),
    ("never taken", ticket(TAKE), THERE, log(), Verdict.NOT_TRUE, Reason.NEVER_DONE),
    ("taken away before it was closed", ticket(), AWAY, log(left(25)), Verdict.NOT_TRUE, Reason.UNDONE_BEFORE),
    ("suspended before it was closed", ticket(), SUSPENDED, log(shut(30)), Verdict.NOT_TRUE, Reason.ACCOUNT_SUSPENDED),
    ("suspended since before the log", ticket(), SUSPENDED, log(), Verdict.NOT_TRUE, Reason.ACCOUNT_SUSPENDED),
    ("suspended since", ticket(), SUSPENDED, log(shut(5)), Verdict.NO_LONGER, Reason.SUSPENDED_SINCE),
    ("undone since", ticket(), AWAY, log(left(5)), Verdict.NO_LONGER, Reason.CHANGED_SINCE),
    ("undone since, in a log that begins there", ticket(), AWAY, log(left(5), reaches=6), Verdict.NO_LONGER,
     Reason.CHANGED_SINCE),
    ("given again since", ticket(TAKE), THERE, log(joined(5)), Verdict.NO_LONGER, Reason.CHANGED_SINCE),
    ("ended when it was to", ticket(end=4), AWAY, log(left(4)), Verdict.ENDED, Reason.AGREED_END),
    ("ended on the day", ticket(end=4), AWAY, log(left(4.9)), Verdict.ENDED, Reason.AGREED_END),
    ("ended late", ticket(end=10), AWAY, log(left(4)), Verdict.ENDED, Reason.AGREED_END),
    ("ended before it was to", ticket(end=2), AWAY, log(left(9)), Verdict.NO_LONGER, Reason.CHANGED_SINCE),
    ("to end, and never given", ticket(end=4), AWAY, log(), Verdict.NOT_TRUE, Reason.NEVER_DONE),
    ("to end, and still there", ticket(end=4), THERE, Log(), Verdict.NOT_TRUE, Reason.OUTLIVED),
    ("to end, and not yet", ticket(end=-4), THERE, Log(), Verdict.TRUE, Reason.AS_SAID),
    ("the log begins after it was closed", ticket(), AWAY, log(reaches=10), Verdict.UNSAID, Reason.BEFORE_THE_LOG),
    ("no log of groups", ticket(), AWAY, log(gaps={GROUP: "no right"}), Verdict.UNSAID, Reason.LOG_UNREADABLE),
    ("a log that shows no change of groups at all", ticket(), AWAY, log(reaches=None), Verdict.UNSAID,
     Reason.LOG_UNREADABLE),
    ("suspended, and no log of accounts", ticket(), SUSPENDED, log(gaps={ACCOUNT: "no key"}), Verdict.UNSAID,
     Reason.LOG_UNREADABLE),
    ("members follow a rule", ticket(), replace(AWAY, unlogged="a rule"), log(), Verdict.UNSAID, Reason.LOG_UNREADABLE),
    ("closed minutes ago", ticket(closed=0.005), AWAY, log(), Verdict.UNSAID, Reason.TOO_FRESH),
    ("changed when it was closed", ticket(), AWAY, log(left(20.001)), Verdict.UNSAID, Reason.TOO_CLOSE),
    ("changed while it was read", ticket(), AWAY, log(left(0)), Verdict.UNSAID, Reason.TOO_FRESH),
    ("the log says it is there", ticket(), AWAY, log(joined(5)), Verdict.UNSAID, Reason.LOG_CONTRADICTS),
    ("an entry is missing", ticket(), AWAY, log(left(5), left(8)), Verdict.UNSAID,
     Reason.LOG_CONTRADICTS),
]  # fmt: skip


@pytest.mark.parametrize(
    ("statement", "now", "told", "verdict", "reason"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_each_case_has_its_verdict(statement: Statement, now: Now, told: Log, verdict: Verdict, reason: Reason) -> None:
    judged = judge(statement, now, told, names=NAMES)
    assert (judged.verdict, judged.reason) == (verdict, reason), judged.because
    assert "Ada" in judged.because
    assert judged.because.endswith(".")


def test_it_says_since_when_and_by_whom() -> None:
    judged = judge(ticket(), AWAY, log(left(5)), names=NAMES)
    assert (judged.since, judged.by, judged.as_said) == (ago(5), "grace", False)
    assert judged.because == "Ada lost Engineering at 2026-11-25 12:00 UTC, by grace."


def test_an_end_that_the_log_does_not_reach_is_no_proof_that_it_ever_was() -> None:
    judged = judge(ticket(closed=100, end=50), AWAY, log(), names=NAMES)
    assert (judged.verdict, judged.reason, judged.as_said) == (Verdict.UNSAID, Reason.BEFORE_THE_LOG, True)


@pytest.mark.parametrize(
    ("changed", "verdict"), [(19.5, Verdict.NO_LONGER), (20.5, Verdict.UNSAID), (21.5, Verdict.NOT_TRUE)]
)
def test_where_only_the_day_of_closing_is_known_that_day_proves_nothing(changed: float, verdict: Verdict) -> None:
    on_a_day = replace(ticket(closed=20), closed_from=ago(21))
    assert judge(on_a_day, AWAY, log(left(changed))).verdict is verdict


def test_what_another_ticket_asked_for_is_agreed() -> None:
    taken = ticket(TAKE, closed=4, key="A-2")
    judged = judge(ticket(), AWAY, log(left(4.1)), others=[taken], names=NAMES)
    assert (judged.verdict, judged.reason) == (Verdict.ENDED, Reason.OTHER_TICKET)
    assert "A-2 asked for that" in judged.because
    again = judge(ticket(TAKE), THERE, log(joined(4.1)), others=[ticket(closed=4, key="A-3")], names=NAMES)
    assert (again.verdict, again.reason) == (Verdict.ENDED, Reason.OTHER_TICKET)


def test_another_ticket_does_not_explain_what_happened_before_it() -> None:
    taken = ticket(TAKE, closed=4, key="A-2")
    assert judge(ticket(), AWAY, log(left(9)), others=[taken]).verdict is Verdict.NO_LONGER


def test_access_that_another_ticket_gave_for_longer_outlives_nothing() -> None:
    longer = ticket(closed=10, end=-30, key="A-2")
    judged = judge(ticket(end=4), THERE, Log(), others=[longer], names=NAMES)
    assert (judged.verdict, judged.reason) == (Verdict.TRUE, Reason.OTHER_TICKET)


def test_a_hold_through_a_group_is_a_hold() -> None:
    through = Now(NOW, direct=False, ways={"leads": True})
    assert judge(ticket(), through, Log()).verdict is Verdict.TRUE
    assert judge(ticket(TAKE), through, log()).verdict is Verdict.NOT_TRUE


def test_a_hold_that_ended_through_a_group_is_found_in_the_groups_history() -> None:
    away = Now(NOW, direct=False, ways={"leads": False})
    judged = judge(ticket(), away, log(left(5, what="leads")))
    assert (judged.verdict, judged.since) == (Verdict.NO_LONGER, ago(5))


def test_nothing_is_concluded_where_other_groups_gave_it() -> None:
    group = Change(ago(5), GROUP, "engineering", "leads", present=False, of_group=True)
    assert judge(ticket(), AWAY, log(group)).verdict is Verdict.UNSAID


def test_what_was_done_instead_is_found_when_only_one_entry_fits() -> None:
    statement = ticket()
    other = joined(20.01, who="bob")
    assert instead(statement, log(other), frozenset()) == other
    assert instead(statement, log(other, joined(20.02, who="eve")), frozenset()) is None
    assert instead(statement, log(other), frozenset({Access("bob", GROUP, "engineering")})) is None
    assert instead(statement, log(joined(30, who="bob")), frozenset()) is None
    elsewhere = joined(20.01, what="finance")
    assert instead(statement, log(elsewhere), frozenset()) == elsewhere


def test_a_resource_that_has_its_name_only_since_proves_no_lie() -> None:
    renamed = Log(reaches={GROUP: ago(60)}, named={(GROUP, "engineering"): ago(10)})
    judged = judge(ticket(), AWAY, renamed, names=NAMES)
    assert (judged.verdict, judged.reason) == (Verdict.UNSAID, Reason.RESOURCE_RENAMED)
    before = Log(reaches={GROUP: ago(60)}, named={(GROUP, "engineering"): ago(30)})
    assert judge(ticket(), AWAY, before).verdict is Verdict.NOT_TRUE
    assert judge(ticket(), THERE, renamed).verdict is Verdict.TRUE


# A model that knows the truth: what each hold was at every moment, whatever the log tells of it.


@dataclass(frozen=True)
class Truth:
    """Hours before now at which a hold changed, newest first, and what it is now."""

    now: bool
    hours: Sequence[int]

    def at(self, hours: float) -> bool:
        """What it was so many hours ago."""
        return self.now is (sum(1 for each in self.hours if each < hours) % 2 == 0)

    def changes(self, kind: ResourceKind, resource: str) -> list[Change]:
        states = [self.now is (place % 2 == 0) for place in range(len(self.hours))]
        return [
            Change(NOW - timedelta(hours=hours), kind, resource, "ada", present=state, by="grace")
            for hours, state in zip(self.hours, states, strict=True)
        ]


truths = st.builds(
    Truth, st.booleans(), st.lists(st.integers(1, 400), max_size=4, unique=True).map(lambda found: tuple(sorted(found)))
)


@dataclass(frozen=True)
class Case:
    statement: Statement
    now: Now
    log: Log
    direct: Truth
    way: Truth
    usable: Truth
    closed: int

    def as_said(self, hours: float, *, believing: bool = False) -> bool:
        """Whether it was as the ticket says. ``believing``: an account that can be used now could be, where no log tells."""
        present = self.direct.at(hours) or self.way.at(hours)
        if self.statement.action is TAKE:
            return not present
        believed = believing and self.usable.now and self.log.gap(ACCOUNT, NOW - timedelta(hours=hours)) is not None
        return present and (believed or self.usable.at(hours))

    @property
    def judged(self) -> Judgement:
        return judge(self.statement, self.now, self.log, names=NAMES)


@st.composite
def cases(draw: st.DrawFn, *, whole_log: bool = False) -> Case:
    direct, way, usable = draw(truths), draw(truths), draw(truths)
    closed = draw(st.integers(1, 380))
    end = draw(st.none() | st.integers(-50, closed))
    reach = 10_000 if whole_log else draw(st.integers(1, 500))
    until = None if end is None else NOW - timedelta(hours=end, minutes=30)
    statement = Statement(
        "A-1", draw(st.sampled_from(list(Direction))), ACCESS,
        closed=NOW - timedelta(hours=closed, minutes=30), end=until, end_from=until,
    )  # fmt: skip
    every = [
        *direct.changes(GROUP, "engineering"), *way.changes(GROUP, "leads"), *usable.changes(ACCOUNT, ""),
    ]  # fmt: skip
    begin = NOW - timedelta(hours=reach, minutes=10)
    kinds = {GROUP, ACCOUNT} if whole_log else draw(st.sets(st.sampled_from([GROUP, ACCOUNT])))
    kept = [each for each in every if each.at >= begin and each.kind in kinds]
    told = Log(kept, reaches=dict.fromkeys(kinds, begin))
    now = Now(NOW, direct=direct.now, ways={"leads": way.now}, usable=usable.now)
    return Case(statement, now, told, direct, way, usable, closed)


def prove(case: Case) -> None:
    """Fail unless what is said of a case is so in truth."""
    judged = case.judged
    match judged.verdict:
        case Verdict.TRUE:
            assert case.as_said(0)
        case Verdict.NOT_TRUE if judged.reason is Reason.OUTLIVED:
            assert case.as_said(0)
            assert case.statement.end is not None
            assert case.statement.end < NOW
        case Verdict.NOT_TRUE:
            assert not any(case.as_said(hours + 0.5) for hours in range(case.closed + 1)), (
                "it was so at some time since"
            )
        case Verdict.NO_LONGER | Verdict.ENDED:
            assert judged.since is not None
            hours = (NOW - judged.since) / timedelta(hours=1)
            assert hours <= case.closed
            assert case.as_said(hours + 0.5, believing=True), "it was not so before it ceased"
            assert not any(case.as_said(each + 0.5) for each in range(int(hours))), "it was so again"
            assert judged.by == "grace"
            if judged.reason is Reason.AGREED_END:
                assert case.statement.end_from is not None
                assert judged.since >= case.statement.end_from - timedelta(minutes=5)
        case Verdict.UNSAID:
            assert not case.as_said(0)


@settings(max_examples=400)
@given(cases())
def test_nothing_is_said_that_is_not_proven(case: Case) -> None:
    prove(case)


@settings(max_examples=150)
@given(cases(whole_log=True))
def test_with_the_whole_log_everything_is_said(case: Case) -> None:
    assert case.judged.verdict is not Verdict.UNSAID, case.judged.because
    prove(case)


@settings(max_examples=100)
@given(cases())
def test_the_log_is_needed_only_where_it_is_not_so_now(case: Case) -> None:
    assert needs_log(case.statement, case.now) is not case.as_said(0)
    if not needs_log(case.statement, case.now):
        assert case.judged == judge(case.statement, case.now, Log(), names=NAMES)


@pytest.mark.long
@settings(max_examples=5000)
@given(cases())
def test_nothing_is_said_that_is_not_proven_of_thousands(case: Case) -> None:
    prove(case)
