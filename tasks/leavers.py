"""Leavers: each is read singly, twice, before anything is taken; what they hold then becomes plans.

A snapshot, or a person, says that somebody has left. Nothing follows from that alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import structlog

from access import actors
from access.accounts import NoMatch, Subject
from access.entitlements import EntitlementRef, ResourceKind, System
from access.failures import Failure
from access.leavers import Leaver, LeaverKind, Left, NotLeft, ReadAgain, Seen, judge_read, lines_for, lines_to_give_back
from access.lifecycle import LeaverState, PlanState
from access.operations import Lane
from access.people import AccountRef
from access.plans import Line, Plan, PlanKind
from access.provisioning import Provisioning
from connectors.ports import Target
from store.plans import NUMBERS
from store.queries.leavers import held_by
from store.queries.people import PeopleQueries
from store.unit_of_work import UnitOfWork
from tasks.certificates import certificate_of
from tasks.decisions import Decisions, NotPossible
from tasks.plans import add_plan
from tasks.services import Services

_log = structlog.get_logger(__name__)

#: Leavers that are read in one turn: other periodic work waits for it.
_AT_ONCE = 20
#: The wait after a read that told nothing.
_AGAIN = timedelta(minutes=1)
#: How long newer snapshots are looked at for what the plans of a leave lack.
_LOOKED_AT_FOR = timedelta(days=30)

_DIRECTORY_ACCOUNT = EntitlementRef(System.JUMPCLOUD, ResourceKind.ACCOUNT, ())


class Leavers:
    """Follows people who leave, and those who come back."""

    def __init__(self, services: Services) -> None:
        self._services = services
        #: The runs behind the snapshots that were looked at last for what plans lack.
        self._looked_at: frozenset[str] = frozenset()

    def advance(self) -> None:
        """Read the leavers that are due, and plan what their plans lack; safe with any number of processes."""
        if self._services.mode is Provisioning.OFF:
            return
        now = self._services.clock.now()
        with self._services.store.read() as work:
            if work.restores.under_way():
                return
            due = work.leavers.due(now=now, limit=_AT_ONCE)
        for leaver in due:
            with self._services.store.write() as work:
                mine = work.leavers.take_up(leaver, until=now + self._services.options.unattended)
            if mine:
                self._read(leaver)
        self._plan_what_is_lacking(now=now)

    def ask(self, person: str, *, by: str, reason: str) -> Plan | None:
        """Plan to take everything that a person holds; None when that is nothing. Raises ``NotPossible``."""
        now = self._services.clock.now()
        with self._services.store.write(holding=NUMBERS) as work:
            earlier = work.leavers.open_of(person)
            if earlier is not None and earlier.kind is LeaverKind.ASKED:
                raise NotPossible("That was asked for already.", "See 'provisor leavers show'.")
            if earlier is not None:
                self._drop_plans(work, earlier, why=f"{by} asked to take everything", now=now)
                self._end(work, earlier, LeaverState.FALSE_ALARM, why=f"{by} asked to take everything", now=now)
            asked = work.leavers.notice(
                person,
                LeaverKind.ASKED,
                now=now,
                state=str(LeaverState.LEFT),
                left_at=now,
                due_at=None,
                maker=by,
                reason=reason,
            )
            assert asked is not None, "no other leave is open"
            work.audit.record(
                "leaver.left", "person", person, now=now, actor=actors.operator(by), reason=reason, kind=str(asked.kind)
            )
            plans = self._make_plans(work, asked, now=now)
        return next(iter(plans), None)

    def give_back(self, person: str, *, by: str | None, reason: str) -> Plan:
        """Plan to give back what a leave took. Raises ``NotPossible`` when that is nothing."""
        now = self._services.clock.now()
        with self._services.store.write(holding=NUMBERS) as work:
            leaver = work.leavers.latest_of(person)
            plan = None if leaver is None else self._plan_to_give_back(work, leaver, maker=by, reason=reason, now=now)
        if plan is None:
            raise NotPossible(
                "Nothing was taken from this person that is not given back.", "See 'provisor leavers show'."
            )
        return plan

    def _read(self, leaver: Leaver) -> None:
        try:
            seen, evidence = self._look(leaver.person)
        except Failure as failure:
            self._wait(leaver, str(failure))
            return
        if leaver.state is LeaverState.LEFT:
            self._look_for_return(leaver, seen, evidence)
            return
        now = self._services.clock.now()
        match judge_read(leaver, seen):
            case None:
                self._wait(leaver, evidence)
            case ReadAgain(kind=kind):
                self._first_read(leaver, kind, evidence, now=now)
            case NotLeft():
                with self._services.store.write() as work:
                    self._end(work, leaver, LeaverState.FALSE_ALARM, why=evidence, now=now)
                    work.persons.seen(leaver.person, str(seen), now=now)
            case Left():
                self._leave(leaver, evidence, now=now)

    def _look(self, person: str) -> tuple[Seen, str]:
        """What the directory shows of a user now, and in a sentence. Raises the failure words."""
        connector = self._services.connector(System.JUMPCLOUD, Lane.REVOKE)
        found = connector.find_account(Subject(id=person))
        if isinstance(found, NoMatch):
            proof = connector.proof_of_gone(Target(_DIRECTORY_ACCOUNT, person))
            return (Seen.UNSEEN, found.sentence()) if proof is None else (Seen.GONE, proof)
        state = "suspended" if found.suspended else "not suspended"
        evidence = f"JumpCloud shows user {person} as {state}."
        return (Seen.SUSPENDED if found.suspended else Seen.ACTIVE), evidence

    def _wait(self, leaver: Leaver, why: str) -> None:
        with self._services.store.write() as work:
            work.leavers.set(leaver, due_at=self._services.clock.now() + _AGAIN, why=why)
        _log.warning("leaver.waits", person=leaver.person, why=why)

    def _first_read(self, leaver: Leaver, kind: LeaverKind, evidence: str, *, now: datetime) -> None:
        due = now + self._services.options.visible_within
        seen: dict[str, Any] = {"kind": str(kind), "read_at": now, "due_at": due, "evidence": evidence, "why": None}
        with self._services.store.write() as work:
            if leaver.state is LeaverState.SEEN:
                # Another kind than the first read showed: that one counts no more.
                work.leavers.step(leaver, to=LeaverState.NOTICED)
                leaver = replace(leaver, state=LeaverState.NOTICED)
            work.leavers.step(leaver, to=LeaverState.SEEN, **seen)
            work.audit.record("leaver.seen", "person", leaver.person, now=now, kind=str(kind), evidence=evidence)

    def _leave(self, leaver: Leaver, evidence: str, *, now: datetime) -> None:
        with self._services.store.write(holding=NUMBERS) as work:
            moved = work.leavers.step(
                leaver, to=LeaverState.LEFT, left_at=now, due_at=None, evidence=evidence, why=None
            )
            if not moved:
                return
            work.audit.record("leaver.left", "person", leaver.person, now=now, kind=str(leaver.kind), evidence=evidence)
            self._drop_plans(work, leaver, why=f"the person is {leaver.kind} now", now=now)
            self._make_plans(work, replace(leaver, evidence=evidence), now=now)
        _log.warning("leaver.left", person=leaver.person, kind=str(leaver.kind))

    def _look_for_return(self, leaver: Leaver, seen: Seen, evidence: str) -> None:
        """A snapshot shows somebody as active who had left."""
        now = self._services.clock.now()
        if seen is Seen.UNSEEN:
            self._wait(leaver, evidence)
            return
        if seen is Seen.ACTIVE:
            self._call_back_deprovisioning(leaver)
        with self._services.store.write(holding=NUMBERS) as work:
            if seen is not Seen.ACTIVE:
                work.leavers.set(leaver, due_at=None, why=None, evidence=evidence)
                return
            self._drop_plans(work, leaver, why="the person is back", now=now)
            self._plan_to_give_back(work, leaver, maker=None, reason="The person is back.", now=now)
            self._end(work, leaver, LeaverState.BACK, why=evidence, now=now)

    def _call_back_deprovisioning(self, leaver: Leaver) -> None:
        """Nobody has to shut the account any more. What has been done already is not undone."""
        with self._services.store.read() as work:
            found = work.leavers.deprovisioning(leaver)
        decide = Decisions(self._services.store, self._services.clock, by="provisor")
        for request_id in found:
            with suppress(NotPossible):
                decide.cancel(request_id, reason="The person is back.")

    @staticmethod
    def _end(work: UnitOfWork, leaver: Leaver, state: LeaverState, *, why: str, now: datetime) -> None:
        if leaver.state is LeaverState.LEFT:
            state = LeaverState.BACK
        if work.leavers.step(leaver, to=state, why=why, ended_at=now, due_at=None):
            work.audit.record(f"leaver.{state}", "person", leaver.person, now=now, why=why)

    @staticmethod
    def _drop_plans(work: UnitOfWork, leaver: Leaver, *, why: str, now: datetime) -> None:
        """Leave undone what has not begun of a leave's plans."""
        for plan in work.leavers.undecided_plans(leaver):
            dropped = work.plans.drop_waiting(plan.id, note=why)
            work.plans.step(plan.id, to=PlanState.DROPPED, states=(plan.state,))
            work.audit.record("plan.dropped", "plan", plan.id, now=now, reason=why, lines=dropped)

    def _plan_what_is_lacking(self, *, now: datetime) -> None:
        """Plan what a newer snapshot shows of people who have left and their plans lack: an earlier list may have lacked it."""
        with self._services.store.read() as work:
            runs = frozenset(snapshot.run_id for snapshot in PeopleQueries(work.connection).snapshots().values())
            if runs == self._looked_at:
                return
            left = work.leavers.recent(states=(LeaverState.LEFT,), limit=None)
        for leaver in left:
            if leaver.left_at is None or leaver.left_at < now - _LOOKED_AT_FOR:
                continue
            with self._services.store.read() as work:
                lacking = any(self._lines_lacking(work, leaver))
            if lacking:
                with self._services.store.write(holding=NUMBERS) as work:
                    self._store_plans(work, leaver, self._lines_lacking(work, leaver), now=now)
        self._looked_at = runs

    def _lines_lacking(self, work: UnitOfWork, leaver: Leaver) -> tuple[Sequence[Line], Sequence[Line]]:
        """The lines about access that no claim holds and no plan of the leave has. Claims were known when those were made."""
        known = {(line["account_id"], line["entitlement"]) for line in work.leavers.lines(leaver)}

        def lacking(lines: Sequence[Line]) -> Sequence[Line]:
            return [
                line
                for line in lines
                if line.action and line.claim_id is None and (line.account_id, _written(line.entitlement)) not in known
            ]

        automatic, to_approve = self._lines_of(work, leaver)
        return lacking(automatic), lacking(to_approve)

    def _make_plans(self, work: UnitOfWork, leaver: Leaver, *, now: datetime) -> Sequence[Plan]:
        return self._store_plans(work, leaver, self._lines_of(work, leaver), now=now)

    def _lines_of(self, work: UnitOfWork, leaver: Leaver) -> tuple[Sequence[Line], Sequence[Line]]:
        policy = self._services.policy
        return lines_of(
            work, leaver.person, leaver.kind, gives_power=policy.gives_power, automate=policy.automates_leavers
        )

    @staticmethod
    def _store_plans(
        work: UnitOfWork, leaver: Leaver, found: tuple[Sequence[Line], Sequence[Line]], *, now: datetime
    ) -> Sequence[Plan]:
        made = []
        for lines, automatic in ((found[0], True), (found[1], False)):
            if lines:
                made.append(
                    add_plan(
                        work,
                        PlanKind.LEAVER,
                        _title(leaver, work, automatic=automatic and bool(found[1])),
                        lines,
                        now=now,
                        maker=leaver.maker,
                        automatic=automatic,
                        person=leaver.person,
                        certificate=_certificate(work, leaver, now=now),
                    )
                )
        return made

    @staticmethod
    def _plan_to_give_back(
        work: UnitOfWork, leaver: Leaver, *, maker: str | None, reason: str, now: datetime
    ) -> Plan | None:
        open_ = [plan for plan in work.leavers.plans_of(leaver) if plan.kind is PlanKind.RESTORE]
        lines = list(lines_to_give_back(work.leavers.taken(leaver)))
        if not lines or any(plan.state is not PlanState.DROPPED for plan in open_):
            return None
        title = f"Give back what was taken from {work.persons.title_of(leaver.person)}: {reason}"
        return add_plan(work, PlanKind.RESTORE, title, lines, now=now, maker=maker, person=leaver.person)


