"""Lists are asked for in pages as large as the service allows: smaller ones cost calls, larger ones are refused or cut."""

from __future__ import annotations

import json
from collections import defaultdict
from urllib.parse import parse_qs
from urllib.request import urlopen

from access.accounts import Subject
from access.entitlements import EntitlementRef
from simulator.server import Simulators
from tests.connectors.jira_reader_harness import jira_harness
from tests.connectors.jumpcloud_reader_harness import JumpCloudReaderHarness
from tests.connectors.simulated_jira import NO_SUCH_ACCOUNT, NO_SUCH_GROUP, SimulatedJira
from tests.connectors.simulated_jumpcloud import NO_SUCH_ID, SimulatedJumpCloud


def asked(simulators: Simulators) -> dict[str, set[int]]:
    """The sizes of pages that were asked for, by route, from the simulator's own book."""
    found: defaultdict[str, set[int]] = defaultdict(set)
    with urlopen(f"{simulators.control_url}/requests?last=500") as answer:  # noqa: S310 - ours
        for call in json.load(answer)["latest"]:
            query = parse_qs(call["query"])
            sizes = {int(size) for name in ("maxResults", "limit") for size in query.get(name, ())}
            if sizes:
                found[call["route"].removeprefix("/rest/api/3").removeprefix("/api")] |= sizes
    return dict(found)


def test_a_snapshot_of_jumpcloud_is_read_by_the_hundred(harness: JumpCloudReaderHarness) -> None:
    harness.seed()
    harness.take(harness.reader())
    assert asked(harness.simulators) == {
        "/organizations": {1},
        "/systemusers": {100},
        "/users": {100},
        "/v2/roles": {100},
        "/v2/usergroups": {100},
        "/v2/usergroups/{group_id}/members": {100},
        "/applications": {100},
        "/v2/applications/{application_id}/associations": {100},
    }


def test_a_snapshot_of_jira_is_read_by_what_each_list_allows() -> None:
    with jira_harness() as harness:
        harness.take(harness.reader())
        assert asked(harness.simulators) == {
            "/users/search": {1000},
            "/group/bulk": {1000},
            "/group/member": {50},
            "/project/search": {100},
        }


def test_the_connector_of_jumpcloud_looks_by_the_hundred(company: SimulatedJumpCloud) -> None:
    connector = company.connector
    connector.find_account(Subject(email="nobody@example.com"))
    connector.find_entitlement(EntitlementRef.parse("jumpcloud:group:no such:member"))
    connector.observe(company.target())
    connector.proof_of_gone(company.target(user=NO_SUCH_ID))
    connector.proof_of_gone(company.target(group=NO_SUCH_ID))
    assert asked(company.simulators) == {
        "/organizations": {1},
        "/systemusers": {100},
        "/v2/usergroups": {100},
        "/v2/users/{user_id}/memberof": {100},
    }


def test_the_connector_of_jira_looks_by_what_each_list_allows(site: SimulatedJira) -> None:
    connector = site.connector
    connector.find_account(Subject(email="nobody@example.com"))
    connector.find_entitlement(EntitlementRef.parse("jira:group:no such:member"))
    connector.find_entitlement(EntitlementRef.parse("jira:project-role:no such:Developers:assigned"))
    connector.observe(site.member())
    connector.give(site.member())
    connector.is_last_holder(site.member().entitlement, site.alice)
    connector.proof_of_gone(site.member(NO_SUCH_ACCOUNT))
    connector.proof_of_gone(site.member(group=NO_SUCH_GROUP))
    connector.proof_of_gone(site.actor(project="99999"))
    assert asked(site.simulators) == {
        "/user/search": {50},
        "/users/search": {1000},
        "/group/bulk": {50},
        "/group/member": {50},
        "/groups/picker": {50},
        "/project/search": {100},
    }
