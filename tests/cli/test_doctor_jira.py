from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from simulator.jira.projects import Project
from simulator.jira.world import ADMIN_ACCOUNT, ADMIN_EMAIL
from simulator.switches import change_switches
from simulator.systems import load
from tests.cli.doctor_harness import SCOPED, SCOPES, DoctorHarness

AGAIN = "the old one may have been revoked or have expired, and a new one needs a minute."


def said(harness: DoctorHarness, *areas: str, outcome: str = "problem", **sections: Any) -> list[str]:
    return harness.said(*(areas or ("jira",)), outcome=outcome, **({"jira": harness.jira_section()} | sections))


def test_good_settings_have_no_problem_and_nothing_is_changed(harness: DoctorHarness) -> None:
    assert said(harness) == []
    assert said(harness, outcome="ok") == [
        "Jira knows the API token: it is that of the account Admin Person.",
        "This machine's clock agrees with the service's.",
        "It has Browse users and groups and Administer Jira.",
        "It may read users, groups, projects and roles.",
        "It is a site administrator, so it may change members of groups.",
    ]
    assert harness.wrote() == []


def test_a_token_that_is_not_known(harness: DoctorHarness) -> None:
    assert said(harness, jira=harness.jira_section(api_token="not-the-token")) == [
        (
            "Jira does not know this email with this API token. "
            f"Correct jira.email, or make a new token and set jira.api_token: {AGAIN}"
        )
    ]


def test_a_captcha_after_too_many_failures(harness: DoctorHarness) -> None:
    change_switches(harness.jira.switches, captcha_after_failures=1)
    harness.jira.tokens.failures[ADMIN_EMAIL] = 5
    assert said(harness) == [
        (
            "Jira wants a captcha from Provisor's account after too many failed logins. "
            "Log in with that account in a browser once, and correct the token."
        )
    ]


@pytest.mark.parametrize("answered", ["anonymous", "refused"])
def test_a_token_with_scopes_at_the_site(harness: DoctorHarness, answered: str) -> None:
    change_switches(harness.jira.switches, scoped_token_on_site=answered)
    harness.scoped_token(*SCOPES)
    assert said(harness, jira=harness.jira_section(api_token=SCOPED)) == [
        "The token has scopes, and such tokens work at the gateway only. Set jira.via to gateway."
    ]


def test_a_token_without_scopes_at_the_gateway(harness: DoctorHarness) -> None:
    assert said(harness, jira=harness.jira_section(via="gateway")) == [
        (
            "The token has no scopes, and such tokens work at the site only. "
            "Set jira.via to site, or make a token with scopes."
        )
    ]


@pytest.mark.parametrize("token", [SCOPED, "not-the-token"])
def test_a_service_account_by_its_bearer_token(harness: DoctorHarness, token: str) -> None:
    harness.scoped_token(*SCOPES)
    section = harness.jira_section(via="gateway", bearer_token=token)
    del section["email"], section["api_token"]
    unknown = (
        "The gateway does not know the bearer token. "
        f"Make a new one for the service account and set jira.bearer_token: {AGAIN}"
    )
    assert said(harness, jira=section) == ([] if token == SCOPED else [unknown])


def test_a_cloud_id_of_another_site(harness: DoctorHarness) -> None:
    harness.scoped_token(*SCOPES)
    section = harness.gateway_section(cloud_id="00000000-0000-4000-8000-000000000000")
    other = (
        f"The cloud id is that of another site than {harness.simulators.jira_url}. "
        "Take jira.cloud_id out to have it looked up, or correct jira.site_url."
    )
    assert said(harness, jira=section)[0] == other


def test_a_site_that_does_not_answer_matters_only_where_it_has_to_say_its_cloud_id(
    harness: DoctorHarness, free_port: int
) -> None:
    harness.scoped_token(*SCOPES)
    nobody = {"site_url": f"http://127.0.0.1:{free_port}"}
    known = harness.gateway_section(cloud_id=harness.jira.site.cloud_id, **nobody)
    assert said(harness, "jira", jira=known) == []
    (problem,) = said(harness, "jira", jira=harness.gateway_section(**nobody))
    assert problem == f"Nothing listens at 127.0.0.1:{free_port}. Correct jira.site_url."


def test_an_address_that_is_no_jira_site(harness: DoctorHarness) -> None:
    address = harness.simulators.control_url
    assert said(harness, jira=harness.jira_section(site_url=address)) == [
        f"What answers at {address} is not Jira (404). Correct jira.site_url; write it as https://<site>.atlassian.net."
    ]
    assert said(harness, jira=harness.gateway_section(site_url=address)) == [
        (
            f"What answers at {address} does not say its cloud id, so it is no Jira Cloud site. "
            "Correct jira.site_url; write it as https://<site>.atlassian.net."
        )
    ]


def test_a_token_of_a_portal_customer(harness: DoctorHarness) -> None:
    harness.jira.directory.users[ADMIN_ACCOUNT].account_type = "customer"
    assert said(harness) == [
        (
            "The token belongs to a portal customer, who can see nothing of Jira itself. "
            "Use a token of a person's or a service account in jira."
        )
    ]


def test_an_account_that_is_shown_no_users(harness: DoctorHarness) -> None:
    harness.deny("USER_PICKER")
    assert (
        "Provisor's account lacks the global permission Browse users and groups: Jira shows it no users and no groups. "
        "Give it Browse users and groups in the global permissions of Jira."
    ) in said(harness)


def test_an_account_that_does_not_administer_jira(harness: DoctorHarness) -> None:
    harness.deny("ADMINISTER")
    own = Project("10001", "PAY", "Payments", lead=ADMIN_ACCOUNT)
    harness.jira.catalogue.furnish(own)
    harness.jira.projects.add(own)
    harness.policy["rules"] = [{"pattern": f"jira:project-role:{key}:*:assigned"} for key in ("ACC", "PAY", "P*")]
    harness.deny("ADMINISTER_PROJECTS", "10000")
    lacks = (
        "Provisor's account lacks the global permission Administer Jira: "
        "Jira shows it only some projects, and lets it change only their roles. "
        "Give it Administer Jira in the global permissions of Jira."
    )
    cannot = (
        "Provisor's account lacks Administer projects in ACC, so it cannot change roles there. "
        "Give it Administer projects in ACC, or Administer Jira."
    )
    assert [each for each in said(harness) if "dminister" in each] == [lacks, cannot]


def test_an_account_that_is_no_site_administrator(harness: DoctorHarness) -> None:
    administration = harness.jira.administration
    group = next(each for each in harness.jira.directory.groups.values() if each.access_type == "site-admin")
    admins = harness.jira.directory.groups_of(ADMIN_ACCOUNT)
    assert group in admins
    administration.remove_member(group, harness.jira.user(ADMIN_EMAIL))
    expected = (
        "Provisor's account is no site administrator, so Jira refuses every change of a group's members. "
        "Put it into site-admins, or let the policy's rules for groups ask a person."
    )
    assert expected in said(harness)
    assert expected not in said(harness, provisioning="off")


@pytest.mark.parametrize(
    ("scope", "purpose"),
    [
        ("read:jira-user", "knowing its own account"),
        ("read:jira-work", "knowing its own permissions"),
        ("manage:jira-configuration", "reading members of groups, and changing groups"),
        ("manage:jira-project", "taking project roles away"),
    ],
)
def test_a_scope_that_is_missing(harness: DoctorHarness, scope: str, purpose: str) -> None:
    harness.scoped_token(*(each for each in SCOPES if each != scope))
    found = said(harness, jira=harness.gateway_section())
    assert found[0] == (
        f"The token lacks the scope {scope}, which {purpose} needs. "
        "Make a new token with it; a token's scopes cannot be changed."
    )
    assert all(scope in each for each in found), "one mistake, one scope"
    assert harness.wrote() == []


