from __future__ import annotations

from typing import Any

import pytest

from access.accounts import Subject
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.failures import CredentialRefused, Permanent, Transient
from access.methods import Direction
from connectors.jumpcloud import api_key
from connectors.jumpcloud.client import PAGE
from connectors.ports import Target
from simulator.systems import act
from tests.connectors.simulated_jumpcloud import NO_SUCH_ID, SimulatedJumpCloud


def group(name: str) -> EntitlementRef:
    """The entitlement of a group by its name as it is, which a written one would encode."""
    return EntitlementRef(System.JUMPCLOUD, ResourceKind.GROUP, (name,))


@pytest.mark.parametrize(
    "said",
    [
        {"email": "alice@example.com"},
        {"email": "Alice@Example.COM "},
        {"username": "ALICE"},
        {"email": "alice@example.com", "username": "alice"},
    ],
)
def test_a_user_is_found_by_email_or_username_in_any_case(company: SimulatedJumpCloud, said: dict[str, str]) -> None:
    company.calls()
    found = company.find_account(Subject(**said))
    assert (found.id, found.title, found.email, found.username) == (
        company.alice,
        "Alice A",
        "alice@example.com",
        "alice",
    )
    assert found.active
    assert found.email_proven
    assert company.calls() == ["GET /api/systemusers"]


def test_an_address_that_only_folding_makes_equal_names_somebody_else(company: SimulatedJumpCloud) -> None:
    """A4: ``ß`` and ``ss`` are two people."""
    act(company.world, "add_user", email="masse@example.com")
    assert company.find_nobody(Subject(email="maße@example.com")).candidates


@pytest.mark.parametrize(
    "other", [{"alternateEmail": "Al@home.example"}, {"recoveryEmail": {"address": "al@home.example"}}], ids=str
)
def test_a_user_who_has_the_address_beside_another_one_is_a_candidate(
    company: SimulatedJumpCloud, other: dict[str, Any]
) -> None:
    """A6: no second account is made, and nobody is taken for the user."""
    company.act("change_user", user="alice", **other)
    missing = company.find_nobody(Subject(email="al@home.example"))
    assert missing.unproven
    assert missing.candidates == (f"alice@example.com ({company.alice})",)
    assert company.find_account(Subject(email="al@home.example", id=company.alice)).id == company.alice
    company.act("change_user", user="bob", email="al@home.example")
    assert company.find_account(Subject(email="al@home.example")).id == company.bob


def test_an_address_beside_another_is_not_the_users_while_it_is_somebody_elses_own(company: SimulatedJumpCloud) -> None:
    """A12: the id names the one who has it as a second address, the address names its owner."""
    company.act("change_user", user="alice", alternateEmail="al@example.com")
    assert company.find_account(Subject(id=company.alice, email="al@example.com")).id == company.alice
    owner = company.act("add_user", email="al@example.com", username="al")["id"]
    missing = company.find_nobody(Subject(id=company.alice, email="al@example.com"))
    assert missing.contradiction
    assert [who in each for who, each in zip((company.alice, owner), missing.candidates, strict=True)] == [True, True]


def test_a_user_whom_the_first_page_of_a_search_leaves_out_is_found(company: SimulatedJumpCloud) -> None:
    company.switch(names_stored="as_sent")
    for number, name in enumerate([*(f"xal{number}" for number in range(PAGE)), "AL"]):
        company.act("add_user", email=f"u{number}@example.com", username=name)
    assert company.find_account(Subject(username="al")).username == "AL"


def test_a_username_has_another_case_of_a_to_z_alone(company: SimulatedJumpCloud) -> None:
    """A7."""
    company.act("add_user", email="strasse@example.com", username="strasse")
    company.find_nobody(Subject(username="straße"))


def test_a_user_is_found_by_id(company: SimulatedJumpCloud) -> None:
    assert company.find_account(Subject(id=company.bob)).username == "bob"


def test_a_user_stored_with_capitals_is_found_all_the_same(company: SimulatedJumpCloud) -> None:
    row = {"_id": company.alice, "email": "Alice@Example.com", "username": "alice"}
    company.simulators.faults.add(path="/api/systemusers$", status=200, body={"totalCount": 0, "results": []})
    company.simulators.faults.add(path="/search/systemusers$", status=200, body={"totalCount": 1, "results": [row]})
    assert company.find_account(Subject(email="alice@example.com")).id == company.alice


