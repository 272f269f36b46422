"""JumpCloud fills groups of the Atlassian organization: late, stuck, in part, and all of it after a retry."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from simulator.jira import World as JiraWorld
from simulator.jira import act as jira_act
from simulator.jumpcloud import World as JumpCloudWorld
from simulator.server import Simulators
from tests.simulator.jira_client import Jira
from tests.simulator.jumpcloud_client import Clock, JumpCloud

SOURCE, TARGET = "Engineering", "jira-engineering"


class Company:
    """A JumpCloud and a Jira in one, and the connection between them."""

    def __init__(self, running: Simulators, jumpcloud: JumpCloud, jira: Jira) -> None:
        self.door = running.control_url
        self.jumpcloud, self.jira = jumpcloud, jira
        self.group = jumpcloud.group(SOURCE)

    def connect(self, **how: Any) -> requests.Response:
        return requests.put(f"{self.door}/provisioning", json={"groups": {SOURCE: TARGET}, **how}, timeout=300)

    def retry(self) -> int:
        changed: int = requests.post(f"{self.door}/provisioning/retry", timeout=300).json()["changed"]
        return changed

    def members(self) -> list[str]:
        answer = self.jira.get("/group/member", groupname=TARGET, includeInactiveUsers="true")
        return sorted(user["emailAddress"] for user in answer.json()["values"]) if answer.status_code == 200 else []


@pytest.fixture
def company(clock: Clock) -> Iterator[Company]:
    jumpcloud, jira = JumpCloudWorld(clock=clock), JiraWorld(clock=clock)
    with (
        Simulators(jumpcloud=jumpcloud, jira=jira) as running,
        JumpCloud(running, jumpcloud) as one,
        Jira(running, jira) as other,
    ):
        yield Company(running, one, other)


def test_a_member_in_jumpcloud_becomes_one_in_jira_after_the_delay(company: Company, clock: Clock) -> None:
    company.connect(delay_ms=60_000)
    user = company.jumpcloud.user()
    assert company.jumpcloud.change(company.group, "add", user).status_code == 204
    assert company.members() == []
    clock.pass_by(61)
    assert company.members() == ["ada@example.com"]
    company.jumpcloud.change(company.group, "remove", user)
    assert company.members() == ["ada@example.com"]
    clock.pass_by(61)
    assert company.members() == []


def test_a_group_that_jumpcloud_fills_refuses_changes_in_jira(company: Company) -> None:
    jira_act(company.jira.world, "create_group", name=TARGET)
    company.connect()
    group = company.jira.world.group(TARGET)
    body = {"accountId": company.jira.user("eve").account_id}
    assert company.jira.post("/group/user", body, groupId=group.id).status_code == 400
    assert group.external_synced


def test_a_stuck_connection_pushes_nothing_until_somebody_retries(company: Company) -> None:
    company.connect(stuck=True)
    company.jumpcloud.change(company.group, "add", company.jumpcloud.user())
    assert company.members() == []
    pending = requests.get(f"{company.door}/provisioning", timeout=300).json()["pending"]
    assert [(push["op"], push["email"]) for push in pending] == [("add", "ada@example.com")]
    assert (company.retry(), company.members()) == (1, ["ada@example.com"])


def test_a_lossy_connection_pushes_in_part(company: Company) -> None:
    company.connect(lose_every=2)
    for name in ("ada", "bob", "eve"):
        company.jumpcloud.change(company.group, "add", company.jumpcloud.user(name))
        company.members()
    assert company.members() == ["ada@example.com", "eve@example.com"]
    assert (company.retry(), len(company.members())) == (1, 3)


@pytest.mark.parametrize("deactivates", [True, False])
def test_somebody_suspended_in_jumpcloud_is_deactivated_in_jira(company: Company, *, deactivates: bool) -> None:
    company.connect(deactivates=deactivates)
    user = company.jumpcloud.user()
    company.jumpcloud.change(company.group, "add", user)
    assert company.members() == ["ada@example.com"]
    company.jumpcloud.act("suspend_user", user=user)
    assert company.members() == []
    assert company.jira.world.user("ada@example.com").active is not deactivates


def test_a_connection_needs_groups_that_are_there(company: Company) -> None:
    answer = requests.put(f"{company.door}/provisioning", json={"groups": {"None": TARGET}}, timeout=300)
    assert (answer.status_code, answer.json()["error"]) == (400, "There is no group 'None'.")


def test_a_connection_needs_both_systems(jira: Jira) -> None:
    door = f"{jira.simulators.control_url}/provisioning"
    answer = requests.put(door, json={"groups": {SOURCE: TARGET}}, timeout=300)
    assert (answer.status_code, "needs a JumpCloud" in answer.json()["error"]) == (400, True)
