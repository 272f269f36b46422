from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.jira import World as JiraWorld
from simulator.jira.world import ADMIN_ACCOUNT, ADMIN_EMAIL
from simulator.jumpcloud import World
from simulator.server import Simulators
from simulator.switches import change_switches
from simulator.systems import load
from tests.cli.clinic import SCOPED, SCOPES, Clinic
from tests.cli.ran import Run

AGAIN = "the old one may have been revoked or have expired, and a new one needs a minute."


@pytest.fixture
def clinic(provisor: Run, tmp_path: Path) -> Iterator[Clinic]:
    jumpcloud, jira = World(), JiraWorld()
    with Simulators(jumpcloud=jumpcloud, jira=jira, atlassian=True) as simulators:
        yield Clinic(simulators, jumpcloud, jira, provisor, tmp_path)


def said(clinic: Clinic, *areas: str, outcome: str = "problem", **sections: Any) -> list[str]:
    return clinic.said(*(areas or ("jira",)), outcome=outcome, **({"jira": clinic.jira_section()} | sections))


def test_good_settings_have_no_problem_and_nothing_is_changed(clinic: Clinic) -> None:
    assert said(clinic) == []
    assert said(clinic, outcome="ok") == [
        "Jira knows the API token: it is that of the account Admin Person.",
        "This machine's clock agrees with the service's.",
        "It has Browse users and groups and Administer Jira.",
        "It may read users, groups, projects and roles.",
        "It is a site administrator, so it may change members of groups.",
    ]
    assert clinic.wrote() == []


def test_a_token_that_is_not_known(clinic: Clinic) -> None:
    assert said(clinic, jira=clinic.jira_section(api_token="not-the-token")) == [
        (
            "Jira does not know this email with this API token. "
            f"Correct jira.email, or make a new token and set jira.api_token: {AGAIN}"
        )
    ]


def test_a_captcha_after_too_many_failures(clinic: Clinic) -> None:
    change_switches(clinic.jira.switches, captcha_after_failures=1)
    clinic.jira.tokens.failures[ADMIN_EMAIL] = 5
    assert said(clinic) == [
        (
            "Jira wants a captcha from Provisor's account after too many failed logins. "
            "Log in with that account in a browser once, and correct the token."
        )
    ]


@pytest.mark.parametrize("answered", ["anonymous", "refused"])
def test_a_token_with_scopes_at_the_site(clinic: Clinic, answered: str) -> None:
    change_switches(clinic.jira.switches, scoped_token_on_site=answered)
    clinic.scoped_token(*SCOPES)
    assert said(clinic, jira=clinic.jira_section(api_token=SCOPED)) == [
        "The token has scopes, and such tokens work at the gateway only. Set jira.via to gateway."
    ]


def test_a_token_without_scopes_at_the_gateway(clinic: Clinic) -> None:
    assert said(clinic, jira=clinic.jira_section(via="gateway")) == [
        (
            "The token has no scopes, and such tokens work at the site only. "
            "Set jira.via to site, or make a token with scopes."
        )
    ]


def test_a_bearer_token_that_is_not_known(clinic: Clinic) -> None:
    section = clinic.jira_section(via="gateway", bearer_token="not-the-token")
    del section["email"], section["api_token"]
    assert said(clinic, jira=section) == [
        (
            "The gateway does not know the bearer token. "
            f"Make a new one for the service account and set jira.bearer_token: {AGAIN}"
        )
    ]


def test_a_service_account_by_its_bearer_token(clinic: Clinic) -> None:
    clinic.scoped_token(*SCOPES)
    section = clinic.jira_section(via="gateway", bearer_token=SCOPED)
    del section["email"], section["api_token"]
    assert said(clinic, jira=section) == []


def test_a_cloud_id_of_another_site(clinic: Clinic) -> None:
    clinic.scoped_token(*SCOPES)
    section = clinic.gateway_section(cloud_id="00000000-0000-4000-8000-000000000000")
    other = (
        f"The cloud id is that of another site than {clinic.simulators.jira_url}. "
        "Take jira.cloud_id out to have it looked up, or correct jira.site_url."
    )
    assert said(clinic, jira=section)[0] == other


def test_an_address_that_is_no_jira_site(clinic: Clinic) -> None:
    address = clinic.simulators.control_url
    assert said(clinic, jira=clinic.jira_section(site_url=address)) == [
        f"What answers at {address} is not Jira (404). Correct jira.site_url; write it as https://<site>.atlassian.net."
    ]
    assert said(clinic, jira=clinic.gateway_section(site_url=address)) == [
        (
            f"What answers at {address} does not say its cloud id, so it is no Jira Cloud site. "
            "Correct jira.site_url; write it as https://<site>.atlassian.net."
        )
    ]


def test_an_address_where_nothing_listens(clinic: Clinic) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    assert said(clinic, jira=clinic.jira_section(site_url=f"http://127.0.0.1:{port}")) == [
        f"Nothing listens at 127.0.0.1:{port}. Correct jira.site_url."
    ]


def test_a_service_that_is_not_well(clinic: Clinic) -> None:
    clinic.simulators.faults.add(system="jira", path="myself", status=503, times=None)
    assert said(clinic) == ["Jira answers 503 at the moment. Try again later; see status.atlassian.com."]


def test_a_token_of_a_portal_customer(clinic: Clinic) -> None:
    clinic.jira.directory.users[ADMIN_ACCOUNT].account_type = "customer"
    assert said(clinic) == [
        (
            "The token belongs to a portal customer, who can see nothing of Jira itself. "
            "Use a token of a person's or a service account in jira."
        )
    ]


def test_an_account_that_is_shown_no_users(clinic: Clinic) -> None:
    clinic.deny("USER_PICKER")
    assert (
        "Provisor's account lacks the global permission Browse users and groups: Jira shows it no users and no groups. "
        "Give it Browse users and groups in the global permissions of Jira."
    ) in said(clinic)


def test_an_account_that_does_not_administer_jira(clinic: Clinic) -> None:
    clinic.deny("ADMINISTER")
    project = clinic.jira.projects.by_id["10000"]
    clinic.policy["rules"] = [{"pattern": f"jira:project-role:{key}:*:assigned"} for key in (project.key, "P*")]
    clinic.deny("ADMINISTER_PROJECTS", project.id)
    found = said(clinic)
    assert found[:2] == [
        (
            "Provisor's account lacks the global permission Administer Jira: "
            "Jira shows it only some projects, and lets it change only their roles. "
            "Give it Administer Jira in the global permissions of Jira."
        ),
        (
            "Provisor's account lacks Administer projects in ACC, so it cannot change roles there. "
            "Give it Administer projects in ACC, or Administer Jira."
        ),
    ]


def test_an_account_that_is_no_site_administrator(clinic: Clinic) -> None:
    administration = clinic.jira.administration
    group = next(each for each in clinic.jira.directory.groups.values() if each.access_type == "site-admin")
    admins = clinic.jira.directory.groups_of(ADMIN_ACCOUNT)
    assert group in admins
    administration.remove_member(group, clinic.jira.user(ADMIN_EMAIL))
    expected = (
        "Provisor's account is no site administrator, so Jira refuses every change of a group's members. "
        "Put it into site-admins, or let the policy's rules for groups ask a person."
    )
    assert expected in said(clinic)
    assert expected not in said(clinic, provisioning="off")


@pytest.mark.parametrize(
    ("scope", "purpose"),
    [
        ("read:jira-user", "knowing its own account"),
        ("read:jira-work", "knowing its own permissions"),
        ("manage:jira-configuration", "reading members of groups, and changing groups"),
        ("manage:jira-project", "taking project roles away"),
    ],
)
def test_a_scope_that_is_missing(clinic: Clinic, scope: str, purpose: str) -> None:
    clinic.scoped_token(*(each for each in SCOPES if each != scope))
    found = said(clinic, jira=clinic.gateway_section())
    assert found[0] == (
        f"The token lacks the scope {scope}, which {purpose} needs. "
        "Make a new token with it; a token's scopes cannot be changed."
    )
    assert all(scope in each for each in found), "one mistake, one scope"
    assert clinic.wrote() == []


def test_all_scopes_are_enough(clinic: Clinic) -> None:
    clinic.scoped_token(*SCOPES)
    assert said(clinic, "jira", "ticketing", jira=clinic.gateway_section()) == []


class Organization:
    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.known = clinic.simulators.worlds["atlassian"].credentials()

    def said(self, outcome: str = "problem", **changes: Any) -> list[str]:
        section = {
            "org_id": self.known["org_id"],
            "api_key": self.known["org_key"],
            "api_url": self.clinic.simulators.atlassian_url,
        }
        return said(self.clinic, "atlassian", outcome=outcome, atlassian=section | changes)


def test_an_organizations_key(clinic: Clinic) -> None:
    organization = Organization(clinic)
    assert organization.said() == []
    assert organization.said("ok")[1:] == [
        "The site belongs to the organization.",
        "The key may read the directory's people and groups.",
    ]
    assert organization.said(api_key="not-the-key") == [
        (
            "Atlassian does not know the organization's API key. Make a new one in admin.atlassian.com and set "
            "atlassian.api_key: keys end after a year at the latest."
        )
    ]
    assert organization.said(org_id="another-org") == [
        (
            "The key sees no organization another-org. "
            "Correct atlassian.org_id; it is in the address of admin.atlassian.com."
        )
    ]


@pytest.mark.parametrize(
    ("held", "missing"),
    [
        (
            ("read:org:admin", "read:group:admin"),
            (
                "The organization's key lacks the scope read:user:admin, "
                "which hidden addresses, last activity and memberships need."
            ),
        ),
        (
            ("read:org:admin", "read:user:admin"),
            "The organization's key lacks the scope read:group:admin, which the groups of an identity provider need.",
        ),
    ],
)
def test_an_organizations_key_that_lacks_a_scope(clinic: Clinic, held: tuple[str, ...], missing: str) -> None:
    load(clinic.simulators.worlds["atlassian"], {"keys": [{"value": "scoped-key", "scopes": held}]})
    remedy = "Make a new key with it, or one without scopes; a key's scopes cannot be changed."
    assert Organization(clinic).said(api_key="scoped-key") == [f"{missing} {remedy}"]


def test_an_organization_that_the_site_does_not_belong_to(clinic: Clinic) -> None:
    organization = Organization(clinic)
    change_switches(clinic.jira.switches, self_links="site")
    assert organization.said() == [
        (
            f"The organization has no product at {clinic.simulators.jira_url}. "
            "Correct jira.site_url, or use the key of the organization that the site belongs to."
        )
    ]
