from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from access.clock import SystemClock
from access.entitlements import Entitlement, EntitlementRef
from access.failures import CredentialRefused, Permanent
from connectors.atlassian import AtlassianOrganization, IdentityProviderGroups, organization_client, organization_key
from connectors.jira import JiraConnector, api_token, jira_client
from connectors.reading import Shifted
from httpclient import ClientOptions, RetryPolicy
from simulator.jira import World
from simulator.jira.seeding import seed
from simulator.switches import change_switches
from simulator.systems import act
from tests.connectors.jira_reader_harness import ADMIN, SITE, TOKEN, JiraReaderHarness, add_group, jira_harness
from tests.httpclient.stub import TIMEOUTS, Reply, Stub

KEY = "stub-organization-key"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def harness() -> Iterator[JiraReaderHarness]:
    with jira_harness(organization=True) as made:
        yield made


@pytest.fixture
def stubbed(stub: Stub) -> Iterator[AtlassianOrganization]:
    options = ClientOptions(timeouts=TIMEOUTS, retry_policy=RetryPolicy.without_waits(1))
    client = organization_client(credential=organization_key(KEY), options=options, base_url=stub.url)
    yield AtlassianOrganization(client, "org-1")
    client.close()


class Later:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return SystemClock().now() + self.ahead


def names(organization: AtlassianOrganization) -> list[str]:
    return [group.name for page in organization.groups() for group in page]


def test_a_jira_token_is_no_organization_key(harness: JiraReaderHarness) -> None:
    with pytest.raises(CredentialRefused):
        names(harness.organization(TOKEN))


@pytest.mark.parametrize("end", ["absent", "null"])
def test_lists_are_read_to_their_end_by_cursors(harness: JiraReaderHarness, world: World, end: str) -> None:
    change_switches(harness.directory.switches, end_of_list=end)
    seed(world, users=230, groups=120, projects=0)
    organization = harness.organization()
    people = [person.accountId for page in organization.people() for person in page]
    assert sorted(people) == sorted(world.directory.users)
    assert sorted(names(organization)) == sorted(group.name for group in world.directory.groups.values())


@pytest.mark.parametrize(
    "following", ["next-1", "https://api.atlassian.com/admin/v2/x?limit=3&cursor=next-1", "?cursor=next-1"]
)
def test_a_cursor_may_come_bare_or_in_an_address(stub: Stub, stubbed: AtlassianOrganization, following: str) -> None:
    stub.will(
        Reply(body={"data": [{"id": "g1", "name": "one"}], "links": {"next": following}}),
        Reply(body={"data": [{"id": "g2", "name": "two"}]}),
    )
    assert names(stubbed) == ["one", "two"]
    assert stub.seen[1].body == b'{"cursor": "next-1"}'  # alone: what else is sent is ignored
    assert stub.seen[1].headers["authorization"] == f"Bearer {KEY}"


def test_an_address_without_a_cursor_is_not_the_end(stub: Stub, stubbed: AtlassianOrganization) -> None:
    stub.will(Reply(body={"data": [], "links": {"next": "https://api.atlassian.com/admin/v2/x?limit=3"}}))
    with pytest.raises(Permanent, match="next page"):
        names(stubbed)


def test_a_list_that_leads_in_a_circle_is_read_again(stub: Stub, stubbed: AtlassianOrganization) -> None:
    stub.will(*(Reply(body={"data": [{"id": "g1"}], "links": {"next": "round"}}) for _ in range(3)))
    with pytest.raises(Shifted):
        names(stubbed)


def test_the_id_of_a_group_may_be_a_resource_name(stub: Stub, stubbed: AtlassianOrganization) -> None:
    person = {"accountId": "712020:a", "groups": [{"id": "ari:cloud:identity::group/1234"}, {"id": "5678"}]}
    stub.will(Reply(body={"data": [person]}))
    assert next(stubbed.people(expand=("groups",)))[0].group_ids == {"1234", "5678"}


def test_a_search_is_repeated_when_the_connection_breaks(harness: JiraReaderHarness, world: World) -> None:
    seed(world, users=5, groups=2, projects=0)
    client = organization_client(
        credential=organization_key("sim-organization-key"),
        options=ClientOptions(timeouts=TIMEOUTS, retry_policy=RetryPolicy.without_waits(2)),
        base_url=harness.simulators.atlassian_url,
    )
    harness.simulators.faults.add(path="/groups/search", drop="before", times=1)
    assert names(AtlassianOrganization(client, world.organization.id))
    client.close()


def test_events_are_read_page_by_page_and_no_further_than_allowed(harness: JiraReaderHarness, world: World) -> None:
    seed(world, users=30, groups=25, projects=0, members_per_group=0)
    people = list(world.directory.users)[:30]
    for group in list(world.directory.groups.values())[:25]:
        for account_id in people:
            act(world, "add_member", group=group.id, account=account_id)
    organization = harness.organization()
    events = [event for page in organization.events(LONG_AGO, most_pages=2) for event in page]
    assert len(events) == len({event.id for event in events}) > 500
    assert {event.attributes.action for event in events} == {"user_added_to_group"}
    with pytest.raises(Permanent, match="more than 500"):
        list(organization.events(LONG_AGO, most_pages=1))


# Who owns a group


def test_a_group_of_an_identity_provider_is_external_and_others_are_not(
    harness: JiraReaderHarness, world: World
) -> None:
    synced = add_group(world, "synced", external_synced=True)
    plain = add_group(world, "plain")
    hidden = add_group(world, "system-administrators")
    external = IdentityProviderGroups(harness.organization(), SystemClock())
    assert [external(group.id) for group in (synced, plain, hidden)] == [True, False, False]


@pytest.mark.parametrize("synced", [True, False])
def test_an_answer_about_a_group_is_kept_for_a_while_and_not_for_ever(
    harness: JiraReaderHarness, world: World, *, synced: bool
) -> None:
    group = add_group(world, "team", external_synced=synced)
    clock = Later()
    external = IdentityProviderGroups(harness.organization(), clock)
    assert external(group.id) is synced
    world.directory.groups[group.id].external_synced = not synced
    assert external(group.id) is synced
    assert harness.calls().total() == 1
    clock.ahead = timedelta(minutes=11)
    assert external(group.id) is not synced


def test_a_connector_with_the_organization_leaves_external_groups_to_people(
    harness: JiraReaderHarness, world: World
) -> None:
    add_group(world, "synced", external_synced=True)
    options = ClientOptions(timeouts=TIMEOUTS)
    client = jira_client(base_url=harness.simulators.jira_url, credential=api_token(ADMIN, TOKEN), options=options)
    external = IdentityProviderGroups(harness.organization(), SystemClock())
    connector = JiraConnector(client, site=SITE, idp_groups=external)
    found = connector.find_entitlement(EntitlementRef.parse("jira:group:synced:member"))
    assert isinstance(found, Entitlement)
    assert "identity provider" in (found.by_person or "")
    client.close()