@pytest.mark.parametrize("status", [404, 400])
@pytest.mark.parametrize("user_id", [NO_SUCH_ID, "712020:abc", "../users"])
def test_an_id_of_nobody_matches_none(company: SimulatedJumpCloud, status: int, user_id: str) -> None:
    company.switch(unknown_id_status=status, malformed_id_status=status)
    assert company.find_nobody(Subject(id=user_id)).candidates == ()


def test_a_mistyped_name_matches_none_and_near_ones_are_offered(company: SimulatedJumpCloud) -> None:
    for subject in (Subject(email="alicia@example.com"), Subject(username="alise")):
        missing = company.find_nobody(subject)
        assert not missing.several
        assert missing.candidates == (f"alice@example.com ({company.alice})",)


def test_a_filter_that_is_ignored_does_not_choose_for_us(company: SimulatedJumpCloud) -> None:
    rows = [{"_id": company.bob, "email": "bob@example.com", "username": "bob"}]
    company.simulators.faults.add(path="/api/systemusers$", status=200, body={"totalCount": 1, "results": rows})
    assert company.find_account(Subject(email="alice@example.com")).id == company.alice


def test_several_users_of_one_name_match_none(company: SimulatedJumpCloud) -> None:
    rows = [{"_id": f"{n:024x}", "email": "alice@example.com", "username": f"a{n}"} for n in (1, 2)]
    company.simulators.faults.add(path="/api/systemusers$", status=200, body={"totalCount": 2, "results": rows})
    assert company.find_nobody(Subject(email="alice@example.com")).several


def test_what_contradicts_itself_matches_none(company: SimulatedJumpCloud) -> None:
    assert company.find_nobody(Subject(email="alice@example.com", username="bob")).candidates
    assert company.find_nobody(Subject(id=company.alice, email="bob@example.com")).candidates


@pytest.mark.parametrize("act", ["suspend_user", "lock", "stage"])
def test_a_user_who_cannot_work_is_found_inactive(company: SimulatedJumpCloud, act: str) -> None:
    if act == "suspend_user":
        company.act(act, user="alice")
    else:
        change = {"account_locked": True} if act == "lock" else {"state": "STAGED"}
        company.act("change_user", user="alice", **change)
    assert not company.find_account(Subject(email="alice@example.com")).active


@pytest.mark.parametrize(
    ("change", "managed_by"),
    [
        ({}, None),
        ({"externally_managed": False, "external_source_type": "LDAP"}, None),
        ({"externally_managed": True}, "another directory"),
        ({"externally_managed": True, "external_source_type": "ACTIVE_DIRECTORY"}, "ACTIVE_DIRECTORY"),
    ],
)
def test_whether_another_directory_manages_an_account(
    company: SimulatedJumpCloud, change: dict[str, object], managed_by: str | None
) -> None:
    if change:
        company.act("change_user", user="alice", **change)
    assert company.find_account(Subject(email="alice@example.com")).managed_by == managed_by


def test_a_record_without_a_state_is_active(company: SimulatedJumpCloud) -> None:
    company.switch(missing_state=True)
    assert company.find_account(Subject(email="alice@example.com")).active


def test_a_group_is_found_by_name_in_one_call(company: SimulatedJumpCloud) -> None:
    company.act("add_group", name="Sales")
    company.find(group("Sales"))  # Active Directories are asked for once in ten minutes.
    company.calls()
    found = company.find(group("Engineering"))
    assert str(found.ref) == f"jumpcloud:group:{company.engineering}:member"
    assert str(found.named) == "jumpcloud:group:Engineering:member"
    assert found.by_person is None
    assert found.url == f"{company.simulators.jumpcloud_url}/#/groups/user/{company.engineering}/details"
    assert company.calls() == ["GET /api/v2/usergroups"]


