"""A system in memory, behind the connector's port: what it holds is the truth, what it shows may lag."""

from __future__ import annotations

from datetime import datetime, timedelta

from access.accounts import Account, NoMatch, Subject
from access.clock import Clock
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.methods import Direction
from connectors.ports import Holdings, Observation, Target
from tests.fakes.faults import FaultPlan


class FakeSystem:
    """Accounts and groups. ``lag`` is how long a read goes on showing the state before a change."""

    def __init__(self, clock: Clock, *, accounts: dict[str, str], system: System = System.JUMPCLOUD) -> None:
        self.faults = FaultPlan()
        self.lag = timedelta(0)
        self.accounts = accounts
        self.writes: list[tuple[str, str, str]] = []
        self.seen: set[tuple[datetime, str, str, bool]] = set()
        self._system = system
        self._clock = clock
        self._history: dict[tuple[str, str], list[tuple[datetime, bool]]] = {}

    @property
    def system(self) -> System:
        return self._system

    def automates(self, kind: ResourceKind, direction: Direction) -> bool:
        del direction
        return kind is ResourceKind.GROUP

    def find_account(self, subject: Subject) -> Account | NoMatch:
        return self.faults.call(lambda: self._find_account(subject), writes=False)

    def find_entitlement(self, ref: EntitlementRef) -> Entitlement | NoMatch:
        return self.faults.call(lambda: Entitlement(ref=ref, named=ref, title=f"group {ref.path[0]}"), writes=False)

    def observe(self, target: Target) -> Observation:
        return self.faults.call(lambda: self._observe(target), writes=False)

    def give(self, target: Target) -> None:
        self.faults.call(lambda: self._write(target, present=True), writes=True)

    def take(self, target: Target) -> None:
        self.faults.call(lambda: self._write(target, present=False), writes=True)

    def holdings(self, account_id: str) -> Holdings:
        return Holdings(groups=[ref for who, ref in self._history if who == account_id])

    def has(self, account_id: str, ref: str) -> bool:
        """The truth."""
        history = self._history.get((account_id, ref), [])
        return history[-1][1] if history else False

    def change(self, account_id: str, ref: str, *, present: bool) -> None:
        """Somebody does it by hand."""
        if self.has(account_id, ref) is not present:
            self._history.setdefault((account_id, ref), []).append((self._clock.now(), present))

    def _find_account(self, subject: Subject) -> Account | NoMatch:
        for account_id, email in self.accounts.items():
            if subject.id == account_id or (subject.email or "").casefold() == email.casefold():
                return Account(system=self.system, id=account_id, title=email, email=email)
        return NoMatch(f"The account {subject}")

    def _observe(self, target: Target) -> Observation:
        assert target.account_id is not None
        shown = self._clock.now() - self.lag
        history = self._history.get((target.account_id, str(target.entitlement)), [])
        present = next((state for moment, state in reversed(history) if moment <= shown), False)
        self.seen.add((self._clock.now(), target.account_id, str(target.entitlement), present))
        return Observation(present=present, evidence="the list shows it" if present else "the list does not show it")

    def _write(self, target: Target, *, present: bool) -> None:
        assert target.account_id is not None
        ref = str(target.entitlement)
        if self.has(target.account_id, ref) is present:
            return
        self.writes.append((target.account_id, ref, "give" if present else "take"))
        self.change(target.account_id, ref, present=present)
