"""Random lives of one access under grants, extensions, revokes, ends and times in which Provisor was away, against a model.

The model knows of each grant until when it lasts. Access is there at every moment at which one of them lasts, and at no other.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from access.lifecycle import ClaimState, RequestState
from access.operations import Purpose
from store.database import Database
from store.unit_of_work import Store
from tests.fakes.local_stack import ADA, GROUP, LocalStack
from tests.larger import larger

NUMBERS = count()
SECOND = timedelta(seconds=1)
#: What comes in together: an action, which grant it is about, and for how many seconds.
asked = st.lists(
    st.tuples(
        st.sampled_from(["extend", "extend", "grant", "extend", "revoke", "revoke all"]),
        st.integers(0, 5),
        st.sampled_from([60, 300, 15]),
    ),
    max_size=3,
)


@dataclass
class Grant:
    """What the model knows of one grant: until when it lasts; None before it is given, and when it is over."""

    number: int
    end: datetime | None = None
    over: bool = False


@dataclass(frozen=True)
class Sent:
    """A request that is not taken up yet."""

    number: int
    action: str
    seconds: int = 0
    grant: int | None = None


class ExtendedLives(RuleBasedStateMachine):
    """One Provisor over doubles; its store is a file that each example gets afresh."""

    template: Path
    folder: Path

    def __init__(self) -> None:
        super().__init__()
        self.number = 0
        self.grants: dict[int, Grant] = {}
        self.sent: list[Sent] = []

    @initialize(there=st.booleans())
    def begin(self, *, there: bool) -> None:
        file = self.folder / f"{next(NUMBERS)}.db"
        shutil.copyfile(self.template, file)
        self.database = Database(f"sqlite:///{file}", pool_size=2)
        self.stack = LocalStack.over(Store(self.database))
        self.there_before = there
        self.stack.system.change(ADA, GROUP, present=there)
        self.send("grant", 60)
        self.work()

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.work()
            self.lasts(timedelta(hours=2))
            if not self.there_before:
                assert not self.stack.has()
            assert self.stack.unrecorded() == []
            self.database.close()

    # What comes in

    def send(self, action: str, lasting: int = 0, grant: int | None = None) -> None:
        self.number += 1
        more: dict[str, str] = {"duration": f"PT{lasting}S"} if lasting else {}
        if grant is not None:
            more["claim_of"] = f"r{grant}"
        about = {"id": f"r{self.number}", "action": action, "subject": {"id": ADA}, "entitlement": GROUP}
        self.stack.submit(**about | more)
        self.sent.append(Sent(self.number, action, lasting, grant))
        if action == "grant":
            self.grants[self.number] = Grant(self.number)

    @rule(asked=asked, away=st.sampled_from([0, 0, 15, 120]), lasting=st.sampled_from([0, 5, 90, 400]))
    def live(self, asked: list[tuple[str, int, int]], away: int, lasting: int) -> None:
        """Requests come in, Provisor may be away for a time, takes up everything that waits, and runs on."""
        for action, which, long in asked:
            meant = sorted(self.grants)[which % len(self.grants)] if self.grants else None
            if action == "grant" or meant is None:
                self.send("grant", long)
            elif action == "revoke all":
                self.send("revoke")
            else:
                self.send(action, long if action == "extend" else 0, meant)
        self.stack.clock.advance(away * SECOND)
        self.work()
        self.lasts(lasting * SECOND)

    def work(self) -> None:
        """Take up everything that waits: a worker that looks for it finds it after the marks of its wake-ups."""
        self.stack.publisher.wake_ups.clear()
        self.stack.clock.advance(10 * SECOND)
        now = self.stack.clock.now()
        self.stack.run()
        self.foresee(now)

    def lasts(self, lasting: timedelta) -> None:
        """Time passes while Provisor runs: looked at a moment before and after each end."""
        until = self.stack.clock.now() + lasting
        ends = {grant.end for grant in self.grants.values() if grant.end is not None and not grant.over}
        for end in sorted(end for end in ends if self.stack.clock.now() < end <= until):
            for moment in (end - timedelta(milliseconds=1), end):
                self.stack.run(max(moment - self.stack.clock.now(), timedelta(0)))
                self.end_what_is_due()
                self.access_is_there_exactly_while_something_lasts()
        self.stack.run(max(until - self.stack.clock.now(), timedelta(0)))

    # The model

    def foresee(self, now: datetime) -> None:
        """Extensions first, then ends, then what takes away and gives, in the order in which it came in."""
        for sent in self.sent:
            meant = self.grants.get(sent.grant or 0)
            if sent.action == "extend" and meant is not None and meant.end is not None and not meant.over:
                longer = meant.end + sent.seconds * SECOND
                meant.end = longer if longer > now else meant.end
        self.end_what_is_due()
        for sent in self.sent:
            if sent.action == "grant" and not self.grants[sent.number].over:
                self.grants[sent.number].end = now + sent.seconds * SECOND
            elif sent.action == "revoke":
                self.take(sent)
        self.sent.clear()

    def take(self, sent: Sent) -> None:
        earlier = [grant for grant in self.grants.values() if grant.number < sent.number]
        for grant in earlier:
            if sent.grant in (None, grant.number):
                grant.over = True
        later = any(grant.end is not None and not grant.over for grant in self.grants.values())
        if sent.grant is None and not later:
            self.there_before = False

    def end_what_is_due(self) -> None:
        now = self.stack.clock.now()
        for grant in self.grants.values():
            grant.over = grant.over or (grant.end is not None and grant.end <= now)

    # What holds

    @invariant()
    def access_is_there_exactly_while_something_lasts(self) -> None:
        if not hasattr(self, "stack") or self.sent:
            return
        lasting = [grant for grant in self.grants.values() if grant.end is not None and not grant.over]
        if any(grant.end is not None and grant.end <= self.stack.clock.now() for grant in lasting):
            return  # Provisor was away since.
        if lasting:
            assert self.stack.has(), f"{lasting} last"
        elif not self.there_before:
            assert not self.stack.has(), "nothing lasts"

    @invariant()
    def nothing_is_removed_for_a_claim_that_was_extended(self) -> None:
        if not hasattr(self, "stack"):
            return
        with self.stack.store.read() as work:
            claims = work.claims.recent(limit=None)
            for claim in claims:
                removals = work.operations.of_request(claim.request_id, purpose=Purpose.EXPIRY)
                extended = (claim.why_ended or "").startswith("extended by request")
                assert not (extended and removals), claim
                assert claim.state is not ClaimState.PENDING or self.sent, claim
            ids = [each.id for each in work.requests.recent(states=[RequestState.FAILED], limit=None)]
        assert ids == []


def test_access_is_there_while_a_grant_or_its_extension_lasts_and_at_no_other_moment(
    migrated_sqlite: Path, memory: Path
) -> None:
    machine = type("Machine", (ExtendedLives,), {"template": migrated_sqlite, "folder": memory})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=larger(4, share=0.3),
            stateful_step_count=10,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