@pytest.mark.parametrize("name", ["engineering", "ENGINEERING", " Engineering "])
def test_a_group_is_found_in_any_case_though_the_filter_minds_it(company: SimulatedJumpCloud, name: str) -> None:
    assert company.find(group(name)).ref.path == (company.engineering,)


@pytest.mark.parametrize("name", ["R&D, all: sites", "Team [x]", "Wild*card", "name:eq:Everyone", "50% /é", "a+b"])
def test_a_group_of_any_name_is_found(company: SimulatedJumpCloud, name: str) -> None:
    made = company.act("add_group", name=name)["id"]
    assert company.find(group(name)).ref.path == (made,)


def test_a_wildcard_does_not_find_another_group(company: SimulatedJumpCloud) -> None:
    company.find_nothing(group("Eng*"))


def test_a_group_is_found_by_id_before_a_name_of_that_form(company: SimulatedJumpCloud) -> None:
    strange = company.act("add_group", name=NO_SUCH_ID)["id"]
    assert company.find(group(company.engineering)).named.path == ("Engineering",)
    assert company.find(group(NO_SUCH_ID)).ref.path == (strange,)


def test_a_group_beyond_the_first_page_is_found_in_any_case(company: SimulatedJumpCloud) -> None:
    for number in range(120):
        company.act("add_group", name=f"G{number:03}")
    assert company.find(group("g119")).named.path == ("G119",)


def test_a_mistyped_group_matches_none_and_near_ones_are_offered(company: SimulatedJumpCloud) -> None:
    missing = company.find_nothing(group("Enginering"))
    assert missing.candidates == (f"Engineering ({company.engineering})",)


@pytest.mark.parametrize(
    ("method", "by_person"),
    [
        ("NOTSET", False),
        ("STATIC", False),
        ("DYNAMIC_REVIEW_REQUIRED", True),
        ("DYNAMIC_AUTOMATED", True),
    ],
)
def test_only_a_group_that_follows_a_rule_is_for_a_person(
    company: SimulatedJumpCloud, method: str, *, by_person: bool
) -> None:
    company.act("change_group", group="Engineering", membershipMethod=method)
    assert (company.find(group("Engineering")).by_person is not None) is by_person


@pytest.mark.parametrize("value", [None, "", "DYNAMIC_SOMETHING_NEW"])
def test_a_method_that_is_missing_or_new_is_read_carefully(company: SimulatedJumpCloud, value: str | None) -> None:
    body = {"id": company.engineering, "name": "Engineering", "membershipMethod": value}
    company.simulators.faults.add(path="/usergroups/[0-9a-f]+$", status=200, body=body)
    assert (company.find(group(company.engineering)).by_person is not None) is (value == "DYNAMIC_SOMETHING_NEW")


def test_an_application_names_the_groups_that_give_it_and_is_seen_whichever_way_it_is_held(
    company: SimulatedJumpCloud,
) -> None:
    application = company.act("add_application", name="aws", displayLabel="AWS")["id"]
    company.act("bind_application", application=application, group="Engineering")
    company.act("add_application", name="other", displayLabel="Other")
    for named in ("aws", "AWS", application):
        found = company.find(EntitlementRef.parse(f"jumpcloud:application:{named}:assigned"))
        assert (found.ref.path, [(way.id, way.name) for way in found.ways]) == (
            (application,), [(company.engineering, "Engineering")],
        )  # fmt: skip
    company.find_nothing("jumpcloud:application:awsome:assigned")

    def has(user: str) -> bool:
        return company.connector.observe(Target(entitlement=found.ref, account_id=user)).present

    assert [has(each) for each in (company.bob, company.alice)] == [True, False]
    company.act("bind_application", application=application, user="alice")
    company.act("remove_member", group="Engineering", user="bob")
    assert [has(each) for each in (company.bob, company.alice)] == [False, True]


def test_applications_and_admin_roles_are_left_to_people(company: SimulatedJumpCloud) -> None:
    company.act("add_application", name="aws")
    for text in ("jumpcloud:application:aws:assigned", "jumpcloud:admin-role:Help Desk:assigned"):
        ref = EntitlementRef.parse(text)
        found = company.connector.find_entitlement(ref)
        assert isinstance(found, Entitlement)
        assert found.by_person
        for direction in Direction:
            assert not company.connector.automates(ref.kind, direction)
        with pytest.raises(Permanent):
            company.connector.give(Target(entitlement=ref, account_id=company.alice))
    assert all(company.connector.automates(ResourceKind.GROUP, direction) for direction in Direction)


