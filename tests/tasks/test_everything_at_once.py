"""Random lives of claims: requests, expiries, people and failures in any order, against what must hold whatever happens.

The model knows three things of each access: whether it would be there without Provisor (``baseline``), whether somebody took
it away behind Provisor's back, and whether people meddled while Provisor was at it, so that nobody can say whose it is.
"""

from __future__ import annotations

import random
import shutil
from contextlib import suppress
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from access.entitlements import EntitlementRef
from access.lifecycle import ENDS, ClaimState, OperationState, RequestState
from access.operations import Claim, Request, access_key
from store.database import Database
from store.operations import BUSY
from store.unit_of_work import Store
from tasks.decisions import Decisions, NotPossible
from tests.fakes.faults import Fault
from tests.fakes.local_stack import TERMS, LocalStack
from tests.fakes.tickets import Issue
from tests.larger import larger
from ticketing.ports import Phase

ACCOUNTS = {"u1": "ada@example.com", "u2": "bob@example.com"}
GROUPS = ("api", "by-hand")
ACCESSES = [(account, f"jumpcloud:group:{group}:member") for account in ACCOUNTS for group in GROUPS]
NUMBERS = count()

Access = tuple[str, str]
accesses = st.sampled_from(ACCESSES)


class Lives(RuleBasedStateMachine):
    """One Provisor over doubles; its store is a file that each example gets afresh."""

    template: Path
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.baseline = dict.fromkeys(ACCESSES, False)
        self.gone_since: dict[Access, int] = {}
        self.unclear: set[Access] = set()
        self.bodies: dict[str, dict[str, str]] = {}
        #: After which request somebody last gave an access by hand.
        self.given_at: dict[Access, int] = {}

    @initialize(there=st.sets(accesses, max_size=2))
    def begin(self, there: set[Access]) -> None:
        file = self.folder / f"{next(NUMBERS)}.db"
        shutil.copyfile(self.template, file)
        self.database = Database(f"sqlite:///{file}", pool_size=2)
        self.stack = LocalStack.over(Store(self.database))
        for access in there:
            self.stack.system.change(*access, present=True)
            self.baseline[access] = True

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.settle()
            self.database.close()

    # What comes in

    def submit(self, **body: str) -> None:
        self.number += 1
        body["id"] = f"r{self.number}"
        self.bodies[body["id"]] = body
        self.stack.submit(**_message(body))

    @rule(access=accesses, seconds=st.sampled_from([0, 5, 60]), by_id=st.booleans())
    def grant(self, access: Access, seconds: int, *, by_id: bool) -> None:
        duration = {"duration": f"PT{seconds}S"} if seconds else {}
        self.submit(action="grant", **_who(access, by_id=by_id), entitlement=access[1], **duration)

    @rule(access=accesses)
    def revoke(self, access: Access) -> None:
        self.submit(action="revoke", **_who(access, by_id=True), entitlement=access[1])

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def revoke_one_claim(self, data: st.DataObject) -> None:
        grants = [body for body in self.bodies.values() if body["action"] == "grant"]
        if grants:
            body = data.draw(st.sampled_from(grants))
            self.submit(action="revoke", subject=body["subject"], entitlement=body["entitlement"], claim_of=body["id"])

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        body = data.draw(st.sampled_from(list(self.bodies.values())))
        self.stack.submit(**_message(body))

    # What people do behind our back

    @rule(access=accesses, present=st.booleans())
    def meddle(self, access: Access, *, present: bool) -> None:
        if self.stack.system.has(*access) is present:
            return
        self.stack.system.change(*access, present=present)
        self.stack.clock.advance(self.stack.system.lag + timedelta(milliseconds=1))
        if present and (self._is_being_worked_on(access) or self._was_just_written(access)):
            self.unclear.add(access)
        self.baseline[access] = present
        (self.given_at if present else self.gone_since)[access] = self.number

    @rule(data=st.data(), what=st.sampled_from(["do", "do", "claim to have done", "delete"]))
    def work_on_a_ticket(self, data: st.DataObject, what: str) -> None:
        issues = self.stack.tickets.open_issues()
        if not issues:
            return
        issue = data.draw(st.sampled_from(issues))
        if what == "delete":
            del self.stack.tickets.issues[issue.ref.id]
            return
        if what == "do":
            self._do(issue)
        issue.phase = Phase.DONE

    # Time, fault and work

    @rule(seconds=st.sampled_from([1, 4, 15, 60]))
    def time_passes(self, seconds: int) -> None:
        self.stack.clock.advance(timedelta(seconds=seconds))

    @rule(lucks=st.lists(st.sampled_from(list(Fault)), min_size=1, max_size=3))
    def the_system_has_bad_luck(self, lucks: list[Fault]) -> None:
        self.stack.system.faults.forecast(*lucks)

    @rule(lucks=st.lists(st.sampled_from(list(Fault)), min_size=1, max_size=3))
    def ticketing_has_bad_luck(self, lucks: list[Fault]) -> None:
        self.stack.tickets.faults.forecast(*lucks)

    @rule(seconds=st.sampled_from([0, 0, 5]))
    def reads_lag(self, seconds: int) -> None:
        self.stack.system.lag = timedelta(seconds=seconds)

    @rule(seed=st.integers(0, 2**16), lost=st.sampled_from([0.0, 0.0, 0.5]))
    def workers_work(self, seed: int, lost: float) -> None:
        """WakeUp-ups in any order, some of them lost."""
        rng = random.Random(seed)  # noqa: S311 - a repeatable order
        wake_ups = [wake_up for wake_up in self.stack.sweep() if rng.random() >= lost]
        rng.shuffle(wake_ups)
        self.stack.handle(wake_ups)

    @rule()
    def everything_calms_down(self) -> None:
        self.settle()

    # What must hold

    @invariant()
    def one_operation_is_at_an_access(self) -> None:
        if not hasattr(self, "stack"):
            return
        for account, ref in ACCESSES:
            key = access_key(account, None, EntitlementRef.parse(ref))
            with self.stack.store.read() as work:
                at = [found for found in work.operations.not_over_at(key) if found.state in BUSY]
            assert len(at) <= 1

    @invariant()
    def no_claim_is_active_without_having_been_seen(self) -> None:
        if not hasattr(self, "stack"):
            return
        with self.stack.store.read() as work:
            active = work.claims.recent(states=[ClaimState.ACTIVE])
        for claim in active:
            assert (claim.starts_at, claim.account_id, str(claim.entitlement), True) in self.stack.system.seen

    def settle(self) -> None:
        """Failures stop, and everybody does their work: then everything comes to an end, and the truth can be told."""
        self.stack.system.faults.clear()
        self.stack.tickets.faults.clear()
        self.stack.clock.advance(self.stack.system.lag)
        self.stack.system.lag = timedelta(0)
        for _ in range(40):
            self.stack.run(timedelta(minutes=2))
            open_issues = self.stack.tickets.open_issues()
            if not open_issues and not self._unfinished():
                break
            for issue in open_issues:
                self._do(issue)
                issue.phase = Phase.DONE
            self._decide_what_is_blocked()
        self._everything_has_ended()
        self._the_truth_is_as_it_should_be()

    def _decide_what_is_blocked(self) -> None:
        decisions = Decisions(self.stack.store, self.stack.clock, by="grace")
        with self.stack.store.read() as work:
            blocked = [each.request_id for each in work.operations.recent(states=[OperationState.BLOCKED], limit=1000)]
            blocked += [each.id for each in work.requests.recent(states=[RequestState.BLOCKED], limit=1000)]
        for request_id in set(blocked):
            with suppress(NotPossible):  # it went on by itself meanwhile
                decisions.retry(request_id, reason="mended")

    def _everything_has_ended(self) -> None:
        assert self._unfinished() == []
        assert self.stack.unrecorded() == []
        with self.stack.store.read() as work:
            for request in self._requests():
                for operation in work.operations.of_request(request.id):
                    assert operation.state in ENDS["operation"]
                    if operation.state is OperationState.DONE:
                        assert operation.evidence
                        assert operation.verified_at
                    for ticket in work.tickets.of_operation(operation.id):
                        assert ticket.state in ENDS["ticket"], ticket
            for claim in work.claims.recent(limit=1000):
                assert claim.state in (ClaimState.ACTIVE, ClaimState.ENDED, ClaimState.VOID), claim
                assert claim.state is not ClaimState.ACTIVE or claim.ends_at is None
        assert self.stack.tickets.open_issues() == []

    def _the_truth_is_as_it_should_be(self) -> None:
        for access in ACCESSES:
            holding = [claim for claim in self._claims(access) if claim.state is ClaimState.ACTIVE]
            there = self.stack.system.has(*access)
            if holding:
                newest = max(_number(claim.request_id) for claim in holding)
                if self.gone_since.get(access, -1) < newest:
                    assert there, f"{access} is not there, though {holding} hold it"
                continue
            if access in self.unclear:
                # From here on, whatever is there counts as having been there.
                self.unclear.discard(access)
                self.baseline[access] = there
                self.given_at[access] = self.number
                continue
            if self._was_revoked_last(access):
                self.baseline[access] = False
            assert there is self.baseline[access], f"{access}: nobody claims it"

    def _was_revoked_last(self, access: Access) -> bool:
        """Whether the last thing that happened to what was there without us is a request to take it away."""
        done = [
            _number(request.id)
            for request in self._requests()
            if request.state is RequestState.DONE
            and request.message.action == "revoke"
            and request.message.claim_of is None
            and _access_of(request) == access
        ]
        return bool(done) and max(done) > self.given_at.get(access, 0)

    def _unfinished(self) -> list[Request]:
        final = ENDS["request"]
        with self.stack.store.read() as work:
            ending = work.claims.recent(states=[ClaimState.ENDING, ClaimState.PENDING])
            requests = [request for request in work.requests.recent(limit=1000) if request.state not in final]
            return requests or [request for claim in ending if (request := work.requests.get(claim.request_id))]

    def _requests(self) -> list[Request]:
        with self.stack.store.read() as work:
            return list(work.requests.recent(limit=1000))

    def _claims(self, access: Access) -> list[Claim]:
        with self.stack.store.read() as work:
            return list(
                work.claims.on(access_key(access[0], None, EntitlementRef.parse(access[1])), states=list(ClaimState))
            )

    def _was_just_written(self, access: Access) -> bool:
        """Whether we wrote so lately that a look may still show the state before: then nobody can say whose the access is."""
        key = access_key(access[0], None, EntitlementRef.parse(access[1]))
        with self.stack.store.read() as work:
            last = work.operations.last_write_at(key, but="")
        return last is not None and self.stack.clock.now() < last + TERMS.visible_within

    def _is_being_worked_on(self, access: Access) -> bool:
        key = access_key(access[0], None, EntitlementRef.parse(access[1]))
        waiting = [request for request in self._unfinished() if _access_of(request) == access]
        living = [ClaimState.PENDING, ClaimState.ACTIVE, ClaimState.ENDING]
        with self.stack.store.read() as work:
            return bool(waiting or work.operations.not_over_at(key) or work.claims.on(key, states=living))

    def _do(self, issue: Issue) -> None:
        """What the ticket asks for, done by a person."""
        with self.stack.store.read() as work:
            operation = work.operations.get(issue.draft.data["operation"])
        assert operation is not None
        assert operation.account_id is not None
        self.stack.system.change(
            operation.account_id, str(operation.entitlement), present=operation.direction.wants_present
        )


def _who(access: Access, *, by_id: bool) -> dict[str, str]:
    return {"subject": f"id={access[0]}" if by_id else f"email={ACCOUNTS[access[0]]}"}


def _message(body: dict[str, str]) -> dict[str, object]:
    name, _, value = body["subject"].partition("=")
    return {**body, "subject": {name: value}}


def _access_of(request: Request) -> Access:
    who = request.message.subject
    account = next(id_ for id_, email in ACCOUNTS.items() if who.id == id_ or who.email == email)
    return account, str(request.message.entitlement)


def _number(request_id: str) -> int:
    return int(request_id.removeprefix("r"))


@pytest.mark.parametrize("lives", [6, pytest.param(larger(20, share=0.3), marks=pytest.mark.long)])
def test_whatever_happens_claims_take_away_their_own_and_nothing_else(
    migrated_sqlite: Path, memory: Path, lives: int
) -> None:
    machine = type("Lives", (Lives,), {"template": migrated_sqlite, "folder": memory})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=lives,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
