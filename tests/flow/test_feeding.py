"""JumpCloud fills a Jira group, late, in part or not at all: what is said to be done is true, and a person is asked in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from shutil import copyfile

import pytest

from access.entitlements import System
from access.methods import Method
from access.people import AccountRef
from demo.patience import slowness
from simulator.provisioning import Connection
from simulator.systems import act
from store.queries.people import PersonNow
from tests.flow.simulated_stack import POLICY, SimulatedCompany, SimulatedStack

FEEDING, FED = "Feeding developers", "fed-developers"


class Filled:
    """A Provisor at work, and the connection that fills a Jira group."""

    def __init__(self, stack: SimulatedStack) -> None:
        self.stack = stack
        self.company = stack.company
        self.group = str(act(self.company.jumpcloud, "add_group", name=FEEDING)["id"])
        self.company.jira_group(FED)

    def connect(self, **how: int | bool) -> None:
        """How the provider passes changes on from now on."""
        self.company.simulators.provisioning.connect(Connection(groups={self.group: FED}, **how))

    def person(self) -> str:
        """Somebody whose accounts are known to be one person's."""
        email = self.company.person("fed")
        user, account = self.company.jumpcloud.user_ids[email], self.company.jira.user(email).account_id
        now = self.stack.process.provisor.services.clock.now()
        with self.stack.store.write() as work:
            work.persons.put(PersonNow(user, email, email, "active", None), now=now)
            work.persons.decide_join(user, AccountRef(System.JIRA, account), by="grace", reason="one", now=now)
        return email

    def ask(self, email: str) -> str:
        return self.stack.grant(email, f"jira:group:{FED}:member")

    def end_orphans(self) -> bool:
        self.stack.process.provisor.feeding.end_orphans()
        return True

    def has_both(self, email: str) -> tuple[bool, bool]:
        return self.company.in_jumpcloud(email, self.group), self.company.in_jira(email, FED)


@pytest.fixture(scope="module")
def filled(company: SimulatedCompany, memory: Path, migrated_sqlite: Path) -> Iterator[Filled]:
    file = memory / f"{token_hex(4)}.db"
    copyfile(migrated_sqlite, file)
    settings = company.settings(memory, f"sqlite:///{file}", limits={"propagation": f"{6 * slowness():.0f}s"})
    policy = memory / f"{token_hex(4)}.yaml"
    fed = f'rules:\n  - {{pattern: "jira:group:{FED}:member", fed_by: "jumpcloud:group:{FEEDING}:member"}}\n'
    policy.write_text(POLICY.replace("rules:\n", fed), encoding="utf-8")
    stack = SimulatedStack.prepared(company, settings | {"policy": str(policy)})
    worker = stack.worker_thread()
    worker.start()
    yield Filled(stack)
    worker.stop()
    stack.store.database.close()


def test_a_late_provider_is_waited_for_and_no_ticket_is_made(filled: Filled) -> None:
    filled.connect(delay_ms=500)
    email = filled.person()
    request = filled.ask(email)
    filled.stack.ended(request)
    assert filled.has_both(email) == (True, True)
    assert filled.stack.operations(request)[0].via is Method.PROPAGATION
    gone = filled.stack.revoke(email, f"jira:group:{FED}:member")
    filled.stack.ended(gone)
    assert filled.has_both(email) == (False, False)
    filled.stack.until(filled.end_orphans)
    assert filled.stack.claim_ended(request).state == "ended"
    assert filled.stack.tickets(request) + filled.stack.tickets(gone) == []


@pytest.mark.long
def test_what_the_provider_loses_or_is_stuck_with_becomes_a_ticket_and_is_done_when_it_is_seen(filled: Filled) -> None:
    for how in ({"lose_every": 1}, {"stuck": True}):
        filled.connect(**how)
        email = filled.person()
        request = filled.ask(email)
        ticket = filled.stack.ticket(request)
        assert filled.has_both(email) == (True, False)
        assert "has not passed it on" in filled.stack.text(ticket)
        # The person retries it in the provider's console.
        filled.company.simulators.provisioning.retry()
        act(filled.company.jira, "done", issue=ticket.issue_key)
        filled.stack.ended(request)
        assert filled.has_both(email) == (True, True)
