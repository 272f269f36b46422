"""Jira groups that JumpCloud is proven to fill: by name and origin, never by name alone; and what that explains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from access.clock import ManualClock
from access.entitlements import EntitlementRef, ResourceKind, System
from access.findings import Profile, ProfileRule
from access.guard import FILLED
from access.lifecycle import ClaimState, OperationState, RequestState
from access.methods import Direction, Method
from access.operations import access_key
from access.people import AccountRef
from access.policy import Rule
from connectors.reading import AccountKind, ResourceRow, Row
from store.database import Database
from store.queries.people import PersonNow
from store.unit_of_work import Store
from tasks.feeding import Feeding
from tests.fakes.local_stack import START, LocalStack
from tests.fakes.reconciled_stack import kinds
from tests.fakes.system import FakeSystem
from tests.store.records import add_request, claim, operation
from tests.store.snapshot_rows import SnapshotRows, account, holds, store_snapshot

#: One name in both systems.
FEEDING, FED = "jumpcloud:group:dev:member", "jira:group:dev:member"
PRODUCT = "jira:group:jira-users:member"
ADA, J_ADA = "u1", "j1"
APPLICATION = ResourceKind.APPLICATION
HOUR = timedelta(hours=1)


class Company:
    """JumpCloud, a Jira with a group that a provider fills, Ada, who has an account in both, and no mapping in policy."""

    def __init__(
        self, store: Store, rules: Sequence[Rule] = (Rule("jumpcloud:*"), Rule("jira:*")), **more: Any
    ) -> None:
        clock = ManualClock(START)
        self.jumpcloud = FakeSystem(clock, accounts={ADA: "ada@example.com"})
        self.jira = FakeSystem(clock, accounts={J_ADA: "ada@example.com"}, system=System.JIRA)
        self.jira.by_person[FED] = FILLED
        connectors = {System.JUMPCLOUD: self.jumpcloud, System.JIRA: self.jira}
        self.stack = LocalStack.over(store, rules=rules, connectors=connectors, clock=clock, **more)
        self.feeding = Feeding(self.stack.services)
        with store.write() as work:
            work.persons.put(PersonNow(ADA, "Ada", None, "active", None), now=START)
            work.persons.decide_join(ADA, AccountRef(System.JIRA, J_ADA), by="grace", reason="hers", now=START)

    def snapshots(
        self, *, name: str = "dev", external: bool = True, template: str = "atlassiancloud", bound: bool = True
    ) -> None:
        """Take a snapshot of each system; the group in JumpCloud may have another name, or origin."""
        self.stack.clock.advance(timedelta(minutes=1))
        held = {group: [J_ADA] if self.jira.has(J_ADA, group) else [] for group in (FED, PRODUCT)}
        self._store(
            System.JUMPCLOUD,
            account(ADA, "ada@example.com"),
            ResourceRow(ResourceKind.GROUP, "dev", name),
            ResourceRow(APPLICATION, "app", "Atlassian", attributes={"template": template}),
            *([holds("dev", APPLICATION, "app", as_group=True)] if bound else []),
            *([holds(ADA, ResourceKind.GROUP, "dev")] if self.jumpcloud.has(ADA, FEEDING) else []),
        )
        self._store(
            System.JIRA,
            *(account(each, address, kind=AccountKind.ATLASSIAN) for each, address in self.jira.accounts.items()),
            ResourceRow(ResourceKind.GROUP, "dev", "dev", attributes={"external_synced": external}),
            ResourceRow(ResourceKind.GROUP, "jira-users", "jira-users", attributes={"of_product": True}),
            *(holds(who, ResourceKind.GROUP, group.split(":")[2]) for group, some in held.items() for who in some),
        )

    def _store(self, system: System, *rows: Row) -> None:
        store_snapshot(self.stack.store, SnapshotRows(system, rows), at=self.stack.clock.now())

    def run(self, lasting: timedelta = timedelta(minutes=2)) -> None:
        """Let time pass in small steps, in which the provider passes on what changed."""
        until = self.stack.clock.now() + lasting
        while self.stack.clock.now() < until:
            self.feeding.end_orphans()
            self.stack.run(timedelta(seconds=20))
            self.jira.change(J_ADA, FED, present=self.jumpcloud.has(ADA, FEEDING))

    def ask(self, **more: Any) -> Method:
        self.stack.grant("r1", group=FED, subject={"id": J_ADA}, **more)
        self.run()
        return self.stack.operation("r1").via

    def reconcile(self) -> list[tuple[str, str]]:
        self.snapshots()
        outcome = self.stack.reconciliation.reconcile(System.JIRA)
        assert outcome.plans == []
        return kinds(self.stack)


@pytest.fixture
def company(store: Store) -> Company:
    return Company(store)


def test_a_group_that_is_proven_to_be_filled_needs_no_mapping_and_no_person(company: Company) -> None:
    company.snapshots()
    assert company.ask(seconds=600) is Method.PROPAGATION
    assert company.stack.request("r1").state is RequestState.DONE
    assert company.jira.has(J_ADA, FED)
    company.stack.clock.advance(timedelta(days=2))
    company.run()
    assert not company.jumpcloud.has(ADA, FEEDING), "it ends as it was given, however old the proof is by then"
    assert not company.jira.has(J_ADA, FED)
    assert company.stack.tickets.open_issues() == []


@pytest.mark.parametrize(
    "unlike",
    [{"external": False}, {"name": "devs"}, {"bound": False}, {"template": "google"}],
    ids=lambda each: next(iter(each)),
)
def test_neither_a_name_nor_an_origin_alone_is_proof(company: Company, unlike: dict[str, Any]) -> None:
    company.snapshots(**unlike)
    assert company.ask() is Method.TICKET
    assert not company.jumpcloud.has(ADA, FEEDING)


def test_an_old_snapshot_proves_nothing(company: Company) -> None:
    company.snapshots()
    company.stack.clock.advance(timedelta(hours=25))
    assert company.ask() is Method.TICKET


def test_a_group_that_got_another_name_since_is_not_proven_any_more(company: Company) -> None:
    company.snapshots()
    company.jumpcloud.missing[FEEDING] = False
    assert company.ask() is Method.TICKET
    assert not company.jumpcloud.has(ADA, FEEDING)


def test_a_group_that_somebody_protects_is_left_to_a_person(company: Company) -> None:
    company.snapshots()
    company.jira.by_person[FED] = "it is a protected group"
    assert company.ask() is Method.TICKET


def test_the_group_that_fills_it_has_to_be_allowed_by_a_rule_of_its_own(store: Store) -> None:
    company = Company(store, (Rule("jira:*"),))
    company.snapshots()
    assert company.ask() is Method.TICKET
    assert not company.jumpcloud.has(ADA, FEEDING)


class TestWhatIsExplained:
    """On both databases, since the statements are what explains."""

    @pytest.fixture(params=["sqlite", "postgresql"])
    def store(self, request: pytest.FixtureRequest) -> Iterator[Store]:
        database = Database(request.getfixturevalue(f"{request.param}_url"), pool_size=4)
        yield Store(database)
        database.close()

    def test_what_the_provider_passed_on_is_no_finding_and_the_rest_is_only_reported(self, store: Store) -> None:
        company = Company(store, profiles=[ProfileRule("jira:*", Profile.STRICT, auto=True)])
        assert company.reconcile() == []
        company.jumpcloud.change(ADA, FEEDING, present=True)
        company.jira.change(J_ADA, FED, present=True)
        assert company.reconcile() == []
        company.jumpcloud.change(ADA, FEEDING, present=False)
        assert company.reconcile() == [("unexpected", FED)]

    def test_the_groups_of_a_product_into_which_jira_puts_our_new_account_are_explained_once(
        self, store: Store
    ) -> None:
        company = Company(store)
        del company.jira.accounts[J_ADA]
        assert company.reconcile() == []
        company.jira.accounts[J_ADA] = "ada@example.com"
        _made_account(company.stack)
        for group in (PRODUCT, FED):
            company.jira.change(J_ADA, group, present=True)
        for _ in range(2):
            assert company.reconcile() == [("unexpected", FED)]
        company.jira.change(J_ADA, PRODUCT, present=False)
        company.reconcile()
        company.stack.clock.advance(8 * 24 * HOUR)  # A list that lacks somebody is doubted for a week.
        company.reconcile()
        company.jira.change(J_ADA, PRODUCT, present=True)
        assert company.reconcile() == [("unexpected", FED), ("unexpected", PRODUCT)]

    def test_an_application_that_comes_with_a_group_is_missing_when_the_group_is(self, store: Store) -> None:
        company = Company(store, (Rule("jumpcloud:application:*:assigned"),))
        company.jumpcloud.change(ADA, FEEDING, present=True)
        company.snapshots()
        company.stack.reconciliation.reconcile(System.JUMPCLOUD)
        _claimed(company.stack, "jumpcloud:application:app:assigned")
        for present, found in ((True, []), (False, [("missing", "jumpcloud:application:app:assigned")])):
            company.jumpcloud.change(ADA, FEEDING, present=present)
            company.stack.clock.advance(HOUR)
            company.snapshots()
            company.stack.reconciliation.reconcile(System.JUMPCLOUD)
            assert kinds(company.stack) == found
            with store.read() as work:
                lost = work.ledger.missing_in_snapshot(System.JUMPCLOUD, claimed_before=company.stack.clock.now())
            assert len(lost) == len(found)


def test_a_claim_that_is_missing_where_it_is_filled_is_one_finding_there(company: Company) -> None:
    company.reconcile()
    company.stack.reconciliation.reconcile(System.JUMPCLOUD)
    company.ask()
    company.jumpcloud.change(ADA, FEEDING, present=False)
    company.jira.change(J_ADA, FED, present=False)
    company.stack.clock.advance(HOUR)
    company.reconcile()
    company.stack.reconciliation.reconcile(System.JUMPCLOUD)
    assert kinds(company.stack) == [("missing", FEEDING)]


def _made_account(stack: LocalStack) -> None:
    """We invited Ada to Jira, and have seen her account."""
    now = stack.clock.now()
    account_ref = EntitlementRef.parse("jira:account:exists")
    with stack.store.write() as work:
        add_request(work, "r0", now=now)
        made = operation(
            "op0",
            request_id="r0",
            direction=Direction.GIVE,
            entitlement=account_ref,
            named=account_ref,
            account_id=J_ADA,
            before="absent",
            wrote_at=now,
            state=OperationState.RUNNING,
            fence=1,
        )
        work.operations.add(made)
        work.operations.settle("op0", fence=1, state="done", evidence="it is there", verified_at=now, due_at=None)


def _claimed(stack: LocalStack, entitlement: str) -> None:
    """Ada has a claim on this, and it was seen."""
    now, ref = stack.clock.now(), EntitlementRef.parse(entitlement)
    with stack.store.write() as work:
        add_request(work, "r9", now=now)
        key = access_key(ADA, None, ref)
        work.claims.add(claim("cl9", request_id="r9", entitlement=ref, named=ref, access_key=key))
        seen = {"starts_at": now, "pre_existing": False}
        work.claims.step("cl9", to=ClaimState.ACTIVE, states=(ClaimState.PENDING,), **seen)
