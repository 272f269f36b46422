from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from access.clock import SystemClock
from simulator.jira import World as JiraWorld
from simulator.jira.projects import CustomField, FieldUse
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from simulator.jumpcloud import World
from simulator.server import Simulators
from simulator.switches import change_switches
from tests.cli.clinic import SCOPED, SCOPES, Clinic
from tests.cli.ran import Run
from ticketing.jira import JiraSite, JiraTicketProvider
from ticketing.ports import TicketDraft, TicketRef


@pytest.fixture
def clinic(provisor: Run, tmp_path: Path) -> Iterator[Clinic]:
    jumpcloud, jira = World(), JiraWorld()
    with Simulators(jumpcloud=jumpcloud, jira=jira) as simulators:
        yield Clinic(simulators, jumpcloud, jira, provisor, tmp_path)


def said(clinic: Clinic, outcome: str = "problem", **sections: Any) -> list[str]:
    return clinic.said("ticketing", outcome=outcome, **({"jira": clinic.jira_section()} | sections))


@pytest.fixture
def provider(clinic: Clinic) -> JiraTicketProvider:
    site = JiraSite(site_url=clinic.simulators.jira_url, email=ADMIN_EMAIL, token=ADMIN_TOKEN)
    return JiraTicketProvider(site, clock=SystemClock())


def ticket(provider: JiraTicketProvider) -> TicketRef:
    draft = TicketDraft("marker", "ACC", "Access Request", "Give Ada access", "Please.", {"operation": "op1"})
    return provider.create(draft)


def test_tickets_that_can_be_made_have_no_problem(clinic: Clinic) -> None:
    assert said(clinic) == []
    assert said(clinic, "ok")[1:] == [
        "Tickets of type Access Request can be made in ACC.",
        "The end of a ticket, and a refusal, can be told in ACC.",
    ]
    assert said(clinic, "unknown") == [
        "There is no closed Access Request in ACC to see whether one can be reopened.",
        "There is no open Access Request in ACC to see whether one can be withdrawn.",
    ]
    assert clinic.wrote() == []


def test_tickets_that_are_there_show_the_way_back_and_the_way_out(clinic: Clinic, provider: JiraTicketProvider) -> None:
    provider.close(ticket(provider))
    ticket(provider)
    assert said(clinic) == []
    shown = said(clinic, "ok")[3:]
    assert [each.rpartition(" (seen at ")[2] for each in shown] == ["ACC-1).", "ACC-2)."]
    assert "can be reopened, by " in shown[0]
    assert "can be withdrawn, by " in shown[1]


def test_a_workflow_without_a_way_back(clinic: Clinic, provider: JiraTicketProvider) -> None:
    change_switches(clinic.jira.switches, reopen_transition=False)
    closed = provider.close(ticket(provider))
    assert said(clinic) == [
        (
            f"A ticket in {closed.status} cannot be reopened: the workflow of ACC has no such transition (seen at ACC-1). "
            f"Add a transition from {closed.status} back to an open status, or let Provisor's account use it."
        )
    ]


def test_a_project_that_is_not_there(clinic: Clinic) -> None:
    clinic.policy["ticket"]["project"] = "NONE"
    assert said(clinic) == [
        (
            "There is no Jira project NONE that Provisor's account may see. "
            "Correct the project's key, or give the account Browse projects there."
        )
    ]


def test_every_project_that_the_policy_names_is_looked_at(clinic: Clinic) -> None:
    clinic.policy["rules"].append({"pattern": "jumpcloud:*", "ticket": {"project": "NONE"}})
    assert [each.split()[5] for each in said(clinic)] == ["NONE"]


def test_an_issue_type_that_is_not_there(clinic: Clinic) -> None:
    clinic.policy["ticket"]["issue_type"] = "Nonsense"
    (problem,) = said(clinic)
    assert problem.startswith("The project ACC has no issue type Nonsense. Use one of: ")


def test_a_permission_that_is_missing(clinic: Clinic) -> None:
    clinic.deny("TRANSITION_ISSUES", "10000")
    assert said(clinic)[0] == (
        "Provisor's account lacks the permission Transition issues in ACC, which it needs to reopen and close tickets. "
        "Give it Transition issues in the permission scheme of ACC."
    )


def test_a_required_field_that_has_no_value(clinic: Clinic) -> None:
    clinic.jira.catalogue.fields["customfield_10001"] = CustomField("customfield_10001", "Cost centre")
    clinic.jira.projects.by_id["10000"].fields["customfield_10001"] = FieldUse(required=True)
    (problem,) = said(clinic)
    assert problem.startswith("Access Request in ACC requires the field Cost centre (customfield_10001)")


def test_names_for_a_refusal_that_no_status_has(clinic: Clinic) -> None:
    ticketing = {"declined_statuses": ["Nope"], "declined_resolutions": ["Never"]}
    assert said(clinic, ticketing=ticketing) == []
    (warning,) = said(clinic, "warning", ticketing=ticketing)
    assert warning.startswith(
        "No closed status of Access Request in ACC and no resolution is called what means declined, "
        "so every closed ticket says that it was done. Name yours in ticketing.declined_statuses"
    )


def test_a_token_that_may_only_read(clinic: Clinic) -> None:
    clinic.scoped_token(*(each for each in SCOPES if each != "write:jira-work"))
    assert said(clinic, jira=clinic.gateway_section())[0] == (
        "The token lacks the scope write:jira-work, which making tickets needs. "
        "Make a new token with it; a token's scopes cannot be changed."
    )


def test_a_ticketing_site_of_its_own_is_named_in_what_to_change(clinic: Clinic) -> None:
    own = clinic.jira_section(api_token="not-the-token")
    (problem,) = said(clinic, ticketing={"jira": own})
    assert "Correct ticketing.jira.email, or make a new token and set ticketing.jira.api_token" in problem
    clinic.scoped_token(*SCOPES)
    assert said(clinic, ticketing={"jira": clinic.gateway_section(api_token=SCOPED)}) == []


def test_no_ticketing_at_all_is_a_warning(clinic: Clinic) -> None:
    assert clinic.said("ticketing", outcome="warning", jumpcloud=clinic.jumpcloud_section()) == [
        "No ticketing is connected, so what no API can do fails. Set a credential under jira or ticketing.jira."
    ]
