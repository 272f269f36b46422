from __future__ import annotations

from typing import Any

import pytest

from connectors.jira.client import api_token, jira_client
from httpclient import ClientOptions, Timeouts
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from simulator.switches import change_switches
from tests.cli.doctor_harness import SCOPED, SCOPES, DoctorHarness
from ticketing.jira import JiraTicketProvider
from ticketing.ports import Phase, TicketDraft, TicketRef


def said(harness: DoctorHarness, outcome: str = "problem", **sections: Any) -> list[str]:
    return harness.said("ticketing", outcome=outcome, **({"jira": harness.jira_section()} | sections))


@pytest.fixture
def provider(harness: DoctorHarness) -> JiraTicketProvider:
    url = harness.simulators.jira_url
    options = ClientOptions(timeouts=Timeouts.of(connect=10, read=10))
    client = jira_client(base_url=url, credential=api_token(ADMIN_EMAIL, ADMIN_TOKEN), options=options)
    return JiraTicketProvider(client, site_url=url)


def ticket(provider: JiraTicketProvider) -> TicketRef:
    draft = TicketDraft("marker", "ACC", "Access Request", "Give Ada access", "Please.", {"operation": "op1"})
    return provider.create(draft)


def test_tickets_that_can_be_made_have_no_problem(harness: DoctorHarness) -> None:
    assert said(harness) == []
    assert said(harness, "ok")[1:] == [
        "Tickets of type Access Request can be made in ACC.",
        "The end of a ticket, and a refusal, can be told in ACC.",
    ]
    assert said(harness, "unknown") == [
        "There is no closed Access Request in ACC to see whether one can be reopened.",
        "There is no open Access Request in ACC to see whether one can be withdrawn.",
    ]
    assert harness.wrote() == []


def test_tickets_that_are_there_show_the_way_back_and_the_way_out(
    harness: DoctorHarness, provider: JiraTicketProvider
) -> None:
    provider.transition(ticket(provider), Phase.DECLINED)
    ticket(provider)
    assert said(harness) == []
    shown = said(harness, "ok")[3:]
    assert [each.rpartition(" (seen at ")[2] for each in shown] == ["ACC-1).", "ACC-2)."]
    assert "can be reopened, by " in shown[0]
    assert "can be withdrawn, by " in shown[1]


def test_a_workflow_without_a_way_back(harness: DoctorHarness, provider: JiraTicketProvider) -> None:
    change_switches(harness.jira.switches, reopen_transition=False)
    closed = provider.transition(ticket(provider), Phase.DECLINED)
    assert said(harness) == [
        (
            f"A ticket in {closed.status} cannot be reopened: the workflow of ACC has no such transition (seen at ACC-1). "
            f"Add a transition from {closed.status} back to an open status, or let Provisor's account use it."
        )
    ]


def test_every_project_that_the_policy_names_is_looked_at(harness: DoctorHarness) -> None:
    harness.policy["rules"].append({"pattern": "jumpcloud:*", "ticket": {"project": "NONE"}})
    assert said(harness) == [
        (
            "There is no Jira project NONE that Provisor's account may see. "
            "Correct the project's key, or give the account Browse projects there."
        )
    ]


def test_names_for_a_refusal_that_no_status_has(harness: DoctorHarness) -> None:
    ticketing = {"declined_statuses": ["Nope"], "declined_resolutions": ["Never"]}
    assert said(harness, ticketing=ticketing) == []
    (warning,) = said(harness, "warning", ticketing=ticketing)
    assert warning.startswith(
        "No closed status of Access Request in ACC and no resolution is called what means declined, "
        "so every closed ticket says that it was done. Name yours in ticketing.declined_statuses"
    )


@pytest.mark.parametrize("by_id", [True, False])
def test_statuses_are_those_of_the_type_that_tickets_get(harness: DoctorHarness, *, by_id: bool) -> None:
    """A project has other types, and they may have other statuses."""
    kind = next(each for each in harness.jira.catalogue.issue_types.values() if each.name == "Access Request")

    def shown(type_id: str, name: str, status: str) -> dict[str, Any]:
        return {"id": type_id, "name": name, "statuses": [{"name": status, "statusCategory": {"key": "done"}}]}

    if by_id:
        harness.policy["ticket"]["issue_type"] = kind.id
    body = [shown("1", "Bug", "Refused"), shown(kind.id, kind.name, "Closed"), shown("3", "Story", "Refused")]
    harness.simulators.faults.add(path="/project/ACC/statuses$", status=200, body=body)
    (warning,) = said(harness, "warning", ticketing={"declined_statuses": ["Refused"], "declined_resolutions": []})
    assert warning.endswith("it has Closed.")


def test_a_resolution_alone_may_tell_a_refusal(harness: DoctorHarness) -> None:
    ticketing = {"declined_statuses": ["Nope"], "declined_resolutions": ["Won't Do"]}
    assert said(harness, "warning", ticketing=ticketing) == []


def test_a_token_that_may_only_read(harness: DoctorHarness) -> None:
    harness.scoped_token(*(each for each in SCOPES if each != "write:jira-work"))
    assert said(harness, jira=harness.gateway_section())[0] == (
        "The token lacks the scope write:jira-work, which making tickets needs. "
        "Make a new token with it; a token's scopes cannot be changed."
    )


def test_a_ticketing_site_of_its_own_is_named_in_what_to_change(harness: DoctorHarness) -> None:
    own = harness.jira_section(api_token="not-the-token")
    (problem,) = said(harness, ticketing={"jira": own})
    assert "Correct ticketing.jira.email, or make a new token and set ticketing.jira.api_token" in problem
    harness.scoped_token(*SCOPES)
    assert said(harness, ticketing={"jira": harness.gateway_section(api_token=SCOPED)}) == []


def test_no_ticketing_at_all_is_a_warning(harness: DoctorHarness) -> None:
    assert harness.said("ticketing", outcome="warning", jumpcloud=harness.jumpcloud_section()) == [
        "No ticketing is connected, so what no API can do fails. Set a credential under jira or ticketing.jira."
    ]


def test_a_due_date_is_proven_where_tickets_get_one(harness: DoctorHarness) -> None:
    """C6."""
    project = next(each for each in harness.jira.projects.by_id.values() if each.key == "ACC")
    project.off_screen.append("duedate")
    assert said(harness) == []
    [problem] = said(harness, ticketing={"project": "ACC", "issue_type": "Access Request", "due_days": 3})
    assert "no field duedate on its create screen" in problem


def test_what_policy_says_of_fields_and_statuses_is_compared_with_the_project(harness: DoctorHarness) -> None:
    harness.policy["ticket"]["fields"] = {"priority": "Unheard of"}
    [problem] = said(harness)
    assert "does not take Unheard of; it takes " in problem
    harness.policy["ticket"] |= {"fields": {"priority": "{{ facts.nothing }}"}}
    [problem] = said(harness)
    assert "The template of the field priority cannot be rendered" in problem
    harness.policy["ticket"] |= {"fields": {"priority": "High"}, "statuses": {"done": ["Limbo", "category:done"]}}
    [problem] = said(harness)
    assert "has no status Limbo" in problem
