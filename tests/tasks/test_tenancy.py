"""A system that is another organization or site than the store's is not used; nothing is decided about what waits for it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.entitlements import System
from access.failures import CredentialRefused
from access.lifecycle import ClaimState, RequestState
from access.tenants import Tenant
from store.unit_of_work import Store
from tasks.tenancy import Tenancy
from tests.fakes.local_stack import GROUP, LocalStack

MINUTE = timedelta(minutes=1)
OURS, OTHER = Tenant("o1", "Acme"), Tenant("o2", "Other Corp")


class Organization:
    """Whose credential is in the settings; None where the system does not say."""

    def __init__(self) -> None:
        self.tenant: Tenant | None = OURS
        self.asked = 0

    def find(self) -> Tenant | None:
        self.asked += 1
        return self.tenant


@pytest.fixture
def organization() -> Organization:
    return Organization()


@pytest.fixture
def stack(store: Store, organization: Organization) -> LocalStack:
    plain = LocalStack.over(store)
    tenancy = Tenancy(store, plain.clock, {System.JUMPCLOUD: organization.find})
    return LocalStack.over(store, like=plain, check_tenant=tenancy.check)


def test_what_is_due_waits_for_the_own_organization_and_nothing_is_decided(
    stack: LocalStack, organization: Organization
) -> None:
    """A11: the users and groups of another organization are not ours, which is no proof that ours are gone."""
    stack.grant("r1", seconds=600)
    stack.run()
    organization.tenant = OTHER
    stack.system.missing[GROUP] = True
    stack.run(15 * MINUTE)
    stack.grant("r2", group="jumpcloud:group:other:member")
    stack.revoke("r3", group="jumpcloud:group:third:member")
    stack.run(5 * MINUTE)
    assert stack.claim("r1").state is ClaimState.ENDING
    for name in ("r2", "r3"):
        assert stack.request(name).state is RequestState.RECEIVED
        assert "Other Corp (o2)" in (stack.request(name).reason or "")
    organization.tenant = OURS
    stack.system.missing.clear()
    stack.run(5 * MINUTE)
    assert not stack.has()
    assert stack.claim("r1").state is ClaimState.ENDED
    assert {stack.request(name).state for name in ("r2", "r3")} == {RequestState.DONE}


def test_another_organization_is_used_once_it_is_accepted(stack: LocalStack, organization: Organization) -> None:
    stack.grant("r1")
    stack.run()
    organization.tenant = OTHER
    stack.run(5 * MINUTE)
    stack.grant("r2", group="jumpcloud:group:other:member")
    stack.run(5 * MINUTE)
    assert stack.request("r2").state is RequestState.RECEIVED
    with stack.store.write() as work:
        work.tenants.accept(System.JUMPCLOUD, OTHER, now=stack.clock.now())
    stack.run(5 * MINUTE)
    assert stack.request("r2").state is RequestState.DONE


def test_a_system_is_asked_whose_it_is_once_a_minute(stack: LocalStack, organization: Organization) -> None:
    for number in range(20):
        stack.grant(f"r{number}", group=f"jumpcloud:group:g{number}:member")
    stack.run(timedelta(seconds=30))
    assert organization.asked == 1


def test_an_answer_counts_for_a_minute_and_no_longer(store: Store, organization: Organization) -> None:
    clock = LocalStack.over(store).clock
    tenancy = Tenancy(store, clock, {System.JUMPCLOUD: organization.find})
    for after, asked in ((0, 1), (59, 1), (1, 2)):
        clock.advance(timedelta(seconds=after))
        tenancy.check(System.JUMPCLOUD)
        assert organization.asked == asked


def test_a_system_that_does_not_say_whose_it_is_is_used(store: Store, organization: Organization) -> None:
    organization.tenant = None
    tenancy = Tenancy(store, LocalStack.over(store).clock, {System.JUMPCLOUD: organization.find})
    tenancy.check(System.JUMPCLOUD)
    tenancy.check(System.JIRA)
    with store.read() as work:
        assert work.tenants.of(System.JUMPCLOUD) is None


def test_every_process_goes_by_the_tenant_that_the_store_knows(store: Store, organization: Organization) -> None:
    clock = LocalStack.over(store).clock
    first, second = (Tenancy(store, clock, {System.JIRA: organization.find}) for _ in range(2))
    first.check(System.JIRA)
    organization.tenant = OTHER
    with pytest.raises(CredentialRefused, match="belongs to Acme"):
        second.check(System.JIRA)
