"""Removals through faults of processes, brokers and databases (F): each is carried out once, and takes nobody else's access."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from access.clock import SystemClock
from access.lifecycle import ClaimState, RequestState
from simulator.systems import act
from tests.brokers.conftest import MakeSite
from tests.brokers.passing_faults import (
    AWAY,
    CUT,
    DATABASE_SILENT,
    FROZEN,
    KILLED,
    LEASES_LOST,
    SESSIONS_ENDED,
    SILENT,
    ProcessFaults,
)
from tests.brokers.proxy import Proxy
from tests.crash.process_stack import ProcessStack
from tests.larger import larger
from tests.machine import Amqp
from tests.proof import Case, Kept, Lost, Proof, Wrongful, promise

_NUMBERS = count(1)
ANYWHERE = (KILLED, FROZEN, CUT, AWAY, SILENT, LEASES_LOST)
POSTGRESQL_ONLY = (SESSIONS_ENDED, DATABASE_SILENT)


class Company:
    """One Provisor with proxies before its servers, in which limits of silence and leases are half a second."""

    def __init__(self, make_site: MakeSite, url: str, rabbitmq: Amqp, closing: ExitStack) -> None:
        broker = Proxy(rabbitmq.url)
        closing.callback(broker.close)
        self.database = None if url.startswith("sqlite") else Proxy(url)
        if self.database is not None:
            closing.callback(self.database.close)
        at = url if self.database is None else self.database.url
        self.stack: ProcessStack = make_site(
            at, rabbitmq, rabbitmq.publish, url=broker.url, worker={"lease": "0.5s"}, silence="0.5s"
        )
        self.stack.declare_queues()
        self.stack.up()
        self.stack.until(lambda: self.stack.worker.events()["provisor.up"], what="the start")
        self.faults = ProcessFaults(self.stack, broker, url, self.database)

    def ending(self) -> Ending:
        company = self.stack.company
        group, email, bystander = company.jumpcloud_group(), company.person(jira=False), company.person(jira=False)
        act(company.jumpcloud, "add_member", group=group, user=bystander)
        return Ending(self.stack, group, email, bystander)


class Ending:
    """One person's access to a group, in which somebody else is who keeps it."""

    def __init__(self, stack: ProcessStack, group: str, email: str, bystander: str) -> None:
        self.stack, self.group, self.email, self.bystander = stack, group, email, bystander
        self.ref = f"jumpcloud:group:{group}:member"
        self.request = ""

    def given(self) -> None:
        self.request = self.stack.grant(self.email, self.ref, duration="PT1H")
        self.stack.ended(self.request)

    def begin(self, road: str) -> str:
        """The time is up, or it is revoked: what has to come about."""
        if road == "revoke":
            return self.stack.revoke(self.email, self.ref)
        now = SystemClock().now()
        with self.stack.store.write() as work:
            claim = work.claims.of_request(self.request)
            assert claim is not None
            work.claims.set(claim.id, ends_at=now - timedelta(seconds=1), due_at=now)
        return ""

    def check(self, revoke: str, case: Case) -> None:
        over = False
        try:
            if revoke:
                self.stack.ended(revoke, state=RequestState.DONE)
            over = self.stack.claim_ended(self.request).state is ClaimState.ENDED
        except AssertionError as exc:
            raise Lost(self.request, revoke) from exc
        finally:
            case.removal(done=over)
        promise(Kept, not self.stack.company.in_jumpcloud(self.email, self.group), self.request)
        promise(Wrongful, self.stack.changes(self.group, self.email) == ["add", "remove"], self.request)
        promise(Wrongful, self.stack.changes(self.group, self.bystander) == ["add"], self.request)


@pytest.fixture
def company(make_site: MakeSite, url: str, rabbitmq: Amqp, request: pytest.FixtureRequest) -> Iterator[Company]:
    with ExitStack() as closing:
        yield Company(make_site, request.getfixturevalue(url), rabbitmq, closing)


#: Each case tries all faults one after the other, in any order: so each fires as often as there are cases.
CASES = pytest.mark.parametrize(
    ("url", "cases"),
    [
        pytest.param("sqlite_url", larger(4, share=0.07), marks=pytest.mark.long),
        pytest.param("postgresql_url", larger(4, share=0.07), marks=pytest.mark.long),
    ],
)


@CASES
@pytest.mark.timeout(1800)
def test_f_removals_are_carried_out_once_whatever_fails_meanwhile(company: Company, url: str, cases: int) -> None:
    stack = company.stack
    always = POSTGRESQL_ONLY if url == "postgresql_url" else ()
    proof = Proof("F", on=stack.store.database.engine.dialect.name, faults=(*always, *ANYWHERE))

    @settings(
        max_examples=cases,
        deadline=None,
        phases=(Phase.generate,),
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(st.permutations(ANYWHERE), st.lists(st.sampled_from(("revoke", "expiry")), min_size=8, max_size=8))
    def holds(order: list[str], roads: list[str]) -> None:
        with proof.case(order, roads) as case:
            for fault, road in zip((*always, *order), roads, strict=False):
                ending = company.ending()
                ending.given()
                revoke = ending.begin(road)
                company.faults.come(fault)
                company.faults.go()
                ending.check(revoke, case)
            case.faults.update(company.faults.fired)
            company.faults.fired.clear()

    holds()
