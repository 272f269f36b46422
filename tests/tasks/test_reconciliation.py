"""Reconciliation: what differs is found once, and only what policy lets be repaired is changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from access.entitlements import EntitlementRef, ResourceKind, System
from access.findings import FindingKind, Profile, ProfileRule
from access.lifecycle import ClaimState, OperationState, PlanState, RequestState
from access.methods import Direction
from access.policy import Rule
from access.snapshots import RunState
from connectors.reading import AccountKind
from store.database import Database
from store.unit_of_work import Store
from tasks.decisions import NotPossible
from tasks.exceptions import Exceptions
from tasks.reconciliation import Reconciliation
from tests.fakes.faults import Fault
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, LocalStack
from tests.fakes.reconciled_stack import carry_out, findings, kinds, note_late_write, reconcile, take_snapshot
from tests.store.records import add_request, operation
from tests.store.snapshot_rows import TAKEN, SnapshotRows, account, jumpcloud, store_snapshot
from tests.store.snapshot_rows import jira as jira_of
from ticketing.ports import Phase

OTHER = "jumpcloud:group:other:member"
NAMES = (GROUP, OTHER, BY_HAND)
DAY = timedelta(days=1)
BOB = "u2"


def stack_of(store: Store, profile: Profile, *, auto: bool = False, ticket: bool = False) -> LocalStack:
    return LocalStack.over(store, profiles=[ProfileRule("jumpcloud:*", profile, auto, ticket)])


@pytest.fixture
def watched(store: Store) -> LocalStack:
    return stack_of(store, Profile.WATCH)


@pytest.fixture
def mended(store: Store) -> LocalStack:
    return stack_of(store, Profile.MEND)


@pytest.fixture
def strict(store: Store) -> LocalStack:
    return stack_of(store, Profile.STRICT)


def by_hand(stack: LocalStack, *, present: bool, who: str = BOB, group: str = GROUP) -> None:
    stack.clock.advance(timedelta(seconds=1))
    stack.system.change(who, group, present=present)


def changes(store: Store) -> int:
    """How many rows of the audit there are: each change has one."""
    with store.database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM audit WHERE entity <> 'sync_run'")).scalar_one())


class TestFindings:
    """On both databases, since the statements are what finds."""

    @pytest.fixture(params=["sqlite", "postgresql"])
    def store(self, request: pytest.FixtureRequest) -> Iterator[Store]:
        database = Database(request.getfixturevalue(f"{request.param}_url"), pool_size=4)
        yield Store(database)
        database.close()

    def test_what_was_there_at_the_first_snapshot_is_no_finding(self, watched: LocalStack) -> None:
        by_hand(watched, present=True)
        outcome = reconcile(watched, NAMES)
        assert (outcome.baselines, kinds(watched)) == (3, [])

    def test_a_resource_that_comes_later_has_a_baseline_of_its_own(self, watched: LocalStack) -> None:
        reconcile(watched, [GROUP])
        by_hand(watched, present=True, group=OTHER)
        assert (reconcile(watched, [GROUP, OTHER]).baselines, kinds(watched)) == (1, [])

    def test_access_that_nothing_explains_is_unexpected(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        by_hand(watched, present=True)
        reconcile(watched, NAMES)
        [found] = findings(watched)
        assert (found.kind, found.account_id, found.done_by) == (FindingKind.UNEXPECTED, BOB, None)

    def test_who_was_there_before_and_left_was_not_there_before(self, watched: LocalStack) -> None:
        by_hand(watched, present=True)
        reconcile(watched, NAMES)
        by_hand(watched, present=False)
        reconcile(watched, NAMES)
        watched.clock.advance(timedelta(days=7))
        reconcile(watched, NAMES)
        by_hand(watched, present=True)
        reconcile(watched, NAMES)
        assert kinds(watched) == [("unexpected", GROUP)]

    def test_what_claims_explain_is_no_finding(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        watched.grant("r1", seconds=3600)
        watched.grant("r2", group=BY_HAND)
        watched.run()
        reconcile(watched, NAMES)
        assert kinds(watched) == []

    def test_what_was_taken_away_and_comes_back_has_returned(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        watched.grant("r1", seconds=60)
        watched.run(timedelta(seconds=120))
        assert not watched.has()
        reconcile(watched, NAMES)
        by_hand(watched, present=True, who=ADA)
        reconcile(watched, NAMES)
        assert kinds(watched) == [("returned", GROUP)]

    def test_a_claim_whose_access_is_not_there_is_missing(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        watched.grant("r1")
        watched.run()
        by_hand(watched, present=False, who=ADA)
        reconcile(watched, NAMES)
        [found] = findings(watched)
        assert (found.kind, found.request_id, found.ours) == (FindingKind.MISSING, "r1", False)

    def test_a_claim_on_a_thing_or_an_account_that_is_gone_dangles(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        watched.grant("r1")
        watched.grant("r2", group=OTHER, subject={"id": BOB})
        watched.run()
        del watched.system.accounts[BOB]
        reconcile(watched, [OTHER, BY_HAND])
        assert kinds(watched) == [("dangling", GROUP), ("dangling", OTHER)]

    def test_a_ticket_that_was_closed_as_done_and_is_not_is_unverified(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        watched.grant("r1", group=BY_HAND)
        watched.run()
        watched.tickets.open_issues()[0].phase = Phase.DONE
        watched.clock.advance(timedelta(seconds=10))
        watched.handle(watched.sweep())
        reconcile(watched, NAMES)
        assert kinds(watched) == [("unverified", BY_HAND)]

    def test_accounts_that_show_one_address_are_disputed(self, watched: LocalStack) -> None:
        watched.system.accounts["u3"] = "Bob@Example.com"
        reconcile(watched, NAMES)
        [found] = findings(watched)
        assert (found.kind, found.detail) == (FindingKind.DISPUTED, "The accounts u2, u3 show one address.")

    def test_a_deprovisioned_account_that_holds_something_has_it_left_over(self, store: Store) -> None:
        mended = stack_of(store, Profile.MEND)
        by_hand(mended, present=True)
        reconcile(mended, NAMES)
        _note_deprovisioned(mended)
        reconcile(mended, NAMES)
        assert kinds(mended) == [("leftover", GROUP)], "though it was there before"
        carry_out(mended)
        assert not mended.system.has(BOB, GROUP)

    def test_a_jira_account_is_an_orphan_when_its_person_is_suspended_in_jumpcloud(self, watched: LocalStack) -> None:
        jira = [account("j-bob", "BOB@acme.example", kind=AccountKind.ATLASSIAN), *jira_of().rows]
        store_snapshot(watched.store, jumpcloud(), SnapshotRows(System.JIRA, jira))
        watched.reconciliation.reconcile(System.JIRA)
        [found] = findings(watched)
        assert (found.kind, found.account_id) == (FindingKind.ORPHAN, "j-bob")
        assert found.detail == "Bob is suspended in JumpCloud, and this account is active."

    def test_what_a_group_was_given_is_found_and_only_reported(self, store: Store) -> None:
        strict = stack_of(store, Profile.STRICT, auto=True)
        before = jumpcloud()
        before.grants[ResourceKind.APPLICATION, "aws"] = []
        store_snapshot(store, before)
        strict.reconciliation.reconcile(System.JUMPCLOUD)
        store_snapshot(store, jumpcloud(), at=TAKEN + DAY)
        strict.reconciliation.reconcile(System.JUMPCLOUD)
        given = {(each.account_id, each.holder_is_group) for each in findings(strict)}
        assert given == {("eng", True), ("bob", False)}
        with store.read() as work:
            assert [each.account_id for each in work.plans.lines("PL-1")] == ["bob"]

    def test_a_snapshot_that_began_before_our_last_write_says_nothing_about_it(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        began = watched.clock.now()
        watched.grant("r1", seconds=60)
        watched.run()
        watched.grant("r2", group=OTHER)
        watched.run()
        take_snapshot(watched, NAMES, distorted=lambda _: [], at=began)
        watched.reconciliation.reconcile(System.JUMPCLOUD)
        assert kinds(watched) == []

    def test_what_an_operation_is_about_to_change_is_no_finding(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        watched.grant("r1", seconds=60)
        watched.run()
        watched.system.faults.lasting = Fault.LOCKED_OUT
        watched.clock.advance(timedelta(seconds=61))
        watched.run()
        assert watched.claim("r1").state is ClaimState.ENDING
        reconcile(watched, NAMES)
        assert kinds(watched) == []


class TestOverRuns:
    def test_one_difference_is_one_finding_however_often_it_is_seen(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        by_hand(watched, present=True)
        reconcile(watched, NAMES)
        [first] = findings(watched)
        reconcile(watched, NAMES)
        [again] = findings(watched)
        assert again.id == first.id
        assert first.last_seen_at is not None
        assert again.last_seen_at is not None
        assert again.last_seen_at > first.last_seen_at

    def test_a_finding_closes_when_the_difference_is_gone(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        by_hand(watched, present=True)
        reconcile(watched, NAMES)
        by_hand(watched, present=False)
        assert reconcile(watched, NAMES).closed == 1
        with watched.store.read() as work:
            [found] = work.findings.listed(over=True)
        assert found.closed_why == "The snapshot shows it no more."

    def test_twice_with_nothing_changed_does_nothing(self, strict: LocalStack) -> None:
        reconcile(strict, NAMES)
        by_hand(strict, present=True)
        reconcile(strict, NAMES)
        before = changes(strict.store)
        outcome = reconcile(strict, NAMES)
        assert (outcome.found, outcome.closed, outcome.plans) == (0, 0, [])
        assert strict.reconciliation.reconcile(System.JUMPCLOUD).why_not == "It was compared before."
        assert changes(strict.store) == before

    def test_only_so_many_are_taken_up_at_once_and_the_rest_by_the_next_look(self, store: Store) -> None:
        stack = stack_of(store, Profile.WATCH)
        names = [f"jumpcloud:group:g{number}:member" for number in range(7)]
        reconcile(stack, names)
        for name in names:
            by_hand(stack, present=True, group=name)
        take_snapshot(stack, names)
        few = Reconciliation(store, stack.clock, stack.services.policy, most_new=3)
        outcomes = [few.reconcile(System.JUMPCLOUD) for _ in range(4)]
        assert [(each.found, each.cut) for each in outcomes] == [(3, True), (3, True), (1, False), (0, False)]

    def test_when_policy_manages_something_no_more_its_findings_close(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        by_hand(watched, present=True)
        reconcile(watched, NAMES)
        narrow = LocalStack.over(watched.store, like=watched, rules=[Rule("jumpcloud:group:other:member")])
        assert narrow.reconciliation.due() == [System.JUMPCLOUD]
        narrow.reconciliation.reconcile(System.JUMPCLOUD)
        assert kinds(narrow) == []


class TestReactions:
    def test_what_is_watched_is_only_reported(self, watched: LocalStack) -> None:
        reconcile(watched, NAMES)
        by_hand(watched, present=True)
        assert reconcile(watched, NAMES).plans == []

    @pytest.mark.parametrize("profile", list(Profile))
    def test_what_an_administrator_removed_is_never_put_back(self, store: Store, profile: Profile) -> None:
        stack = stack_of(store, profile, auto=True, ticket=True)
        reconcile(stack, NAMES)
        stack.grant("r1")
        stack.run()
        by_hand(stack, present=False, who=ADA)
        for _ in range(3):
            reconcile(stack, NAMES)
            carry_out(stack)
        assert not stack.has()
        assert kinds(stack) == [("missing", GROUP)]

    def test_what_our_own_late_write_took_is_given_again_under_the_same_claim(self, mended: LocalStack) -> None:
        reconcile(mended, NAMES)
        mended.grant("r1", seconds=3600)
        mended.run()
        before = mended.claim("r1")
        by_hand(mended, present=False, who=ADA)
        note_late_write(mended)
        reconcile(mended, NAMES)
        carry_out(mended)
        assert mended.has()
        assert mended.claim("r1") == before
        mended.run(timedelta(hours=2))
        assert not mended.has(), "it still ends as it was to end"

    def test_what_is_strict_waits_for_an_approval(self, strict: LocalStack) -> None:
        reconcile(strict, NAMES)
        by_hand(strict, present=True)
        [plan] = reconcile(strict, NAMES).plans
        carry_out(strict)
        assert strict.system.has(BOB, GROUP)
        strict.plans.approve(plan, by="grace", why="nobody knows Bob")
        carry_out(strict)
        assert not strict.system.has(BOB, GROUP)
        reconcile(strict, NAMES)
        assert kinds(strict) == []
        with strict.store.read() as work:
            found = work.plans.get(plan)
        assert found is not None
        assert found.state is PlanState.DONE
        assert found.certificate["jumpcloud"]["lists_in_all"] == 3
        assert len(found.certificate["jumpcloud"]["lists_sha256"]) == 64

    def test_with_auto_it_does_not_wait(self, store: Store) -> None:
        stack = stack_of(store, Profile.STRICT, auto=True)
        reconcile(stack, NAMES)
        by_hand(stack, present=True)
        reconcile(stack, NAMES)
        carry_out(stack)
        assert not stack.system.has(BOB, GROUP)

    def test_what_is_mended_may_ask_a_person_about_the_rest_once(self, store: Store) -> None:
        stack = stack_of(store, Profile.MEND, ticket=True)
        reconcile(stack, NAMES)
        by_hand(stack, present=True)
        for _ in range(3):
            reconcile(stack, NAMES)
            carry_out(stack)
        assert stack.system.has(BOB, GROUP)
        assert len(stack.tickets.issues) == 1

    def test_a_plan_that_was_dropped_is_not_made_again_unless_somebody_asks(self, strict: LocalStack) -> None:
        reconcile(strict, NAMES)
        by_hand(strict, present=True)
        [plan] = reconcile(strict, NAMES).plans
        strict.plans.drop(plan, by="grace", why="Bob is fine")
        assert reconcile(strict, NAMES).plans == []
        [again] = strict.reconciliation.reconcile(System.JUMPCLOUD, maker="linus").plans
        with pytest.raises(NotPossible, match="linus made this plan"):
            strict.plans.approve(again, by="linus", why="mine")


class TestLinesAreLookedAtAgain:
    @pytest.fixture
    def planned(self, strict: LocalStack) -> LocalStack:
        reconcile(strict, NAMES)
        by_hand(strict, present=True)
        [plan] = reconcile(strict, NAMES).plans
        strict.plans.approve(plan, by="grace", why="nobody knows Bob")
        return strict

    def test_access_that_somebody_asked_for_by_now_is_not_taken(self, planned: LocalStack) -> None:
        planned.grant("r1", subject={"id": BOB})
        planned.run()
        carry_out(planned)
        assert planned.system.has(BOB, GROUP)

    def test_not_even_when_the_request_is_not_planned_yet(self, planned: LocalStack) -> None:
        planned.grant("r1", subject={"id": BOB})
        planned.plans.run_due()
        planned.run()
        assert planned.request("r1").state is RequestState.DONE
        assert planned.system.has(BOB, GROUP)

    def test_a_finding_that_is_over_takes_nothing(self, planned: LocalStack) -> None:
        by_hand(planned, present=False)
        reconcile(planned, NAMES)
        by_hand(planned, present=True)
        carry_out(planned)
        assert planned.system.has(BOB, GROUP)

    def test_what_is_ignored_is_not_taken_until_then(self, planned: LocalStack) -> None:
        [found] = findings(planned)
        decide = Exceptions(planned.store, planned.clock, planned.intake, planned.publisher, by="grace")
        decide.ignore(found.id, until=planned.clock.now() + DAY, reason="on leave")
        carry_out(planned)
        assert planned.system.has(BOB, GROUP)

    @pytest.mark.parametrize("what", ["failed", "stale"])
    def test_no_removal_rests_on_half_a_snapshot_or_a_stale_one_and_it_says_why(
        self, planned: LocalStack, what: str
    ) -> None:
        if what == "stale":
            planned.clock.advance(2 * DAY)
        else:
            with planned.store.write() as work:
                work.sync_runs.begin("sy-2", System.JUMPCLOUD, previous_run_id=None, now=planned.clock.now() + DAY)
                work.sync_runs.finish(
                    "sy-2", RunState.FAILED, now=planned.clock.now() + DAY, error="The credential is refused."
                )
        planned.grant("r1", seconds=60, group=OTHER)
        carry_out(planned)
        planned.run(timedelta(seconds=61))
        assert planned.system.has(BOB, GROUP)
        assert not planned.has(OTHER), "ends of claims go on"
        with planned.store.read() as work:
            [alarm] = work.alarms.lasting()
        assert ("older than 24 hours" if what == "stale" else "The credential is refused.") in alarm.what
        if what == "stale":
            reconcile(planned, NAMES)
            carry_out(planned)
            assert not planned.system.has(BOB, GROUP)


class TestExceptions:
    @pytest.fixture
    def found(self, watched: LocalStack) -> LocalStack:
        reconcile(watched, NAMES)
        by_hand(watched, present=True)
        reconcile(watched, NAMES)
        return watched

    @pytest.fixture
    def decide(self, found: LocalStack) -> Exceptions:
        return Exceptions(found.store, found.clock, found.intake, found.publisher, by="grace")

    def test_adopted_access_has_a_claim_with_owner_and_reason(self, found: LocalStack, decide: Exceptions) -> None:
        request = decide.adopt(findings(found)[0].id, owner="linus@example.com", reason="on call")
        found.run()
        claim = found.claim(request)
        assert (claim.state, claim.account_id, claim.pre_existing) == (ClaimState.ACTIVE, BOB, False)
        message = found.request(request).message
        assert (message.requested_by, message.approved_by, message.reason) == ("linus@example.com", "grace", "on call")
        reconcile(found, NAMES)
        assert kinds(found) == []

    def test_access_that_is_adopted_for_a_time_is_taken_away_then(self, found: LocalStack, decide: Exceptions) -> None:
        decide.adopt(findings(found)[0].id, owner="linus", reason="until Friday", lasting=DAY)
        found.run(DAY + timedelta(seconds=10))
        assert not found.system.has(BOB, GROUP)

    def test_what_is_not_access_is_not_adopted(self, found: LocalStack, decide: Exceptions) -> None:
        found.grant("r1")
        found.run()
        by_hand(found, present=False, who=ADA)
        reconcile(found, NAMES)
        missing = next(each for each in findings(found) if each.kind is FindingKind.MISSING)
        with pytest.raises(NotPossible, match="missing"):
            decide.adopt(missing.id, owner="linus", reason="why not")

    def test_what_is_ignored_needs_a_moment_to_come(self, found: LocalStack, decide: Exceptions) -> None:
        with pytest.raises(NotPossible, match="over already"):
            decide.ignore(findings(found)[0].id, until=found.clock.now(), reason="later")


def _note_deprovisioned(stack: LocalStack) -> None:
    """Bob's account was deprovisioned, and seen so."""
    stack.clock.advance(timedelta(seconds=1))
    now = stack.clock.now()
    account_of = EntitlementRef.parse("jumpcloud:account:exists")
    with stack.store.write() as work:
        add_request(work, "gone", now=now)
        done = operation(
            "op-gone",
            request_id="gone",
            direction=Direction.TAKE,
            entitlement=account_of,
            named=account_of,
            account_id=BOB,
            state=OperationState.RUNNING,
            fence=1,
        )
        work.operations.add(done)
        work.operations.settle("op-gone", fence=1, state="done", evidence="it is gone", verified_at=now, due_at=None)
        work.requests.finish("gone", RequestState.DONE, now=now)
