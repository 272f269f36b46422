"""What proves that a thing is gone (B2): nothing but a complete list without its id, read with a credential that counts."""

from __future__ import annotations

import pytest

from access.entitlements import EntitlementRef
from access.failures import CredentialRefused
from connectors.ports import Target
from simulator.systems import act
from tests.connectors.simulated_jira import NO_SUCH_ACCOUNT, NO_SUCH_GROUP, SimulatedJira
from tests.connectors.simulated_jumpcloud import NO_SUCH_ID, SimulatedJumpCloud

OLD = ["archive_project", "delete_project"]


@pytest.mark.parametrize("readable", [404, 200])
@pytest.mark.parametrize("become", [*OLD, None])
def test_b2_a_project_that_is_live_archived_or_in_the_trash_is_not_gone(
    site: SimulatedJira, become: str | None, readable: int
) -> None:
    site.switch(trashed_project_read=readable)
    site.connector.give(site.actor())
    if become:
        act(site.world, become, project="PAY")
    assert site.connector.proof_of_gone(site.actor()) is None
    seen = site.connector.observe(site.actor())
    assert seen.present or seen.missing == f"project {site.pay}"


@pytest.mark.parametrize("become", OLD)
def test_b2_a_project_that_is_restored_shows_its_roles_again(site: SimulatedJira, become: str) -> None:
    site.connector.give(site.actor())
    act(site.world, become, project="PAY")
    act(site.world, "restore_project", project="PAY")
    assert site.connector.observe(site.actor()).present


def test_b2_a_project_that_the_trash_has_let_go_of_is_gone(site: SimulatedJira) -> None:
    site.connector.give(site.actor())
    site.add_project("10009", "OTHER", "Other")
    act(site.world, "purge_project", project="PAY")
    proof = site.connector.proof_of_gone(site.actor()) or ""
    assert f"in the trash, does not have project {site.pay}" in proof


def test_b2_a_role_that_was_taken_off_its_project_is_gone(site: SimulatedJira) -> None:
    gone = site.connector.proof_of_gone(site.actor(role="99999"))
    assert gone is not None
    assert f"roles of project {site.pay}" in gone


def test_b2_without_the_right_to_administer_jira_nothing_is_proven_of_a_project(site: SimulatedJira) -> None:
    act(site.world, "purge_project", project="PAY")
    site.deny("ADMINISTER")
    assert site.connector.proof_of_gone(site.actor()) is None


def test_b2_an_account_or_group_is_gone_when_the_complete_list_lacks_it(site: SimulatedJira) -> None:
    assert site.connector.proof_of_gone(site.member(NO_SUCH_ACCOUNT)) is not None
    assert site.connector.proof_of_gone(site.member(group=NO_SUCH_GROUP)) is not None
    assert site.connector.proof_of_gone(site.member()) is None


def test_b2_a_credential_that_does_not_count_proves_nothing(site: SimulatedJira) -> None:
    site.simulators.faults.add(method="GET", path="/myself", status=401, body={"errorMessages": ["no"]}, times=5)
    with pytest.raises(CredentialRefused):
        site.connector.proof_of_gone(site.actor(project="99999"))


def test_b2_an_empty_list_of_projects_proves_nothing(site: SimulatedJira) -> None:
    body = {"values": [], "total": 0, "isLast": True, "maxResults": 100, "startAt": 0}
    site.simulators.faults.add(method="GET", path="/project/search", status=200, body=body, times=5)
    assert site.connector.proof_of_gone(site.actor(project="99999")) is None


def test_b2_half_a_list_of_projects_proves_nothing(site: SimulatedJira) -> None:
    page = {"values": [{"id": "1", "key": "A"}], "total": 7, "isLast": True, "maxResults": 100, "startAt": 0}
    site.simulators.faults.add(method="GET", path="/project/search", status=200, body=page, times=9)
    assert site.connector.proof_of_gone(site.actor(project="99999")) is None


def test_b2_a_user_or_group_is_gone_when_the_complete_list_lacks_it(company: SimulatedJumpCloud) -> None:
    assert "does not have user" in (company.connector.proof_of_gone(company.target(user=NO_SUCH_ID)) or "")
    assert "does not have group" in (company.connector.proof_of_gone(company.target(group=NO_SUCH_ID)) or "")
    assert company.connector.proof_of_gone(company.target()) is None


def test_b2_a_single_404_for_a_user_who_is_listed_proves_nothing(company: SimulatedJumpCloud) -> None:
    company.simulators.faults.add(
        system="jumpcloud",
        method="GET",
        path=f"/systemusers/{company.alice}",
        status=404,
        body={"message": "Not Found"},
    )
    assert company.connector.proof_of_gone(company.target()) is None


@pytest.mark.parametrize("state", ["lock_user", "suspend_user"])
def test_b4_a_user_who_cannot_log_in_is_not_gone(company: SimulatedJumpCloud, state: str) -> None:
    company.act(state, user="alice")
    account = Target(EntitlementRef.parse("jumpcloud:account:exists"), account_id=company.alice)
    assert company.connector.proof_of_gone(account) is None
    assert company.connector.observe(account).present is (state == "lock_user")


def test_b2_the_roles_of_a_project_in_the_trash_prove_nothing(site: SimulatedJira) -> None:
    act(site.world, "delete_project", project="PAY")
    assert site.connector.proof_of_gone(site.actor(role="99999")) is None