@pytest.mark.parametrize(
    ("route", "scope", "purpose"),
    [
        ("/users/search", "read:jira-user", "reading users"),
        ("/group/bulk", "read:jira-user", "reading groups"),
        ("/project/search", "read:jira-work", "reading projects"),
        ("/role", "manage:jira-configuration", "reading members of groups, and changing groups"),
    ],
)
def test_what_alone_cannot_be_read_for_want_of_a_scope_names_the_scope(
    harness: DoctorHarness, route: str, scope: str, purpose: str
) -> None:
    """A token may have granular scopes, which are held for one route and not for another."""
    lacking = {"message": "Unauthorized; scope does not match"}
    harness.simulators.faults.add(path=f"/rest/api/3{route}$", status=401, body=lacking, times=None)
    assert said(harness) == [
        (
            f"The token lacks the scope {scope}, which {purpose} needs. "
            "Make a new token with it; a token's scopes cannot be changed."
        )
    ]


def test_all_scopes_are_enough(harness: DoctorHarness) -> None:
    harness.scoped_token(*SCOPES)
    assert said(harness, "jira", "ticketing", jira=harness.gateway_section()) == []


class Organization:
    def __init__(self, harness: DoctorHarness) -> None:
        self.harness = harness
        self.known = harness.simulators.worlds["atlassian"].credentials()

    def said(self, outcome: str = "problem", **changes: Any) -> list[str]:
        section = {
            "org_id": self.known["org_id"],
            "api_key": self.known["org_key"],
            "api_url": self.harness.simulators.atlassian_url,
        }
        return said(self.harness, "atlassian", outcome=outcome, atlassian=section | changes)


def test_an_organizations_key(harness: DoctorHarness) -> None:
    organization = Organization(harness)
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
def test_an_organizations_key_that_lacks_a_scope(harness: DoctorHarness, held: tuple[str, ...], missing: str) -> None:
    load(harness.simulators.worlds["atlassian"], {"keys": [{"value": "scoped-key", "scopes": held}]})
    remedy = "Make a new key with it, or one without scopes; a key's scopes cannot be changed."
    assert Organization(harness).said(api_key="scoped-key") == [f"{missing} {remedy}"]


@pytest.mark.parametrize(
    ("host_url", "belongs"),
    [
        ("http://{site}", True),
        ("HTTP://{site}/", True),
        ("{site}", True),
        ("http://other.atlassian.net", False),
        ("other.atlassian.net", False),
        ("", False),
    ],
)
def test_a_site_belongs_to_the_organization_by_its_host(
    harness: DoctorHarness, host_url: str, *, belongs: bool
) -> None:
    """However the address is written."""
    host_url = host_url.format(site=urlsplit(harness.simulators.jira_url).netloc)
    products = {"data": [{"attributes": {"hostUrl": host_url}}]}
    harness.simulators.faults.add(path="/workspaces$", status=200, body=products)
    assert (Organization(harness).said() == []) is belongs


def test_checks_have_names_that_programs_may_keep_to(harness: DoctorHarness) -> None:
    known = harness.simulators.worlds["atlassian"].credentials()
    organization = {
        "org_id": known["org_id"],
        "api_key": known["org_key"],
        "api_url": harness.simulators.atlassian_url,
    }
    ran = harness.see("--json", jira=harness.jira_section(), atlassian=organization)
    found: dict[str, set[str]] = {}
    for each in ran.json:
        found.setdefault(each["area"], set()).add(each["check"])
    assert found["jira"] == {"credential", "clock", "permissions", "reading", "group changes"}
    assert found["ticketing"] == {"credential", "tickets", "statuses", "workflow"}
    assert found["atlassian"] == {"credential", "site", "scopes"}


def test_an_organization_that_the_site_does_not_belong_to(harness: DoctorHarness) -> None:
    organization = Organization(harness)
    change_switches(harness.jira.switches, self_links="site")
    assert organization.said() == [
        (
            f"The organization has no product at {harness.simulators.jira_url}. "
            "Correct jira.site_url, or use the key of the organization that the site belongs to."
        )
    ]
