"""The guard in the connectors' own give and take (D): what only a person changes is refused from what the system shows then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from access.guard import Barred, ByPerson, Guarded, Terms
from access.methods import Direction
from simulator.systems import act
from tests.connectors.simulated_jira import SimulatedJira
from tests.connectors.simulated_jumpcloud import SimulatedJumpCloud

POWER = Terms(keeps_last=True)


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("by", ["name", "id", "renamed since"])
def test_d1_a_protected_group_is_refused_by_the_name_and_id_it_has_today(
    site: SimulatedJira, by: str, direction: Direction
) -> None:
    """The connector has found the group under another name before."""
    named = "developers" if by == "name" else site.developers if by == "id" else "crown jewels"
    connector = site.connect(protected_groups=[named])
    connector.find_entitlement(site.member().entitlement)
    if by == "renamed since":
        act(site.world, "rename_group", group="developers", name="Crown Jewels")
    change = connector.give if direction is Direction.GIVE else connector.take
    with pytest.raises(Guarded, match="protected group"):
        change(site.member(site.bob))
    assert site.in_group(site.bob)


def test_d1_a_group_that_an_identity_provider_took_over_since_is_refused(site: SimulatedJira) -> None:
    site.connector.find_entitlement(site.member().entitlement)
    site.external.add(site.developers)
    for change in (site.connector.give, site.connector.take):
        with pytest.raises(Guarded, match="identity provider"):
            change(site.member(site.bob))


def test_d3_provisors_own_account_is_changed_by_a_person(site: SimulatedJira) -> None:
    me = next(user.account_id for user in site.world.directory.users.values() if site.connector.is_own(user.account_id))
    for change in (site.connector.give, site.connector.take):
        with pytest.raises(Guarded, match="own account"):
            change(site.member(me))
        with pytest.raises(Guarded, match="own account"):
            change(site.actor(me))


@pytest.mark.parametrize("named", ["id", "address"])
def test_d3_a_protected_account_is_changed_by_a_person(site: SimulatedJira, named: str) -> None:
    terms = Terms(protected_accounts=[site.bob if named == "id" else "BOB@example.com"])
    for change in (site.connector.give, site.connector.take):
        with pytest.raises(Guarded, match="policy protects the account"):
            change(replace(site.member(site.bob), terms=terms))


@pytest.mark.parametrize("others", ["nobody", "inactive", "active", "through a group", "through an empty group"])
def test_d3_the_last_administrator_of_a_project(site: SimulatedJira, others: str) -> None:
    site.connector.give(site.actor(site.alice))
    if others in ("inactive", "active"):
        site.connector.give(site.actor(site.bob))
    if others == "inactive":
        site.world.administration.set_account_status(site.world.user(site.bob), "inactive")
    if others.startswith("through"):
        site.enter_role(site.world.group(site.developers))
    if others == "through an empty group":
        site.connector.take(site.member(site.bob))
    last = others not in ("active", "through a group")
    assert site.connector.is_last_holder(site.actor().entitlement, site.alice) is last
    target = replace(site.actor(site.alice), terms=POWER)
    if last:
        with pytest.raises(Guarded, match="last administrator"):
            site.connector.take(target)
        assert site.in_role(site.alice)
    else:
        site.connector.take(target)
        assert not site.in_role(site.alice)


@pytest.mark.parametrize("others", ["nobody", "inactive", "active"])
def test_d3_the_last_administrator_of_a_jira_group(site: SimulatedJira, others: str) -> None:
    if others != "nobody":
        site.connector.give(site.member(site.alice))
    if others == "inactive":
        site.world.administration.set_account_status(site.world.user(site.alice), "inactive")
    target = replace(site.member(site.bob), terms=POWER)
    if others == "active":
        site.connector.take(target)
        return
    with pytest.raises(Guarded, match="last administrator"):
        site.connector.take(target)


@pytest.mark.parametrize("others", ["nobody", "suspend_user", "lock_user", "active"])
def test_d3_the_last_administrator_of_a_jumpcloud_group(company: SimulatedJumpCloud, others: str) -> None:
    if others != "nobody":
        company.connector.give(company.target(user=company.alice))
    if others not in ("nobody", "active"):
        company.act(others, user="alice")
    target = replace(company.target(user=company.bob), terms=POWER)
    if others == "active":
        company.connector.take(target)
        return
    with pytest.raises(Guarded, match="last administrator"):
        company.connector.take(target)
    assert company.is_member(company.engineering, company.bob)


def test_d3_one_who_does_not_hold_the_power_is_not_the_last_who_does(site: SimulatedJira) -> None:
    assert not site.connector.is_last_holder(site.actor().entitlement, site.bob)
    site.connector.take(replace(site.actor(site.bob), terms=POWER))


def test_d2_a_group_that_became_dynamic_since_is_refused(company: SimulatedJumpCloud) -> None:
    company.switch(dynamic_change="revert")
    company.connector.find_entitlement(company.target().entitlement)
    company.act("change_group", group="Engineering", membershipMethod="DYNAMIC_AUTOMATED")
    for change in (company.connector.give, company.connector.take):
        with pytest.raises(Guarded, match="follow a rule") as caught:
            change(company.target(user=company.bob))
        assert isinstance(caught.value.ruling, ByPerson)
    assert company.is_member(company.engineering, company.bob)


def test_d5_a_suspended_subject_is_given_nothing_and_taken_from_all_the_same(company: SimulatedJumpCloud) -> None:
    company.act("suspend_user", user="bob")
    with pytest.raises(Guarded, match="is suspended") as caught:
        company.connector.give(company.target(user=company.bob))
    assert isinstance(caught.value.ruling, Barred)
    company.connector.take(company.target(user=company.bob))
    assert not company.is_member(company.engineering, company.bob)


@pytest.mark.parametrize("named", ["Engineering", "id"])
def test_d1_a_protected_jumpcloud_group_is_refused_by_name_and_id(company: SimulatedJumpCloud, named: str) -> None:
    protected = company.engineering if named == "id" else "ENGINEERING "
    connector = company.connect(company.service_account(), protected_groups=[protected])
    found = connector.find_entitlement(company.target().entitlement)
    assert "protected" in str(getattr(found, "by_person", None))
    with pytest.raises(Guarded, match="protected group"):
        connector.take(company.target(user=company.bob))
