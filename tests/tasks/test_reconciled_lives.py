"""Random requests, extensions, expiries, out-of-band changes, snapshots whole, late and failed, outages, restarts and restores,
against a simple model of what must hold whatever happens.

Nothing is taken away that a claim, the baseline or the profile keeps; nothing is put back that an administrator removed; and
after a whole snapshot the findings are the true differences.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from access.entitlements import EntitlementRef, System
from access.failures import Transient
from access.findings import FindingKind, Profile, ProfileRule
from access.lifecycle import ClaimState
from access.operations import Claim, access_key
from access.snapshots import RunState
from store.database import Database
from store.unit_of_work import Store
from tests.fakes.local_stack import LocalStack
from tests.fakes.reconciled_stack import carry_out, findings, take_snapshot
from tests.larger import larger

WATCHED, MENDED, STRICT = (f"jumpcloud:group:{name}:member" for name in ("watched", "mended", "strict"))
GROUPS = (WATCHED, MENDED, STRICT)
PROFILES = (
    ProfileRule(MENDED, Profile.MEND, ticket=True),
    ProfileRule(STRICT, Profile.STRICT, auto=True),
)
Access = tuple[str, str]
#: Few, so that the same access lives through much.
ACCESSES: list[Access] = [*(("u1", group) for group in GROUPS), ("u2", STRICT)]
accesses = st.sampled_from(ACCESSES)
NUMBERS = count()


class ReconciledLives(RuleBasedStateMachine):
    """One Provisor that compares what it sees. Each rule lets the workers finish, so that nothing is on its way."""

    template: Path
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        #: What no request has ever been about, and nobody touched since it was there at first.
        self.untouched: set[Access] = set()
        #: What was there before, and since when snapshots do not show it any more: it explains itself for a week.
        self.baseline: dict[Access, datetime | None] = {}
        #: What an administrator removed last, and nobody asked for since.
        self.removed: set[Access] = set()
        #: What an administrator gave last where nothing takes it away by itself.
        self.given: set[Access] = set()
        self.memory: tuple[datetime, list[Access]] | None = None

    @initialize(there=st.sets(accesses, max_size=4))
    def begin(self, there: set[Access]) -> None:
        file = self.folder / f"{next(NUMBERS)}.db"
        shutil.copyfile(self.template, file)
        self.database = Database(f"sqlite:///{file}", pool_size=3)
        self.stack = LocalStack.over(Store(self.database), profiles=PROFILES)
        for access in there:
            self.stack.system.change(*access, present=True)
        self.untouched, self.baseline = set(there), dict.fromkeys(there)
        self._compare()

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()

    # What happens

    @rule(access=accesses, hours=st.sampled_from([None, 1, 30]))
    def somebody_is_given_access(self, access: Access, hours: int | None) -> None:
        self._ask("grant", access, {} if hours is None else {"duration": f"PT{hours}H"})
        self.removed.discard(access)

    @rule(access=accesses)
    def access_is_revoked(self, access: Access) -> None:
        self._ask("revoke", access, {})

    @rule(access=accesses)
    def access_is_extended(self, access: Access) -> None:
        for claim in self._claims(access, ClaimState.ACTIVE):
            if claim.ends_at is not None:
                self._ask("extend", access, {"duration": "PT6H", "claim_of": claim.request_id})
                return

    @rule()
    def provisor_is_restarted(self) -> None:
        self.stack = LocalStack.over(Store(self.database), like=self.stack, profiles=PROFILES)

    @rule(access=accesses)
    def the_system_is_away_while_somebody_asks(self, access: Access) -> None:
        self.stack.system.faults.outage = lambda _writes, _about: Transient("away")
        self._ask("grant", access, {"duration": "PT1H"})
        self.removed.discard(access)
        self.stack.run(timedelta(minutes=20))
        self.stack.system.faults.outage = lambda _writes, _about: None
        self.stack.run(timedelta(hours=3))

    @rule()
    def an_older_database_is_put_back(self) -> None:
        """Nothing is compared and nothing is planned until somebody says that it is over."""
        now = self.stack.clock.now()
        with self.stack.store.write() as work:
            work.restores.begin(now=now)
        assert self.stack.reconciliation.reconcile(System.JUMPCLOUD).why_not == "A restore is under way."
        self.stack.plans.run_due()
        with self.stack.store.write() as work:
            latest = work.restores.latest()
            assert latest is not None
            work.restores.end(latest.id, now=now)
        self.stack.run()

    @rule(access=accesses, present=st.booleans())
    def an_administrator_changes_it(self, access: Access, *, present: bool) -> None:
        self.stack.clock.advance(timedelta(seconds=1))
        if self.stack.system.has(*access) is present:
            return
        self.stack.system.change(*access, present=present)
        self.untouched.discard(access)
        (self.removed.discard if present else self.removed.add)(access)
        (self.given.add if present else self.given.discard)(access)

    @rule()
    def an_administrator_removes_what_a_claim_holds(self) -> None:
        for access in reversed(ACCESSES):
            if self._claims(access, ClaimState.ACTIVE) and self.stack.system.has(*access):
                self.an_administrator_changes_it(access, present=False)
                return

    @rule(hours=st.sampled_from([2, 40, 200]))
    def time_passes(self, hours: int) -> None:
        self.stack.run(timedelta(hours=hours))

    @rule()
    def somebody_begins_to_read(self) -> None:
        """A snapshot that begins now, and is complete later."""
        self.stack.clock.advance(timedelta(seconds=1))
        self.memory = (self.stack.clock.now(), [each for each in ACCESSES if self.stack.system.has(*each)])

    @rule()
    def a_late_snapshot_is_complete(self) -> None:
        if self.memory is None:
            return
        (began, held), self.memory = self.memory, None
        take_snapshot(self.stack, GROUPS, distorted=lambda _: list(held), at=began)
        self._doubt(held)
        self.stack.reconciliation.reconcile(System.JUMPCLOUD)
        carry_out(self.stack)

    @rule()
    def a_sync_fails(self) -> None:
        now, number = self.stack.clock.now(), next(NUMBERS)
        with self.stack.store.write() as work:
            work.sync_runs.begin(f"sy-{number}", System.JUMPCLOUD, previous_run_id=None, now=now)
            work.sync_runs.finish(f"sy-{number}", RunState.FAILED, now=now, error="The credential is refused.")
        self.stack.reconciliation.run_due()

    @rule(plans_run=st.booleans())
    def a_whole_snapshot_is_compared(self, *, plans_run: bool) -> None:
        self.memory = None  # One run at a time: what began before is over.
        self._compare()
        extra = {(each.account_id, str(each.entitlement)) for each in findings(self.stack) if each.kind.is_access}
        missing = {
            (each.account_id, str(each.entitlement))
            for each in findings(self.stack)
            if each.kind is FindingKind.MISSING
        }
        claimed = {each for each in ACCESSES if self._claims(each, ClaimState.ACTIVE)}
        held = {each for each in ACCESSES if self.stack.system.has(*each)}
        assert extra == held - claimed - set(self.baseline)
        assert missing == claimed - held
        outcome = self.stack.reconciliation.reconcile(System.JUMPCLOUD)
        assert outcome.why_not == "It was compared before."
        if plans_run:
            carry_out(self.stack)

    # What must hold

    @invariant()
    def nothing_is_taken_away_that_something_keeps(self) -> None:
        if not hasattr(self, "stack"):
            return
        for access in self.untouched:
            assert self.stack.system.has(*access), f"{access} was there before, and nobody touched it"
        for access in ACCESSES:
            if access not in self.removed and self._claims(access, ClaimState.ACTIVE):
                assert self.stack.system.has(*access), f"a claim holds {access}"
        for access in self.given - self.removed:
            if access[1] in (WATCHED, MENDED):
                assert self.stack.system.has(*access), f"an administrator gave {access}, and nothing takes it"

    @invariant()
    def nothing_is_put_back_that_an_administrator_removed(self) -> None:
        if hasattr(self, "stack"):
            for access in self.removed:
                assert not self.stack.system.has(*access), f"an administrator removed {access}"

    @invariant()
    def each_difference_is_one_finding(self) -> None:
        if hasattr(self, "stack"):
            found = [(each.kind, each.key) for each in findings(self.stack)]
            assert len(found) == len(set(found))

    def _ask(self, action: str, access: Access, more: dict[str, str]) -> None:
        self.number += 1
        account, group = access
        asked = {"id": f"r{self.number}", "action": action, "subject": {"id": account}, "entitlement": group}
        self.stack.submit(**asked, **more)
        self.stack.run()
        self.untouched.discard(access)
        self.given.discard(access)

    def _compare(self) -> None:
        take_snapshot(self.stack, GROUPS)
        self._doubt([each for each in ACCESSES if self.stack.system.has(*each)])
        self.stack.reconciliation.reconcile(System.JUMPCLOUD)

    def _doubt(self, held: Collection[Access]) -> None:
        now = self.stack.clock.now()
        for access, since in list(self.baseline.items()):
            if access in held:
                self.baseline[access] = None
            elif since is None:
                self.baseline[access] = now
            elif since <= now - timedelta(days=7):
                del self.baseline[access]

    def _claims(self, access: Access, state: ClaimState) -> list[Claim]:
        account, group = access
        with self.stack.store.read() as work:
            return list(work.claims.on(access_key(account, None, EntitlementRef.parse(group)), states=(state,)))


@pytest.mark.parametrize("lives", [3, pytest.param(larger(15, share=0.3), marks=pytest.mark.long)])
def test_whatever_happens_only_what_nothing_keeps_is_taken_away(
    migrated_sqlite: Path, memory: Path, lives: int
) -> None:
    machine = type("Lives", (ReconciledLives,), {"template": migrated_sqlite, "folder": memory})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=lives, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )
