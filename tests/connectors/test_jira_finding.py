from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Literal

import pytest

from access.accounts import Subject
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.failures import CredentialRefused, Failure, Permanent, Transient
from connectors.jira import api_token, bearer_token
from connectors.jira.projects import PROJECTS_A_PAGE
from simulator.systems import act
from tests.connectors.jira_reader_harness import ADMIN, SITE
from tests.connectors.simulated_jira import ADMINISTRATORS, NO_SUCH_ACCOUNT, NO_SUCH_GROUP, SimulatedJira

SCOPES = [
    "read:jira-user",
    "read:jira-work",
    "write:jira-work",
    "manage:jira-project",
    "manage:jira-configuration",
]


def _ending(call: Callable[[], object]) -> str:
    try:
        call()
    except Failure as failure:
        return failure.word
    return "answer"


@pytest.mark.parametrize("email", ["alice@example.com", "ALICE@Example.com", " alice@example.com "])
def test_an_account_is_found_by_its_address_in_any_case(site: SimulatedJira, email: str) -> None:
    found = site.find_account(Subject(email=email))
    assert (found.id, found.title, found.active, found.email_proven) == (site.alice, "Alice Able", True, True)
    assert site.calls() == ["GET /user/search"]


def test_an_account_is_found_by_id(site: SimulatedJira) -> None:
    found = site.find_account(Subject(id=site.bob))
    assert (found.email, found.email_proven) == ("bob@example.com", True)


def test_an_address_that_only_folding_makes_equal_names_somebody_else(site: SimulatedJira) -> None:
    """A4: ``ß`` and ``ss`` are two people."""
    account_id = site.add_user("masse@example.com", "Mass E").account_id
    site.find_nobody(Subject(email="maße@example.com"))
    site.find_nobody(Subject(id=account_id, email="maße@example.com"))


@pytest.mark.parametrize("account_id", [NO_SUCH_ACCOUNT, "unknown", "a b", "x" * 129, "../myself"])
def test_an_id_of_nobody_matches_none(site: SimulatedJira, account_id: str) -> None:
    assert not site.find_nobody(Subject(id=account_id)).several


def test_an_id_that_contradicts_the_address_matches_none(site: SimulatedJira) -> None:
    missing = site.find_nobody(Subject(id=site.alice, email="bob@example.com"))
    assert missing.contradiction
    assert [site.alice in missing.candidates[0], site.bob in missing.candidates[1]] == [True, True]


def test_a_username_names_nobody_in_jira(site: SimulatedJira) -> None:
    assert not site.find_nobody(Subject(username="alice")).several


def test_an_inactive_account_is_found_by_id_and_not_by_address(site: SimulatedJira) -> None:
    site.world.administration.set_account_status(site.world.user(site.alice), "inactive")
    assert not site.find_account(Subject(id=site.alice)).active
    site.find_nobody(Subject(email="alice@example.com"))


def test_a_deleted_account_is_found_inactive_by_id(site: SimulatedJira) -> None:
    site.world.administration.set_account_status(site.world.user(site.alice), "closed")
    assert not site.find_account(Subject(id=site.alice)).active


@pytest.mark.parametrize("how", ["hit", "none"])
def test_a_hidden_address_is_probable_and_never_proven(site: SimulatedJira, how: str) -> None:
    site.switch(hidden_emails=True, search_hidden_email=how)
    if how == "hit":
        found = site.find_account(Subject(email="alice@example.com"))
        assert (found.id, found.email_proven) == (site.alice, False)
        observed = site.connector.observe(site.account("alice@example.com"))
        assert observed.present
        assert "hidden" in observed.evidence
    else:
        site.find_nobody(Subject(email="alice@example.com"))


@pytest.mark.parametrize("active", [True, False])
def test_who_is_remembered_is_read_first_and_proven_by_showing_the_address(
    site: SimulatedJira, *, active: bool
) -> None:
    site.known["alice@example.com"] = site.alice
    site.world.administration.set_account_status(site.world.user(site.alice), "active" if active else "inactive")
    found = site.find_account(Subject(email="Alice@example.com"))
    assert (found.id, found.email_proven, found.suspended) == (site.alice, True, not active)
    assert site.calls() == ["GET /user"]


