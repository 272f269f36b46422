"""A system in memory, behind the connector's port: what it holds is the truth, what it shows may lag."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from access import email_address
from access.accounts import Account, NoMatch, Subject
from access.clock import Clock
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.guard import Guarded, judge
from access.methods import Direction
from connectors.guard import account_facts
from connectors.ports import Holdings, Observation, Target
from tests.fakes.faults import FaultPlan


class FakeSystem:
    """Accounts and groups. ``lag`` is how long a read goes on showing the state before a change."""

    def __init__(self, clock: Clock, *, accounts: dict[str, str], system: System = System.JUMPCLOUD) -> None:
        self.faults = FaultPlan()
        self.lag = timedelta(0)
        self.accounts = accounts
        #: Every change, and every call that asked for one.
        self.writes: list[tuple[str, str, str]] = []
        self.sent: list[tuple[str, str, str]] = []
        self.seen: set[tuple[datetime, str, str, bool]] = set()
        #: Reads to come that show nothing, or everything, whatever is there.
        self.stale: deque[bool] = deque()
        #: What happens between a look at who else holds a thing and the write that follows.
        self.meanwhile: deque[Callable[[], None]] = deque()
        #: Entitlements that are not shown, and whether that they are gone can be proven.
        self.missing: dict[str, bool] = {}
        #: What other names of an entitlement mean.
        self.names: dict[str, str] = {}
        #: Why only a person can change an entitlement.
        self.by_person: dict[str, str] = {}
        self.suspended: set[str] = set()
        #: The directory that manages an account, by its id.
        self.managed_by: dict[str, str] = {}
        #: Accounts that were deleted, as a complete list proves.
        self.gone: set[str] = set()
        #: Accounts that do not show their address, by which a search finds them all the same.
        self.hidden: set[str] = set()
        #: Provisor's own account.
        self.own: str | None = None
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
        return self.faults.call(lambda: self._find_account(subject), writes=False, about=subject.id or "")

    def is_own(self, account_id: str) -> bool:
        return account_id == self.own

    def find_entitlement(self, ref: EntitlementRef) -> Entitlement | NoMatch:
        return self.faults.call(lambda: self._find_entitlement(ref), writes=False)

    def observe(self, target: Target) -> Observation:
        return self.faults.call(lambda: self._observe(target), writes=False, about=target.account_id or "")

    def why_by_person(self, ref: EntitlementRef) -> str | None:
        return self.by_person.get(str(ref))

    def is_last_holder(self, ref: EntitlementRef, account_id: str, *, leaving: Collection[str] = ()) -> bool:
        usable = [each for each in self.accounts if each not in self.suspended and self.has(each, str(ref))]
        is_last = self.has(account_id, str(ref)) and not set(usable) - {account_id, *leaving}
        if self.meanwhile:
            self.meanwhile.popleft()()
        return is_last

    def give(self, target: Target) -> None:
        self.faults.call(lambda: self._write(target, present=True), writes=True, about=target.account_id or "")

    def take(self, target: Target) -> None:
        self.faults.call(lambda: self._write(target, present=False), writes=True, about=target.account_id or "")

    def proof_of_gone(self, target: Target) -> str | None:
        return self.faults.call(lambda: self._proof_of_gone(target), writes=False)

    def holdings(self, account_id: str) -> Holdings:
        held = [ref for who, ref in self._history if who == account_id and self.has(who, ref)]
        return Holdings(groups=[EntitlementRef.parse(ref).path[0] for ref in held])

    def has(self, account_id: str, ref: str) -> bool:
        """The truth."""
        history = self._history.get((account_id, ref), [])
        return history[-1][1] if history else False

    def journal(self, account_id: str, ref: str) -> list[tuple[datetime, bool]]:
        """Each change of an access: when, and whether it was there from then on."""
        return list(self._history.get((account_id, ref), []))

    def held(self) -> list[tuple[str, str]]:
        """Every account and entitlement that is held, in truth."""
        return sorted(key for key in self._history if self.has(*key))

    def delete(self, account_id: str) -> None:
        """Somebody deletes the account, and with it what it holds."""
        for who, ref in self.held():
            if who == account_id:
                self.change(who, ref, present=False)
        del self.accounts[account_id]
        self.gone.add(account_id)

    def change(self, account_id: str, ref: str, *, present: bool) -> None:
        """Somebody does it by hand."""
        if self.has(account_id, ref) is not present:
            self._history.setdefault((account_id, ref), []).append((self._clock.now(), present))

    def _find_account(self, subject: Subject) -> Account | NoMatch:
        for account_id, email in self.accounts.items():
            if subject.id is not None:
                named = subject.id == account_id
            else:  # a search finds no suspended accounts
                named = email_address.same(subject.email or "", email) and account_id not in self.suspended
            if named:
                return self._agreeing(subject, account_id, email)
        return NoMatch(f"The account {subject}")

    def _agreeing(self, subject: Subject, account_id: str, email: str) -> Account | NoMatch:
        hidden = account_id in self.hidden
        if subject.email and not hidden and not email_address.same(subject.email, email):
            others = [other for other, shown in self.accounts.items() if email_address.same(subject.email, shown)]
            wanted = f"The account {subject.id} with the address {subject.email}"
            return NoMatch(wanted, (account_id, *others), contradiction=True)
        suspended = account_id in self.suspended
        return Account(
            system=self.system,
            id=account_id,
            title=email,
            email=None if hidden else email,
            email_proven=not hidden or subject.id is not None,
            active=not suspended,
            suspended=suspended,
            managed_by=self.managed_by.get(account_id),
        )

    def _find_entitlement(self, ref: EntitlementRef) -> Entitlement | NoMatch:
        named, ref = ref, EntitlementRef.parse(self.names.get(str(ref), str(ref)))
        if str(ref) in self.missing:
            return NoMatch(f"The group {ref.path[0]}")
        title = "the account" if ref.kind is ResourceKind.ACCOUNT else f"group {ref.path[0]}"
        return Entitlement(
            ref=ref,
            named=named,
            title=title,
            by_person=self.by_person.get(str(ref)),
            url=f"https://system.example/{ref.path[0] if ref.path else ''}",
        )

    def _proof_of_gone(self, target: Target) -> str | None:
        if target.account_id in self.gone:
            return f"The complete list does not have {target.account_id}."
        return "The complete list does not have it." if self.missing.get(str(target.entitlement)) else None

    def _observe(self, target: Target) -> Observation:
        assert target.account_id is not None
        shown = self._clock.now() - self.lag
        history = self._history.get((target.account_id, str(target.entitlement)), [])
        ref = str(target.entitlement)
        if target.account_id in self.gone:
            return Observation(present=False, evidence="no such account", missing=f"user {target.account_id}")
        if ref in self.missing:
            return Observation(
                present=False, evidence="there is no such group", missing=f"group {target.entitlement.path[0]}"
            )
        if target.entitlement.kind is ResourceKind.ACCOUNT:
            return self._observe_account(target.account_id)
        present = next((state for moment, state in reversed(history) if moment <= shown), False)
        if self.stale:
            present = self.stale.popleft()
        self.seen.add((self._clock.now(), target.account_id, str(target.entitlement), present))
        return Observation(present=present, evidence="the list shows it" if present else "the list does not show it")

    def _observe_account(self, account_id: str) -> Observation:
        active = account_id not in self.suspended
        return Observation(present=active, evidence="it is active" if active else "it is suspended")

    def _write(self, target: Target, *, present: bool) -> None:
        assert target.account_id is not None
        ref = str(target.entitlement)
        direction = Direction.GIVE if present else Direction.TAKE
        found = self._find_account(Subject(id=target.account_id))
        facts = account_facts(self, target, found if isinstance(found, Account) else None, direction)
        if ruling := judge(direction, replace(facts, by_person=self.by_person.get(ref)), target.terms):
            raise Guarded(ruling)
        self.sent.append((target.account_id, ref, "give" if present else "take"))
        if self.has(target.account_id, ref) is present:
            return
        self.writes.append((target.account_id, ref, "give" if present else "take"))
        self.change(target.account_id, ref, present=present)