def test_a_kind_jumpcloud_does_not_have_matches_none(company: SimulatedJumpCloud) -> None:
    company.find_nothing("jumpcloud:account:exists")


def test_a_good_key_is_proven_by_one_cheap_call(company: SimulatedJumpCloud) -> None:
    company.calls()
    assert company.connector.prove() == "Example Corp"
    assert company.calls() == ["GET /api/organizations"]


def test_a_service_account_works_like_a_key_and_gets_its_token_once(company: SimulatedJumpCloud) -> None:
    for tells_life in (True, False):
        company.switch(token_tells_life=tells_life)
        connector = company.connect(company.service_account(), organization=company.world.organization_id)
        company.calls()
        connector.prove()
        connector.observe(company.target())
        assert [call for call in company.calls() if "token" in call] == ["POST oauth token"]


def test_a_token_revoked_early_is_fetched_anew(company: SimulatedJumpCloud) -> None:
    connector = company.connect(company.service_account())
    connector.prove()
    company.act("revoke_tokens")
    company.calls()
    connector.prove()
    assert company.calls() == ["GET /api/organizations", "POST oauth token", "GET /api/organizations"]


def test_a_credential_that_is_not_known_is_refused_everywhere(company: SimulatedJumpCloud) -> None:
    connectors = [company.connect(api_key("no-such-key")), company.connect(company.service_account("no-such-secret"))]
    company.act("expire_key", api_key=company.world.credentials()["api_key"])
    for connector in (*connectors, company.connector):
        for call in (connector.prove, lambda one=connector: one.give(company.target())):
            with pytest.raises(CredentialRefused):
                call()


@pytest.mark.parametrize("bodies", ["message", "full", "html", "empty"])
def test_a_blocked_address_refuses_the_credential(company: SimulatedJumpCloud, bodies: str) -> None:
    company.switch(source_blocked=True, error_bodies=bodies)
    with pytest.raises(CredentialRefused):
        company.connector.prove()
    with pytest.raises(Transient if bodies == "empty" else CredentialRefused):
        company.connector.give(company.target())


def test_an_organization_header_that_is_not_allowed_refuses_the_credential(company: SimulatedJumpCloud) -> None:
    company.switch(single_org_header="forbidden")
    connector = company.connect(
        api_key(company.world.credentials()["api_key"]), organization=company.world.organization_id
    )
    with pytest.raises(CredentialRefused):
        connector.observe(company.target())


def test_a_multi_tenant_key_needs_its_organization(company: SimulatedJumpCloud) -> None:
    key = company.act("add_admin", email="msp@example.com", role="Administrator", multiTenant=True)["api_key"]
    with pytest.raises(CredentialRefused):
        company.connect(api_key(key)).observe(company.target())
    chosen = company.connect(api_key(key), organization=company.world.organization_id)
    assert not chosen.observe(company.target()).present


def test_another_organization_than_ours_proves_nothing_to_be_gone(company: SimulatedJumpCloud) -> None:
    """A11."""
    key = api_key(company.world.credentials()["api_key"])
    ours = company.connect(key, known=company.world.organization_id)
    gone = company.target(user=NO_SUCH_ID)
    assert ours.proof_of_gone(gone)
    company.act("set_organization", organization_id="f" * 24, name="Other Corp")
    with pytest.raises(CredentialRefused, match="Other Corp"):
        ours.proof_of_gone(gone)


def test_of_several_organizations_the_chosen_one_is_meant(company: SimulatedJumpCloud) -> None:
    company.act("add_organization", organization_id="f" * 24, name="Other Corp")
    made = company.act("add_admin", email="root@example.com", roleName="Administrator", multiTenant=True)
    tenant = company.connect(api_key(made["api_key"]), organization="f" * 24).tenant()
    assert tenant is not None
    assert (tenant.id, tenant.name) == ("f" * 24, "Other Corp")
