"""Plans: nothing begins unasked, each line becomes one request, and the fuse holds what is too much."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from access.entitlements import EntitlementRef, System
from access.fuse import FuseLimits, Limit
from access.lifecycle import LineState, PlanState, RequestState
from access.plans import Line, Plan, PlanKind
from access.provisioning import Provisioning
from access.reactions import Reaction
from store.database import Database
from store.unit_of_work import Store
from tasks.decisions import NotPossible
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, LocalStack
from tests.together import together

DAY = timedelta(days=1)
LIMITS = FuseLimits(
    grants=Limit(3, DAY, 0.05, 10), persons=Limit(2, DAY, 0.01), revokes=Limit(4, timedelta(minutes=10))
)


def line(group: str = GROUP, *, who: str = ADA, reaction: Reaction = Reaction.TAKE, weight: int = 0) -> Line:
    return Line(
        reaction=reaction,
        system=System.JUMPCLOUD,
        account_id=who,
        account_title=who,
        entitlement=EntitlementRef.parse(group),
        title=group,
        reason="nobody asked for it",
        weight=weight,
    )


def groups(count: int, name: str = "g") -> list[str]:
    return [f"jumpcloud:group:{name}{number}:member" for number in range(count)]


def held(stack: LocalStack, names: list[str]) -> list[str]:
    """Those of the groups that Ada still has."""
    return [name for name in names if stack.has(name)]


def give_by_hand(stack: LocalStack, names: list[str]) -> None:
    for name in names:
        stack.system.change(ADA, name, present=True)


def run(stack: LocalStack) -> None:
    stack.plans.run_due()
    stack.run()
    stack.plans.run_due()


def plan_of(stack: LocalStack, plan: Plan) -> Plan:
    with stack.store.read() as work:
        found = work.plans.get(plan.id)
    assert found is not None
    return found


def alarms(stack: LocalStack) -> list[tuple[str, str]]:
    with stack.store.read() as work:
        return [(each.entity, each.ref) for each in work.alarms.lasting()]


@pytest.fixture
def tight(store: Store) -> LocalStack:
    return LocalStack.over(store, fuse=LIMITS)


def test_nothing_of_a_plan_begins_until_somebody_approves_it_with_a_reason(stack: LocalStack) -> None:
    give_by_hand(stack, [GROUP])
    plan = stack.plans.make(PlanKind.BULK, "one thing", [line()])
    run(stack)
    assert (plan.id, stack.has()) == ("PL-1", True)
    stack.plans.approve(plan.id, by="grace", why="nobody knows it")
    run(stack)
    request = stack.request("PL-1.1")
    assert not stack.has()
    assert (request.state, request.source, request.message.approved_by) == (RequestState.DONE, "plan", "grace")
    found = plan_of(stack, plan)
    assert (found.state, found.approved_by, found.approved_why) == (PlanState.DONE, "grace", "nobody knows it")


def test_an_automatic_plan_begins_by_itself_and_only_once(stack: LocalStack) -> None:
    give_by_hand(stack, [GROUP])
    plan = stack.plans.make(PlanKind.LEAVER, "left", [line()], automatic=True)
    assert [stack.plans.run(plan.id), stack.plans.run(plan.id)] == [1, 0]
    run(stack)
    assert plan_of(stack, plan).state is PlanState.DONE


@pytest.mark.parametrize("mode", [Provisioning.OFF, Provisioning.PLAN])
def test_no_plan_runs_while_nothing_is_to_be_changed(store: Store, mode: Provisioning) -> None:
    quiet = LocalStack.over(store, mode=mode)
    plan = quiet.plans.make(PlanKind.BULK, "all", [line()], automatic=True)
    assert quiet.plans.run(plan.id) == 0


def test_who_made_a_plan_may_approve_it_only_with_the_setting_and_that_is_recorded(store: Store) -> None:
    strict = LocalStack.over(store)
    plan = strict.plans.make(PlanKind.BULK, "ends", [line()], maker="grace")
    with pytest.raises(NotPossible, match="grace made this plan"):
        strict.plans.approve(plan.id, by="grace", why="mine")
    assert plan_of(strict, plan).state is PlanState.OPEN
    lax = LocalStack.over(store, like=strict, self_approval=True)
    assert lax.plans.approve(plan.id, by="grace", why="mine").self_approved
    other = strict.plans.make(PlanKind.BULK, "ends", [line()], maker="grace")
    assert not strict.plans.approve(other.id, by="linus", why="seen").self_approved


def test_lines_run_by_policy_and_guard_like_any_request(stack: LocalStack) -> None:
    give_by_hand(stack, [GROUP, BY_HAND])
    stack.system.by_person[GROUP] = "it is protected"
    plan = stack.plans.make(PlanKind.BULK, "two", [line(), line(BY_HAND)], automatic=True)
    run(stack)
    assert [stack.operation(f"PL-1.{number}").via for number in (1, 2)] == ["ticket", "ticket"]
    assert plan_of(stack, plan).state is PlanState.OPEN


def test_a_line_for_a_person_becomes_a_ticket(stack: LocalStack) -> None:
    give_by_hand(stack, [GROUP])
    stack.plans.make(PlanKind.BULK, "returned", [line(reaction=Reaction.TICKET)], automatic=True)
    run(stack)
    operation = stack.operation("PL-1.1")
    assert (operation.via, stack.has()) == ("ticket", True)
    assert "the plan leaves it to a person" in operation.why


def test_what_was_taken_can_be_given_back_until_it_would_have_ended(stack: LocalStack) -> None:
    ends = stack.clock.now() + timedelta(hours=1)
    give = replace(line(reaction=Reaction.GIVE), ends_at=ends)
    over = replace(line(groups(1)[0], reaction=Reaction.GIVE), ends_at=stack.clock.now())
    plan = stack.plans.make(PlanKind.RESTORE, "back", [give, over], automatic=True)
    run(stack)
    assert stack.has()
    assert stack.claim("PL-1.1").ends_at == ends
    with stack.store.read() as work:
        assert work.plans.counts(plan.id) == {"done": 1, "dropped": 1}


def test_a_plan_runs_up_to_the_limit_what_gives_most_first_and_the_rest_waits_with_an_alarm(tight: LocalStack) -> None:
    names = groups(8)
    give_by_hand(tight, names)
    lines = [line(name, weight=number) for number, name in enumerate(names)]
    plan = tight.plans.make(PlanKind.BULK, "many", lines, automatic=True)
    run(tight)
    assert held(tight, names) == names[:5]
    found = plan_of(tight, plan)
    assert (found.state, alarms(tight)) == (PlanState.HELD, [("plan", "PL-1")])
    assert found.held_why == "at most 3 removals in jumpcloud may begin in 24 hours"


def test_a_held_plan_leaves_everything_else_alone(tight: LocalStack) -> None:
    tight.grant("r1", seconds=60)
    tight.grant("r2", group=BY_HAND)
    tight.run()
    names = groups(8)
    give_by_hand(tight, names)
    tight.plans.make(PlanKind.BULK, "many", [line(name) for name in names], automatic=True)
    run(tight)
    tight.run(timedelta(seconds=61))
    assert not tight.has(), "a foreseen end is kept"
    tight.revoke("r3", group=names[7])
    tight.run()
    assert not tight.has(names[7])


def test_a_held_plan_goes_on_as_the_window_moves(tight: LocalStack) -> None:
    names = groups(7)
    give_by_hand(tight, names)
    plan = tight.plans.make(PlanKind.BULK, "many", [line(name) for name in names], automatic=True)
    left = []
    for _ in range(4):
        run(tight)
        left.append(len(held(tight, names)))
        tight.clock.advance(DAY)
    assert (left, plan_of(tight, plan).state) == ([4, 1, 0, 0], PlanState.DONE)
    assert alarms(tight) == []


def test_a_person_may_let_the_rest_run_or_drop_it(tight: LocalStack) -> None:
    names, others = groups(7), groups(7, "h")
    give_by_hand(tight, [*names, *others])
    first = tight.plans.make(PlanKind.BULK, "many", [line(name) for name in names], automatic=True)
    second = tight.plans.make(PlanKind.BULK, "more", [line(name) for name in others], automatic=True)
    run(tight)
    assert (len(held(tight, names)), len(held(tight, others))) == (4, 7)
    assert tight.plans.approve(first.id, by="grace", why="looked at each").beyond_fuse
    assert tight.plans.drop(second.id, by="grace", why="a mistake") == 7
    run(tight)
    assert (held(tight, names), len(held(tight, others)), alarms(tight)) == ([], 7, [])
    with pytest.raises(NotPossible, match="done already"):
        tight.plans.approve(first.id, by="grace", why="again")


def test_an_approval_before_the_hold_is_no_leave_to_pass_the_fuse(tight: LocalStack) -> None:
    names = groups(7)
    give_by_hand(tight, names)
    plan = tight.plans.make(PlanKind.BULK, "many", [line(name) for name in names])
    assert not tight.plans.approve(plan.id, by="grace", why="fine").beyond_fuse
    run(tight)
    assert len(held(tight, names)) == 4


def test_a_leaver_counts_as_one_person_whatever_they_hold(tight: LocalStack) -> None:
    names = groups(12)
    give_by_hand(tight, names)
    for number in range(4):
        some = names[number * 3 : number * 3 + 3]
        lines = [line(name) for name in some]
        tight.plans.make(PlanKind.LEAVER, f"person {number}", lines, automatic=True, person=f"p{number}")
    run(tight)
    assert held(tight, names) == names[6:]
    assert alarms(tight) == [("plan", "PL-3"), ("plan", "PL-4")]


def test_nothing_begins_while_a_restore_is_under_way(stack: LocalStack) -> None:
    plan = stack.plans.make(PlanKind.BULK, "all", [line()], automatic=True)
    with stack.store.write() as work:
        work.restores.begin(now=stack.clock.now())
    assert stack.plans.run(plan.id) == 0


def test_a_request_of_somebody_else_under_the_id_of_a_line_stops_that_line_alone(stack: LocalStack) -> None:
    plan = stack.plans.make(PlanKind.BULK, "all", [line(), line(groups(1)[0])], automatic=True)
    stack.submit(id="PL-1.1", action="grant", subject={"id": ADA}, entitlement=GROUP)
    run(stack)
    with stack.store.read() as work:
        assert [each.state for each in work.plans.lines(plan.id)] == [LineState.DROPPED, LineState.DONE]


class TestManyWorkers:
    @pytest.fixture(params=["sqlite", "postgresql"])
    def store(self, request: pytest.FixtureRequest) -> Iterator[Store]:
        database = Database(request.getfixturevalue(f"{request.param}_url"), pool_size=8)
        yield Store(database)
        database.close()

    def test_the_limit_is_one_for_all_workers_and_no_line_begins_twice(self, store: Store) -> None:
        stacks = [LocalStack.over(store, fuse=LIMITS) for _ in range(4)]
        for number in range(3):
            lines = [line(name) for name in groups(4, f"g{number}-")]
            stacks[0].plans.make(PlanKind.BULK, str(number), lines, automatic=True)
        together(partial(stack.plans.run, f"PL-{number % 3 + 1}") for number, stack in enumerate(stacks))
        with store.read() as work:
            begun = [each for number in (1, 2, 3) for each in work.plans.lines(f"PL-{number}") if each.request_id]
            assert len(begun) == len({each.request_id for each in begun}) == 3
            assert len(work.requests.recent()) == 3

    def test_plans_made_at_one_moment_have_numbers_of_their_own(self, store: Store) -> None:
        stack = LocalStack.over(store)
        made = together([partial(stack.plans.make, PlanKind.BULK, "all", [line()])] * 4)
        assert sorted(plan.id for plan in made) == ["PL-1", "PL-2", "PL-3", "PL-4"]

    def test_the_revokes_of_a_producer_are_counted_one_after_the_other(self, store: Store) -> None:
        stack = LocalStack.over(store, fuse=LIMITS)
        names = groups(8)
        give_by_hand(stack, names)
        for number, name in enumerate(names):
            stack.revoke(f"r{number}", group=name)
        stacks = [LocalStack.over(store, fuse=LIMITS, like=stack) for _ in range(4)]
        together(
            partial(lambda each, share: each.handle(share), each, stack.publisher.wake_ups[number::4])
            for number, each in enumerate(stacks)
        )
        assert len(held(stack, names)) == 4