@pytest.mark.parametrize("how", ["hit", "none"])
def test_who_is_only_remembered_is_a_candidate_and_never_proven(site: SimulatedJira, how: str) -> None:
    """A3: our own record makes nobody more than probable."""
    site.switch(hidden_emails=True, search_hidden_email=how)
    site.known["alice@example.com"] = site.alice
    if how == "hit":
        assert not site.find_account(Subject(email="alice@example.com")).email_proven
    else:
        missing = site.find_nobody(Subject(email="alice@example.com"))
        assert missing.unproven
        assert missing.candidates == (f"Alice Able ({site.alice})",)


@pytest.mark.parametrize("longer", ["dave@example.company", "dave@example.com.au"])
def test_a_hidden_address_that_may_be_longer_is_no_more_than_a_candidate(site: SimulatedJira, longer: str) -> None:
    site.switch(search_hidden_email="beginning")
    other = site.add_user(longer, "Dave", email_hidden=True).account_id
    found = site.find_account(Subject(email="dave@example.com"))
    assert (found.id, found.email_proven, found.may_be_longer) == (other, False, True)
    observed = site.connector.observe(site.account("dave@example.com"))
    assert not observed.present
    assert other in observed.evidence
    dave = site.add_user("dave@example.com", "Dave").account_id
    assert site.find_account(Subject(email="dave@example.com")).id == dave


def test_a_hidden_address_that_the_search_finds_by_nothing_less_is_probable(site: SimulatedJira) -> None:
    site.switch(search_hidden_email="hit", hidden_emails=True)
    site.add_user("alice@example.company", "Alice Else", email_hidden=True)
    found = site.find_account(Subject(email="alice@example.com"))
    assert (found.id, found.email_proven, found.may_be_longer) == (site.alice, False, False)


def test_a_search_that_finds_more_than_it_answers_leaves_it_open_whether_the_address_is_longer(
    site: SimulatedJira,
) -> None:
    site.switch(search_hidden_email="hit", hidden_emails=True)
    crowd = [
        {"accountId": f"712020:{n}", "accountType": "atlassian", "displayName": f"P{n}", "active": True}
        for n in range(50)
    ]
    site.simulators.faults.add(path="/user/search", query=r"example\.co&", status=200, body=crowd)
    assert site.find_account(Subject(email="alice@example.com")).may_be_longer


def test_who_is_remembered_is_not_believed_when_jira_shows_another_address_or_nobody(site: SimulatedJira) -> None:
    for stale in (site.bob, NO_SUCH_ACCOUNT):
        site.known["alice@example.com"] = stale
        assert site.find_account(Subject(email="alice@example.com")).id == site.alice


@pytest.mark.parametrize("hidden", [True, False])
def test_who_is_remembered_loses_to_the_account_that_shows_the_address(site: SimulatedJira, *, hidden: bool) -> None:
    """A1, A2: the address moved to another account."""
    site.known["bob@example.com"] = site.alice
    act(site.world, "change_profile", account=site.alice, hidden=hidden)
    found = site.find_account(Subject(email="bob@example.com"))
    assert (found.id, found.email_proven) == (site.bob, True)
    assert site.known["bob@example.com"] == site.bob


def test_another_hidden_account_than_the_remembered_one_leaves_it_open_who_is_meant(site: SimulatedJira) -> None:
    site.known["bob@example.com"] = site.alice
    for account in (site.alice, site.bob):
        act(site.world, "change_profile", account=account, hidden=True)
    missing = site.find_nobody(Subject(email="bob@example.com"))
    assert missing.unproven
    assert len(missing.candidates) == 2


def test_who_is_shut_and_hides_the_address_does_not_keep_it_from_being_invited(site: SimulatedJira) -> None:
    site.known["gone@example.com"] = site.alice
    act(site.world, "close_account", account=site.alice)
    assert not site.find_nobody(Subject(email="gone@example.com")).unproven


def test_a_name_that_begins_like_the_address_is_no_match(site: SimulatedJira) -> None:
    site.add_user("carol@example.com", "dave@example.com")
    missing = site.find_nobody(Subject(email="dave@example.com"))
    assert not missing.several
    assert not missing.unproven


@pytest.mark.parametrize("name", ["vera@example.com", "Mallory Vera@Example.com.evil"])
def test_a_hit_that_its_own_name_explains_is_neither_the_person_nor_nobody(site: SimulatedJira, name: str) -> None:
    """A5: a display name is its owner's own choice."""
    mallory = site.add_user("mallory@example.com", name, email_hidden=True).account_id
    missing = site.find_nobody(Subject(email="vera@example.com"))
    assert missing.unproven
    assert missing.candidates == (f"{name} ({mallory})",)
    vera = site.add_user("vera@example.com", "Vera").account_id
    assert site.find_account(Subject(email="vera@example.com")).id == vera
    act(site.world, "change_profile", account=vera, hidden=True)
    found = site.find_account(Subject(email="vera@example.com"))
    assert (found.id, found.email_proven) == (vera, False)


@pytest.mark.parametrize("hidden", [True, False])
def test_an_id_beside_an_address_that_the_search_finds_with_somebody_else_is_a_contradiction(
    site: SimulatedJira, *, hidden: bool
) -> None:
    """A12: the account of the id hides its address, which does not make every address its own."""
    act(site.world, "change_profile", account=site.alice, hidden=True)
    act(site.world, "change_profile", account=site.bob, hidden=hidden)
    missing = site.find_nobody(Subject(id=site.alice, email="bob@example.com"))
    assert missing.contradiction
    assert [site.alice in each or site.bob in each for each in missing.candidates] == [True, True]
    assert site.find_account(Subject(id=site.alice, email="alice@example.com")).id == site.alice


def test_several_hidden_accounts_match_none(site: SimulatedJira) -> None:
    hits = [
        {"accountId": f"712020:{n}", "accountType": "atlassian", "displayName": f"P{n}", "active": True} for n in (1, 2)
    ]
    site.simulators.faults.add(path="/user/search", status=200, body=hits)
    missing = site.find_nobody(Subject(email="alice@example.com"))
    assert missing.unproven
    assert len(missing.candidates) == 2


def test_apps_and_portal_customers_are_not_the_person(site: SimulatedJira) -> None:
    site.add_user("desk@example.com", "Desk", account_type="customer")
    site.add_user("bot@example.com", "Bot", account_type="app", email_hidden=True)
    for email in ("desk@example.com", "bot@example.com"):
        site.find_nobody(Subject(email=email))


def test_a_mistyped_address_matches_none_and_near_ones_are_offered(site: SimulatedJira) -> None:
    missing = site.find_nobody(Subject(email="alice@example.org"))
    assert missing.candidates == (f"Alice Able <alice@example.com> ({site.alice})",)


def test_a_group_is_found_by_id_or_name_and_named_by_both(site: SimulatedJira) -> None:
    for part in (site.developers, site.developers.upper(), "developers", "Developers", " DEVELOPERS"):
        found = site.find(f"jira:group:{part}:member")
        assert found.ref.path == (site.developers,)
        assert found.named.path == ("developers",)
        assert found.by_person is None


def test_a_group_whose_name_looks_like_an_id_is_found(site: SimulatedJira) -> None:
    strange = site.add_group(NO_SUCH_GROUP)
    assert site.find(f"jira:group:{NO_SUCH_GROUP}:member").ref.path == (strange.id,)


def test_two_groups_that_differ_in_case_are_found_exactly_or_match_none(site: SimulatedJira) -> None:
    other = site.add_group("Developers")
    assert site.find("jira:group:Developers:member").ref.path == (other.id,)
    missing = site.find_nothing("jira:group:DEVELOPERS:member")
    assert missing.several
    assert len(missing.candidates) == 2


def test_a_group_that_the_picker_leaves_out_counts_too(site: SimulatedJira) -> None:
    """The picker shows only some of what it finds: the only one that it shows need not be the only one of that name."""
    site.add_group("PAYMENTS")
    other = site.add_group("Payments")
    site.switch(groups_picker_cap=1)
    assert site.find_nothing("jira:group:payments:member").several
    act(site.world, "delete_group", group="PAYMENTS")
    assert site.find("jira:group:payments:member").ref.path == (other.id,)


