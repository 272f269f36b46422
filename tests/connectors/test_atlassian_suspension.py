"""Accounts are shut through the organization: seen in Jira itself, with the seats of each product."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from access.entitlements import EntitlementRef, ResourceKind, System
from access.failures import Permanent
from access.guard import Guarded, Terms
from access.methods import Direction
from connectors.jira import JiraConnector, api_token, jira_client
from connectors.ports import Target
from httpclient import ClientOptions, RetryPolicy
from simulator.switches import change_switches
from simulator.systems import act
from tests.connectors.jira_reader_harness import ADMIN, SITE, TOKEN, JiraReaderHarness, jira_harness
from tests.httpclient.stub import TIMEOUTS

ACCOUNT = EntitlementRef(System.JIRA, ResourceKind.ACCOUNT, ())


@pytest.fixture
def harness() -> Iterator[JiraReaderHarness]:
    with jira_harness(organization=True) as made:
        yield made


@pytest.fixture
def connector(harness: JiraReaderHarness) -> Iterator[JiraConnector]:
    client = jira_client(
        base_url=harness.simulators.jira_url,
        credential=api_token(ADMIN, TOKEN),
        options=ClientOptions(timeouts=TIMEOUTS, retry_policy=RetryPolicy.without_waits(1)),
    )
    yield JiraConnector(client, site=SITE, suspension=harness.organization().suspension())
    client.close()


@pytest.fixture
def ada(harness: JiraReaderHarness) -> str:
    made = act(harness.world, "create_user", email="ada@example.com", name="Ada")
    products = harness.world.administration.access_groups(["jira-software"])[0]
    act(harness.world, "add_member", group=products.name, account=made["account_id"])
    return str(made["account_id"])


def test_an_account_is_suspended_and_seen_shut_with_no_seat_left(connector: JiraConnector, ada: str) -> None:
    target = Target(ACCOUNT, ada)
    assert connector.automates(ResourceKind.ACCOUNT, Direction.TAKE)
    assert connector.observe(target).present
    for _ in range(2):
        connector.take(target)
        seen = connector.observe(target)
        assert not seen.present
        assert seen.evidence.endswith("In the organization no product has a seat of it.")


@pytest.mark.parametrize("status", [400, 403])
def test_whom_the_organization_does_not_suspend_is_left_to_a_person(
    harness: JiraReaderHarness, connector: JiraConnector, ada: str, status: int
) -> None:
    change_switches(harness.directory.switches, protected_user_status=status)
    harness.directory.platform_roles[ada] = ["atlassian/org-admin"]
    with pytest.raises(Permanent, match="does not suspend account") as refused:
        connector.take(Target(ACCOUNT, ada))
    assert refused.value.status is None, "else it would be waited for"
    assert connector.observe(Target(ACCOUNT, ada)).present


def test_somebody_whom_the_organization_does_not_know_is_left_to_a_person(connector: JiraConnector) -> None:
    with pytest.raises(Permanent, match="does not suspend account"):
        connector.take(Target(ACCOUNT, "557058:nobody"))


def test_the_guard_stands_before_a_suspension_too(connector: JiraConnector, ada: str) -> None:
    with pytest.raises(Guarded):
        connector.take(Target(ACCOUNT, ada, terms=Terms(protected_accounts=(ada,))))
    assert connector.observe(Target(ACCOUNT, ada)).present


def test_without_a_suspension_a_person_shuts_accounts(harness: JiraReaderHarness, connector: JiraConnector) -> None:
    plain = JiraConnector(connector.client, site=SITE)
    assert not plain.automates(ResourceKind.ACCOUNT, Direction.TAKE)
    with pytest.raises(Permanent):
        plain.take(Target(ACCOUNT, "557058:nobody"))
