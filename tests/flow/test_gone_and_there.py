"""What counts as gone and as there (B), over both simulated systems with a clock that the test moves.

The simulators' worlds know the truth. Nothing ends as gone while the truth holds the access, or can come to hold it again; and
nothing counts as there that is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Phase_
from hypothesis import strategies as st

from access.lifecycle import ClaimState, OperationState, RequestState
from access.operations import Obstacle, Purpose
from simulator.systems import act
from store.database import Database
from store.unit_of_work import Store
from tasks.decisions import Decisions
from tests.fakes.passing_faults import PASSING, SILENT, STALE
from tests.flow.simulated_world import KINDS, ROLES, Example, World
from tests.larger import larger
from tests.proof import Case, Kept, Lost, Proof, Wrongful, promise
from ticketing.ports import Phase

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
ROADS = ("expiry", "revoke")
#: What can happen to the thing or the account, with what undoes it; None is for good.
EVENTS = {
    "jumpcloud group": ("deleted", "renamed", "dynamic", "locked", "staged", "suspended", "user deleted", "stale"),
    "jira group": ("deleted", "renamed", "inactive", "closed", "stale"),
    "jira role": ("archived", "trashed", "purged", "renamed", "inactive", "hidden", "stale"),
    "account": ("locked", "staged", "renamed user", "suspended", "user deleted", "stale"),
}


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(request.param), pool_size=4)
    yield Store(database)
    database.close()


@pytest.fixture
def small(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url, pool_size=4)
    yield Store(database)
    database.close()


Fault = tuple[str, int] | None
CASES = [(kind, event) for kind in KINDS for event in EVENTS[kind]]
#: Examples cost hundreds of calls: a failing one is shown as it was drawn.
PHASES = (Phase_.explicit, Phase_.reuse, Phase_.generate)

AMOUNTS = pytest.mark.parametrize("amount", [3, pytest.param(larger(20, share=0.75), marks=pytest.mark.long)])
FEWER = pytest.mark.parametrize("amount", [3, pytest.param(larger(20, share=0.25), marks=pytest.mark.long)])
#: A fault that comes and goes while what is to be taken is taken, and how many calls meet it.
FAULTS = st.none() | st.tuples(st.sampled_from((*sorted(PASSING), SILENT)), st.integers(1, 8))


def examples(number: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(max_examples=number, deadline=None, suppress_health_check=checks, phases=PHASES)


@AMOUNTS
@pytest.mark.timeout(1800)
def test_b_nothing_ends_as_gone_while_the_truth_holds_it_or_can_hold_it_again(
    world: World, store: Store, amount: int
) -> None:
    proof = Proof("B", on=store.database.engine.dialect.name, faults=(*PASSING, SILENT))

    @examples(amount)
    @given(st.sampled_from(CASES), st.sampled_from(ROADS), st.booleans(), st.booleans(), FAULTS)
    def check(what: tuple[str, str], road: str, truly: bool, early: bool, fault: Fault) -> None:  # noqa: FBT001 - drawn
        with proof.case(what, road, truly, early, fault) as case:
            kind, event = what
            ending = Ending(Example(world, store, kind), event, road)
            try:
                ending.begin(early=early)
                if fault is not None:
                    world.faults.come(fault[0], times=fault[1])
                ending.go_on(truly=truly)
                world.faults.go()
                ending.is_not_over_while_it_is_there("held again after the end")
                if truly or (kind != "account" and event != "dynamic"):
                    ending.end(case)
                ending.is_not_over_while_it_is_there("held at the very end")
            finally:
                world.faults.go()
                case.faults.update(world.faults.fired)
                world.faults.fired.clear()

    check()


class Ending:
    """One access that is to be taken away while something happens to the thing or the account."""

    def __init__(self, one: Example, event: str, road: str) -> None:
        self.one, self.event, self.road = one, event, road
        self.is_account = one.kind == "account"
        self.request = one.submit("grant", "grant", duration="PT10M") if not self.is_account else ""
        one.stack.run()
        assert self.is_account or one.holds()

    def begin(self, *, early: bool) -> None:
        """The event, early or late, and what brings the end about."""
        if early:
            self.one.happen(self.event)
        if self.is_account:
            self.request = self.one.submit("deprovision", "deprovision_account")
        elif self.road == "revoke":
            self.request = self.one.submit("revoke", "revoke")
        else:
            self.one.stack.clock.advance(10 * MINUTE)
        if not early:
            self.one.happen(self.event)

    def is_not_over_while_it_is_there(self, when: str) -> None:
        over = self.one.is_over(self.request)
        promise(Kept, not over or not self.one.holds(), self.one.kind, self.event, self.road, when)

    def go_on(self, *, truly: bool) -> None:
        for _ in range(4):
            self.one.stack.run(5 * MINUTE)
            self.is_not_over_while_it_is_there("over while the truth holds it")
            self.one.work_on_tickets(truly=truly)
        # A suspended account is what was asked for: to activate it is another matter.
        if not self.is_account or self.one.holds():
            self.one.undo(self.event)
        self.one.stack.run(26 * HOUR)

    def end(self, case: Case) -> None:
        """Nothing is in the way any more, and people do what they are asked."""
        for _ in range(4):
            self.one.work_on_tickets(truly=True)
            self.one.stack.run(HOUR)
        # A request that names an account which is gone already has nothing to take away, and may be refused.
        nobody = self.is_account and self.event == "user deleted" and not self.one.holds()
        over = self.one.is_over(self.request)
        if not nobody:
            case.removal(done=over)
        promise(Lost, over or nobody, self.one.kind, self.event, self.road, "never taken away")


@FEWER
@pytest.mark.timeout(1800)
def test_b7_nothing_counts_as_there_before_that_is_not_there(world: World, store: Store, amount: int) -> None:
    kinds = st.sampled_from([kind for kind in KINDS if kind != "account"])
    proof = Proof("B", on=store.database.engine.dialect.name)

    @examples(amount)
    @given(kinds, st.booleans(), st.sampled_from((0, 5, 19, 21, 300)), st.integers(0, 1))
    def check(kind: str, before: bool, wait: int, stale: int) -> None:  # noqa: FBT001 - drawn by Hypothesis
        with proof.case(kind, before, wait, stale) as case:
            live(kind, wait, stale, case, before=before)

    def live(kind: str, wait: int, stale: int, case: Case, *, before: bool) -> None:
        one = Example(world, store, kind)
        one.submit("grant", "grant", duration="PT1M")
        one.stack.run()
        one.stack.run(2 * MINUTE)
        promise(Kept, not one.holds())
        one.stack.run(timedelta(seconds=wait))
        if before:
            one.change_by_hand()
        if stale:
            _show_the_opposite(one, stale)
        again = one.submit("again", "grant", duration="PT5M")
        one.stack.run(2 * MINUTE)
        promise(Lost, one.stack.request(again).state is RequestState.DONE, one.stack.request(again))
        promise(Lost, one.holds(), "done, and not there")
        claim = one.stack.claim(again)
        promise(Kept, before or not claim.pre_existing, claim)
        one.stack.run(10 * MINUTE)
        promise(Kept if one.holds() else Wrongful, one.holds() is bool(claim.pre_existing), claim)
        case.removal(done=True)
        world.faults.go()
        case.faults.update(world.faults.fired)
        world.faults.fired.clear()

    check()


def _show_the_opposite(one: Example, reads: int) -> None:
    """A replica that stands still shows the membership as it is not."""
    held = one.holds()
    one.change_by_hand("remove" if held else "add")
    one.world.faults.come(STALE, method="GET", path="memberof|/user/groups|/role/", times=reads)
    one.change_by_hand("add" if held else "remove")


def test_b2_what_cannot_be_seen_is_unresolved_after_sixty_days_and_only_a_person_ends_it(
    world: World, small: Store
) -> None:
    one = Example(world, small, "jira role")
    grant = one.submit("grant", "grant", duration="PT10M")
    one.stack.run(MINUTE)
    one.happen("hidden")
    one.stack.run(HOUR)
    one.stack.clock.advance(59 * DAY)
    one.stack.run(HOUR)
    operation = one.stack.operation(grant, purpose=Purpose.EXPIRY)
    assert (operation.state, operation.obstacle) == (OperationState.BLOCKED, Obstacle.UNSEEN)
    assert "cannot be seen" in (operation.error or "")
    one.stack.run(2 * DAY)
    operation = one.stack.operation(grant, purpose=Purpose.EXPIRY)
    assert operation.obstacle is Obstacle.UNRESOLVED
    assert operation.due_at is not None
    assert operation.due_at - one.stack.clock.now() > DAY
    one.stack.clock.advance(100 * DAY)
    one.stack.run(HOUR)
    claim = one.stack.claim(grant)
    assert claim.state is ClaimState.ENDING
    Decisions(small, one.stack.clock, by="grace").settle(claim.id, reason="the project is another team's")
    assert one.stack.claim(grant).state is ClaimState.ENDED


def test_b2_one_look_serves_all_removals_that_wait_for_the_same_project(world: World, small: Store) -> None:
    one = Example(world, small, "jira role")
    people = [str(act(world.jira, "create_user", email=f"o{n}@example.com")["account_id"]) for n in range(4)]
    for account in people:
        for role in (each.id for each in ROLES):
            ref = f"jira:project-role:{one.project}:{role}:assigned"
            one.stack.submit(
                id=f"{account}-{role}", action="grant", subject={"id": account}, entitlement=ref, duration="PT10M"
            )
    one.stack.run(MINUTE)
    one.happen("trashed")
    one.stack.run(2 * HOUR)
    world.simulators.calls.reset()
    one.stack.run(3 * HOUR + MINUTE)
    searched = sum("status=archived" in call.query for call in world.simulators.calls.latest())
    assert 2 <= searched <= 4, "one look an hour, and not one for each of eight removals"
    one.undo("trashed")
    one.stack.run(2 * HOUR)
    states = {one.stack.claim(f"{account}-{role}").state for account in people for role in (each.id for each in ROLES)}
    assert states == {ClaimState.ENDED}


@pytest.mark.parametrize(
    ("event", "over"),
    [
        pytest.param("renamed user", False, id="b3 renamed"),
        pytest.param("locked", False, id="b4 locked"),
        pytest.param("staged", False, id="b4 staged"),
        pytest.param("suspended", True, id="suspended"),
        pytest.param("user deleted", True, id="deleted"),
    ],
)
def test_b3_b4_deprovisioned_is_suspended_or_deleted_by_its_stored_id_and_nothing_else(
    world: World, small: Store, event: str, *, over: bool
) -> None:
    one = Example(world, small, "account")
    request = one.submit("deprovision", "deprovision_account")
    one.stack.run(2 * MINUTE)
    one.happen(event)
    for issue in one.stack.tickets.open_issues():
        issue.phase = Phase.DONE
    one.stack.run(10 * MINUTE)
    assert one.is_over(request) is over
    if event == "locked":
        early = Example(world, small, "account")
        early.happen("locked")
        again = early.submit("deprovision", "deprovision_account")
        early.stack.run(5 * MINUTE)
        assert not early.is_over(again)
        assert early.stack.tickets.open_issues()


def test_b2_a_role_claim_that_runs_out_in_the_trash_is_taken_when_the_project_comes_back(
    world: World, small: Store
) -> None:
    one = Example(world, small, "jira role")
    grant = one.submit("grant", "grant", duration="PT10M")
    one.stack.run(MINUTE)
    one.happen("trashed")
    one.stack.run(HOUR)
    one.stack.clock.advance(30 * DAY)
    one.stack.run(HOUR)
    assert one.stack.claim(grant).state is ClaimState.ENDING
    one.undo("trashed")
    assert one.holds()
    one.stack.run(DAY + HOUR)
    assert one.stack.claim(grant).state is ClaimState.ENDED
    assert not one.holds()


def test_b2_a_role_claim_ends_when_the_trash_has_let_go_of_its_project(world: World, small: Store) -> None:
    one = Example(world, small, "jira role")
    grant = one.submit("grant", "grant", duration="PT10M")
    one.stack.run(MINUTE)
    one.happen("trashed")
    one.stack.run(HOUR)
    one.stack.clock.advance(62 * DAY)
    one.stack.run(HOUR)
    claim = one.stack.claim(grant)
    assert claim.state is ClaimState.ENDED
    assert "live, archived and in the trash" in (claim.why_ended or "")