@pytest.mark.parametrize("told", [True, False])
def test_pages_that_do_not_tell_their_end_are_read_to_it(site: SimulatedJira, *, told: bool) -> None:
    """The end of a list is on no page [spec: both members may be absent]: one page is not taken for all of them."""
    site.switch(pages_tell_their_end=told, groups_picker_cap=1, groups_bulk_cap=2)
    for number in range(PROJECTS_A_PAGE + 1):
        site.add_project(f"{20000 + number}", f"A{number:03}", f"Stores {number}")
    for name, key in (("Stores east", "ZEAST"), ("STORES EAST", "ZWEST")):
        site.add_project(f"{30000 + ord(key[1])}", key, name)
    assert site.find_nothing("jira:project-role:stores east:Administrators:assigned").several
    groups = [site.add_group(name) for name in ("Night", "Night shift", "NIGHT SHIFT")]
    assert site.find("jira:group:night:member").ref.path == (groups[0].id,)
    assert site.find_nothing("jira:group:night shift:member").several
    site.world.administration.add_member(groups[0], site.world.user(site.alice))
    assert site.connector.is_last_holder(EntitlementRef.parse(f"jira:group:{groups[0].id}:member"), site.alice)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("stored", ["NFC", "NFD"])
def test_a_group_is_found_however_its_accents_and_spaces_are_written(
    site: SimulatedJira, stored: str, form: Literal["NFC", "NFD"]
) -> None:
    """A7."""
    cafe = site.add_group(unicodedata.normalize(stored, "Équipe Café"))  # type: ignore[arg-type] # a form
    padded = site.add_group("  Padded team ")
    asked = EntitlementRef(System.JIRA, ResourceKind.GROUP, (unicodedata.normalize(form, " Équipe Café"),))
    assert site.find(str(asked)).ref.path == (cafe.id,)
    assert site.find("jira:group:padded team:member").ref.path == (padded.id,)


def test_a_group_is_not_found_by_letters_that_only_folding_makes_equal(site: SimulatedJira) -> None:
    """A7: only the letters A to Z have another case."""
    site.add_group("STRASSE")
    site.add_group("équipe")
    site.find_nothing("jira:group:straße:member")
    site.find_nothing("jira:group:Équipe:member")


def test_a_mistyped_group_matches_none_and_near_ones_are_offered(site: SimulatedJira) -> None:
    assert site.find_nothing("jira:group:develpers:member").candidates == (f"developers ({site.developers})",)


@pytest.mark.parametrize(
    "name",
    [
        "system-administrators",
        "site-admins",
        "org-admins",
        "atlassian-addons",
        "atlassian-addons-admin",
        "ATLASSIAN-ADDONS-x",
    ],
)
def test_a_system_group_is_never_changed(site: SimulatedJira, name: str) -> None:
    if site.world.directory.group_by_name(name) is None:
        site.add_group(name)
    assert site.find(f"jira:group:{name}:member").by_person


@pytest.mark.parametrize("named", ["Developers", " developers", "{id}", "{ID}"])
def test_a_group_that_is_protected_by_name_or_id_is_for_a_person(site: SimulatedJira, named: str) -> None:
    protected = named.format(id=site.developers, ID=site.developers.upper())
    found = site.connect(protected_groups={protected}).find_entitlement(
        EntitlementRef.parse("jira:group:developers:member")
    )
    assert isinstance(found, Entitlement)
    assert "protected" in (found.by_person or "")


def test_a_group_that_is_protected_by_id_stays_protected_under_another_name(site: SimulatedJira) -> None:
    connector = site.connect(protected_groups={site.developers})
    site.world.group("developers").name = "engineers"
    found = connector.find_entitlement(EntitlementRef.parse("jira:group:engineers:member"))
    assert isinstance(found, Entitlement)
    assert "protected" in (found.by_person or "")


def test_a_group_of_an_identity_provider_is_for_a_person(site: SimulatedJira) -> None:
    site.external.add(site.developers)
    assert "identity provider" in (site.find("jira:group:developers:member").by_person or "")


@pytest.mark.parametrize("project", ["10001", "PAY", "pay", "Payments", "payments"])
@pytest.mark.parametrize("role", [ADMINISTRATORS, "Administrators", "administrators"])
def test_a_role_is_found_by_id_key_or_name(site: SimulatedJira, project: str, role: str) -> None:
    found = site.find(f"jira:project-role:{project}:{role}:assigned")
    assert found.ref.path == ("10001", ADMINISTRATORS)
    assert found.named.path == ("PAY", "Administrators")
    assert found.url == f"{SITE}/browse/PAY"
    assert found.by_person is None