def lines_of(
    work: UnitOfWork,
    person: str,
    kind: LeaverKind,
    *,
    gives_power: Callable[[EntitlementRef], bool],
    automate: bool,
) -> tuple[Sequence[Line], Sequence[Line]]:
    """The lines that are to run by themselves, and those to be approved."""
    joined = [link.account for link in work.persons.accounts_of(person)]
    every = [AccountRef(System.JUMPCLOUD, person), *joined]
    held = list(chain.from_iterable(held_by(work.connection, account) for account in every))
    queries = PeopleQueries(work.connection)
    open_accounts = []
    for account in joined:
        row = queries.account(account.system, account.id)
        if account.system is System.JIRA and row is not None and row["status"] == "active":
            open_accounts.append((account, str(row["title"])))
    found = lines_for(kind, held, open_accounts, gives_power=gives_power, automate=automate)
    return found.automatic, found.to_approve


def _written(ref: EntitlementRef | None) -> str | None:
    return None if ref is None else str(ref)


def _title(leaver: Leaver, work: UnitOfWork, *, automatic: bool) -> str:
    who = work.persons.title_of(leaver.person)
    if automatic:
        return f"{who} has left ({leaver.kind}): what was given for a time"
    what = "what is left" if leaver.kind is LeaverKind.SUSPENDED else "everything, pre-existing access too"
    return f"{who} has left ({leaver.kind}): {what}"


def _certificate(work: UnitOfWork, leaver: Leaver, *, now: datetime) -> dict[str, Any]:
    """What a plan stands on: the snapshots, and the single reads."""
    stands_on: dict[str, Any] = {
        str(snapshot.system): certificate_of(work, snapshot)
        for snapshot in PeopleQueries(work.connection).snapshots().values()
    }
    if leaver.read_at is not None:
        stands_on["reads"] = {"first": leaver.read_at.isoformat(), "second": now.isoformat(), "shows": leaver.evidence}
    return stands_on
