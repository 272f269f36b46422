"""Facts about Atlassian administration that the published documents leave open, each with both of its values."""

import base64
import json
from typing import Any

import pytest
import requests

from tests.simulator.atlassian_client import Atlassian
from tests.simulator.jumpcloud_client import Clock


@pytest.mark.parametrize("status", [404, 204])
def test_removing_somebody_twice(atlassian: Atlassian, status: int) -> None:
    atlassian.switch(repeated_remove_status=status)
    user = f"{atlassian.directory}/users/{atlassian.person()}"
    assert atlassian.call("DELETE", user).status_code == 204
    assert atlassian.call("DELETE", user).status_code == status
    assert atlassian.call("DELETE", f"{atlassian.directory}/users/nobody").status_code == 404


@pytest.mark.parametrize(("shown", "seen"), [("per_profile", ["Ada"]), ("shown", ["Ada", "Bob"])])
def test_the_directory_shows_hidden_addresses_of_managed_accounts_and_of_others_when_switched(
    atlassian: Atlassian, shown: str, seen: list[str]
) -> None:
    atlassian.switch(unmanaged_emails=shown)
    people = [atlassian.person("ada"), atlassian.person("bob", managed=False)]
    for person in people:
        atlassian.act("change_profile", account=person, hidden=True)
    assert sorted(user["name"] for user in atlassian.users(accountIds=people) if "email" in user) == seen


@pytest.mark.parametrize(("days", "kept"), [(180, 1), (30, 0)])
def test_the_log_keeps_events_for_so_many_days(atlassian: Atlassian, clock: Clock, days: int, kept: int) -> None:
    atlassian.switch(event_retention_days=days)
    atlassian.person()
    clock.pass_by(31 * 86_400)
    assert len(atlassian.get(f"{atlassian.v1}/events", action="user_invited").json()["data"]) == kept


@pytest.mark.parametrize("mark", [{}, [], True, "x", -1, 1.5])
@pytest.mark.parametrize(
    "path", ["{v1}/events", "{v1}/events-stream", "{v1}/users", "{directory}/users", "{directory}/groups"]
)
def test_a_cursor_that_somebody_made_up_breaks_nothing(atlassian: Atlassian, path: str, mark: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps({"q": {}, "a": mark}).encode()).decode().rstrip("=")
    address = path.format(v1=atlassian.v1, directory=atlassian.directory)
    assert atlassian.get(address, cursor=cursor).status_code in {200, 400}


def test_texts_of_a_profile_may_hold_anything(atlassian: Atlassian) -> None:
    person = atlassian.person()
    name = "nul \0 half \ud800 end"
    atlassian.act("change_profile", account=person, name=name)
    found = atlassian.get(f"{atlassian.directory}/users/{person}").json()["data"]
    assert found["name"] == name
    assert requests.get(f"{atlassian.simulators.control_url}/state", timeout=300).status_code == 200


def test_the_organization_gets_another_identity(atlassian: Atlassian) -> None:
    atlassian.act("set_site", organization_id="22222222-0000-4000-8000-000000000000")
    assert atlassian.get("/admin/v1/orgs").json()["data"][0]["id"] == "22222222-0000-4000-8000-000000000000"
    assert atlassian.get(atlassian.v1).status_code == 404