def test_a_project_is_found_by_a_former_key_but_named_by_the_present_one(site: SimulatedJira) -> None:
    site.world.projects.rename(site.world.projects.by_id["10001"], "PAYMENTS")
    assert site.find("jira:project-role:PAY:Developers:assigned").named.path == ("PAYMENTS", "Developers")


def test_a_team_managed_project_has_roles_of_its_own(site: SimulatedJira) -> None:
    site.add_project("10002", "TEAM", "Team", style="next-gen")
    found = site.find("jira:project-role:TEAM:Member:assigned")
    assert found.ref.path == ("10002", "100021")


def test_projects_of_one_name_match_none(site: SimulatedJira) -> None:
    site.add_project("10002", "PAYB", "Payments")
    missing = site.find_nothing("jira:project-role:Payments:Administrators:assigned")
    assert missing.several
    assert missing.candidates == ("Payments (PAY)", "Payments (PAYB)")


def test_a_mistyped_project_or_role_matches_none_and_near_ones_are_offered(site: SimulatedJira) -> None:
    assert site.find_nothing("jira:project-role:Paymnts:Administrators:assigned").candidates == ("Payments (PAY)",)
    assert f"Administrators ({ADMINISTRATORS})" in site.find_nothing("jira:project-role:PAY:Admins:assigned").candidates


@pytest.mark.parametrize("project", ["..", ".", "a/b", "%2e%2e", "Ü"])
def test_a_strange_project_name_matches_none_and_calls_no_other_route(site: SimulatedJira, project: str) -> None:
    ref = EntitlementRef(
        EntitlementRef.parse("jira:account:exists").system, site.actor().entitlement.kind, (project, "x")
    )
    site.find_nothing(ref)
    assert set(site.calls()) == {"GET /project/search"}


def test_an_internal_role_of_apps_is_left_alone(site: SimulatedJira) -> None:
    assert site.find("jira:project-role:PAY:atlassian-addons-project-access:assigned").by_person


def test_the_account_itself_is_an_entitlement(site: SimulatedJira) -> None:
    assert str(site.find("jira:account:exists").ref) == "jira:account:exists"


@pytest.mark.parametrize("links", ["served", "site"])
def test_links_in_answers_are_never_followed(site: SimulatedJira, links: str) -> None:
    site.switch(self_links=links)
    site.connector.give(site.actor())
    assert site.find("jira:project-role:PAY:Administrators:assigned").ref.path == ("10001", ADMINISTRATORS)


def test_holdings_name_groups_and_the_roles_an_account_is_in_itself(site: SimulatedJira) -> None:
    site.enter_role(site.world.user(site.bob))
    site.enter_role(site.world.group(site.developers), "10004")
    held = site.connector.holdings(site.bob)
    assert held.groups == ("developers", "jira-software-users-example")
    assert held.project_roles == ("PAY: Administrators",)
    assert held.complete
    assert held.note == ""


def test_holdings_stop_at_the_cap_and_say_so(site: SimulatedJira) -> None:
    for number in range(5):
        site.add_project(f"1010{number}", f"P{number}", f"Project {number}")
    connector = site.connect(holdings_calls=20)
    site.calls()
    held = connector.holdings(site.bob)
    assert not held.complete
    assert "of 6 projects" in held.note
    assert len(site.calls()) <= 20
    assert held.groups


def test_holdings_are_complete_with_as_many_calls_as_they_take_and_not_with_one_less(site: SimulatedJira) -> None:
    for number in range(2):
        site.add_project(f"1010{number}", f"P{number}", f"Project {number}")
    site.calls()
    assert site.connector.holdings(site.bob).complete
    needed = len(site.calls())
    for most in range(needed - 4, needed + 1):
        held = site.connect(holdings_calls=most).holdings(site.bob)
        assert len(site.calls()) <= most
        assert held.complete is (most == needed)


def test_calls_that_a_project_refuses_count_too(site: SimulatedJira) -> None:
    """Its roles are shown, and the last of them is not."""
    site.add_project("10100", "Z1", "The last project")
    site.calls()
    site.connector.holdings(site.bob)
    needed = len(site.calls())
    *_, last = (call.path for call in site.simulators.calls.latest() if "/project/10001/role/" in call.path)
    site.simulators.faults.add(path=f"{last}$", status=403, times=None)
    for most in range(needed - 4, needed):
        site.connect(holdings_calls=most).holdings(site.bob)
        assert len(site.calls()) <= most


