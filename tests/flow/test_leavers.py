"""A person leaves, over both systems: what a snapshot notices, what two reads prove, and what goes, in truth."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from secrets import token_hex
from shutil import copyfile

import pytest

from access.entitlements import System
from access.leavers import Leaver
from access.lifecycle import LeaverState
from access.plans import Plan
from simulator.systems import act
from tests.flow.simulated_stack import SimulatedCompany, SimulatedStack
from worker.composition import Provisor


class Office:
    """A Provisor at work on the company, whose periodic work a test begins."""

    def __init__(self, stack: SimulatedStack) -> None:
        self.stack = stack
        self.company = stack.company
        self.provisor: Provisor = stack.process.provisor

    def sync(self) -> None:
        """Take complete snapshots of both systems, and derive persons."""
        for system in System:
            run_id = self.provisor.syncing.begin(system)
            self.provisor.syncing.work(run_id)
            self.stack.until(partial(self._is_complete, run_id), what=f"snapshot of {system}")
        self.provisor.people.refresh()

    def _is_complete(self, run_id: str) -> bool:
        with self.stack.store.read() as work:
            run = work.sync_runs.get(run_id)
        assert run is not None
        assert run.state != "failed", run.error
        return run.state == "complete"

    def user(self, email: str) -> str:
        return self.company.jumpcloud.user_ids[email]

    def leaver(self, person: str) -> Leaver | None:
        with self.stack.store.read() as work:
            return work.leavers.latest_of(person)

    def plans(self, person: str) -> list[Plan]:
        with self.stack.store.read() as work:
            found = work.leavers.latest_of(person)
            return [] if found is None else list(work.leavers.plans_of(found))

    def until(self, person: str, state: LeaverState) -> None:
        """Go on reading and carrying plans out until a leaver is in this state."""

        def there() -> bool:
            self.provisor.leavers.advance()
            self.provisor.plans.run_due()
            found = self.leaver(person)
            return found is not None and found.state is state

        self.stack.until(there, what=f"{person} being {state}")

    def until_plan(self, plan: Plan, state: str) -> None:
        def there() -> bool:
            self.provisor.plans.run_due()
            return any(each.state == state for each in self.plans(plan.person or "") if each.id == plan.id)

        self.stack.until(there, what=f"plan {plan.id} being {state}")


@pytest.fixture(scope="module")
def office(company: SimulatedCompany, memory: Path, migrated_sqlite: Path) -> Iterator[Office]:
    file = memory / f"{token_hex(4)}.db"
    copyfile(migrated_sqlite, file)
    settings = company.settings(
        memory,
        f"sqlite:///{file}",
        people={"domains": ["example.com"]},
        sync={"use_events": False, "jumpcloud_method": "listing"},
    )
    stack = SimulatedStack.prepared(company, settings)
    worker = stack.worker_thread()
    worker.start()
    yield Office(stack)
    worker.stop()
    stack.store.database.close()


def test_a_leaver_is_followed_from_the_suspension_to_the_deletion(office: Office) -> None:
    company, stack = office.company, office.stack
    email, team, timed = company.person("ada"), company.jumpcloud_group("team"), company.jumpcloud_group("timed")
    developers = company.jira_group()
    person = office.user(email)
    company.person("bob")  # An empty list of users would prove nothing.
    act(company.jumpcloud, "add_member", group=team, user=email)
    act(company.jira, "add_member", group=developers, account=email)
    claim = stack.grant(email, f"jumpcloud:group:{timed}:member", duration="PT8H")
    stack.ended(claim)
    for _ in range(2):
        office.sync()

    # A false alarm: suspended in the snapshot, and not when she is read singly.
    act(company.jumpcloud, "suspend_user", user=email)
    office.sync()
    act(company.jumpcloud, "change_user", user=email, suspended=False, state="ACTIVATED")
    office.until(person, LeaverState.FALSE_ALARM)
    office.sync()
    assert (company.in_jumpcloud(email, team), company.in_jumpcloud(email, timed)) == (True, True)
    assert company.in_jira(email, developers)
    assert office.plans(person) == []

    # Suspended: access for a time ends, the rest waits for an approval.
    act(company.jumpcloud, "suspend_user", user=email)
    office.sync()
    office.until(person, LeaverState.LEFT)
    timed_plan, rest = office.plans(person)
    office.until_plan(timed_plan, "done")
    assert (company.in_jumpcloud(email, team), company.in_jumpcloud(email, timed)) == (True, False)
    assert company.in_jira(email, developers)
    assert (rest.state, rest.automatic) == ("open", False)

    # Deleted: all of it goes, by itself. Her Jira account is left to a person, by a ticket.
    act(company.jumpcloud, "delete_user", user=email)
    office.sync()
    office.until(person, LeaverState.LEFT)
    last = office.plans(person)[-1]
    assert (last.automatic, "everything, pre-existing access too" in last.title) == (True, True)
    office.provisor.plans.run_due()
    stack.until(lambda: not company.in_jira(email, developers), what="the end of her membership in Jira")
    account = next(line for line in _lines(office, last) if line["reaction"] == "deprovision")
    ticket = stack.ticket(str(account["id"]))
    act(company.jira, "deactivate", account=email)
    act(company.jira, "done", issue=ticket.issue_key)
    office.until_plan(last, "done")
    assert stack.claim_ended(claim).state == "ended"


def _lines(office: Office, plan: Plan) -> list[dict[str, object]]:
    with office.stack.store.read() as work:
        found = work.leavers.latest_of(plan.person or "")
        assert found is not None
        return [dict(line) for line in work.leavers.lines(found) if line["plan_id"] == plan.id]
