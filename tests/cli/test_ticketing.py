"""What people see of kinds of tickets and of tickets to come, before any is made."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from simulator.jira.projects import CustomField, FieldUse
from store.database import Database
from store.migrations import migrate
from store.unit_of_work import Store
from tests.cli.command_result import CommandResult
from tests.cli.doctor_harness import DoctorHarness
from tests.store.records import add_request, operation


@pytest.fixture
def site(harness: DoctorHarness) -> DoctorHarness:
    """A project whose tickets need a team."""
    options = [{"id": "1", "value": "Red"}, {"id": "2", "value": "Blue"}]
    field = CustomField("customfield_1", "Team", "option", custom="x:select", options=options)
    harness.jira.catalogue.fields[field.id] = field
    harness.jira.projects.by_id["10000"].fields[field.id] = FieldUse(required=True)
    return harness


def run(site: DoctorHarness, *words: str) -> CommandResult:
    return site.run("ticketing", *words, jira=site.jira_section())


def test_kinds_of_tickets_are_listed_and_one_is_shown_with_its_fields(site: DoctorHarness) -> None:
    listed = run(site, "schemas", "--json").json
    assert {"project": "ACC", "name": "Access Request"}.items() <= next(
        each for each in listed if each["name"] == "Access Request"
    ).items()
    shown = run(site, "schemas", "ACC", "access request", "--json").json
    [team] = [each for each in shown["fields"] if each["name"] == "Team"]
    assert (team["needed"], team["choices"]) == ("yes", "Red, Blue")
    assert run(site, "schemas", "ACC", "Nonsense").code == 1


@pytest.mark.parametrize(
    ("ticket", "code", "said"),
    [
        ({}, 1, "requires the field Team (customfield_1), which has no value"),
        ({"fields": {"Team": "Green"}}, 1, "does not take Green; it takes Red, Blue"),
        ({"fields": {"Team": "red"}}, 0, "It takes what policy sends"),
        ({"fields": {"Team": "red", "Nothing": "x"}}, 0, "has no field Nothing"),
        ({"fields": {"Team": "red"}, "statuses": {"done": ["Limbo", "category:done"]}}, 0, "has no status Limbo"),
        ({"fields": {"Team": "{{ facts.nothing }}"}}, 1, "template of the field Team cannot be rendered"),
        ({"fields": {"Team": "{% if facts.system == 'Jira' %}Red{% endif %}"}}, 0, "It takes what policy sends"),
    ],
)
def test_every_road_of_policy_is_compared_with_the_site(
    site: DoctorHarness, ticket: dict[str, Any], code: int, said: str
) -> None:
    site.policy["rules"].append({"pattern": "jira:group:*", "ticket": ticket})
    site.policy["ticket"]["fields"] = {"Team": "Blue"}
    if not ticket:
        del site.policy["ticket"]["fields"]
    found = run(site, "check", "--json")
    assert found.code == code
    assert any(said in each["what"] for each in found.json)
    assert site.wrote() == []


def test_a_ticket_is_shown_before_it_is_made(site: DoctorHarness) -> None:
    site.policy["ticket"]["fields"] = {"Team": "Red"}
    run(site, "check")
    url = yaml.safe_load(site.config.read_text())["store"]["url"]
    database = Database(url, pool_size=2)
    migrate(database)
    with Store(database).write() as work:
        add_request(work, "r1", reason="*urgent*")
        work.operations.add(operation("op1"))
    database.close()
    [shown] = run(site, "preview", "r1", "--json").json
    assert shown["summary"] == "Give Ada access: the group"
    assert (shown["fields"], shown["problems"]) == ({"Team": "Red"}, [])
    assert "urgent" in run(site, "preview", "r1").out
    assert run(site, "preview", "r2").code == 1
    assert site.wrote() == []