def test_holdings_name_the_projects_that_are_not_shown(site: SimulatedJira) -> None:
    site.add_project("10002", "SECRET", "Secret")
    site.deny("ADMINISTER_PROJECTS", "10002")
    site.deny("ADMINISTER")
    site.world.projects.by_id["10001"].lead = site.world.user(ADMIN).account_id
    held = site.connector.holdings(site.bob)
    assert not held.complete
    assert "SECRET" in held.note


def test_holdings_of_nobody_are_none(site: SimulatedJira) -> None:
    assert site.connector.holdings(NO_SUCH_ACCOUNT).groups == ()


@pytest.mark.parametrize("status", [401, 403])
def test_a_bad_token_is_refused_even_where_jira_answers_200_and_nothing(site: SimulatedJira, status: int) -> None:
    site.switch(anonymous_directory_status=status)
    connector = site.connect(api_token(ADMIN, "no-such-token"))
    for call in (
        lambda: connector.find_account(Subject(email="alice@example.com")),
        lambda: connector.find_entitlement(EntitlementRef.parse("jira:project-role:No such:x:assigned")),
        lambda: connector.observe(site.actor()),
        lambda: connector.observe(site.member()),
        lambda: connector.give(site.member()),
        lambda: connector.give(site.account("new@example.com")),
        lambda: connector.holdings(site.bob),
    ):
        with pytest.raises(CredentialRefused):
            call()


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_a_scoped_token_works_at_the_gateway_and_links_still_name_the_site(site: SimulatedJira, kind: str) -> None:
    site.world.tokens.add("scoped-token", site.world.user(ADMIN).account_id, scopes=SCOPES)
    credential = api_token(ADMIN, "scoped-token") if kind == "basic" else bearer_token("scoped-token")
    connector = site.connect(credential, address=site.gateway)
    connector.give(site.actor())
    connector.give(site.member())
    assert connector.observe(site.actor()).present
    found = connector.find_entitlement(EntitlementRef.parse("jira:project-role:PAY:Administrators:assigned"))
    assert isinstance(found, Entitlement)
    assert found.url == f"{SITE}/browse/PAY"
    connector.take(site.actor())
    assert not connector.observe(site.actor()).present


@pytest.mark.parametrize("body", ["<html>Bad gateway</html>", "", "null", "[]", '{"x": 1}', "[1]", '"text"'])
@pytest.mark.parametrize("status", [200, 400, 404, 500])
def test_whatever_comes_back_ends_in_a_failure_word_or_an_answer(site: SimulatedJira, status: int, body: str) -> None:
    connector = site.connector
    for call in (
        lambda: connector.find_account(Subject(email="alice@example.com")),
        lambda: connector.find_account(Subject(id=site.alice)),
        lambda: connector.find_entitlement(EntitlementRef.parse("jira:group:developers:member")),
        lambda: connector.find_entitlement(EntitlementRef.parse("jira:project-role:PAY:Users:assigned")),
        lambda: connector.observe(site.actor()),
        lambda: connector.observe(site.member()),
        lambda: connector.take(site.actor()),
        lambda: connector.holdings(site.bob),
        lambda: connector.give(site.account("new@example.com")),
    ):
        fault = site.simulators.faults.add(status=status, body=body, content_type="text/html", times=None)
        assert _ending(call) in {"answer", "transient", "permanent", "unknown"}
        site.simulators.faults.remove(fault)


@pytest.mark.parametrize("everything", [True, False])
@pytest.mark.parametrize("status", [400, 404])
def test_a_gateways_error_page_is_never_read_as_nobody_has_access(
    site: SimulatedJira, status: int, *, everything: bool
) -> None:
    path = "" if everything else "/user$|/user/groups$|/role/"
    site.simulators.faults.add(path=path, status=status, body="<html>", content_type="text/html", times=None)
    for target in (site.member(site.bob), site.actor(site.bob), site.account(account_id=site.bob)):
        with pytest.raises((Transient, Permanent)):
            site.connector.observe(target)
