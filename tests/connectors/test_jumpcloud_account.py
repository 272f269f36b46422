"""JumpCloud accounts are made and taken away by people; what came of it is read in the system all the same."""

from __future__ import annotations

from access.entitlements import EntitlementRef, ResourceKind
from access.methods import Direction
from connectors.ports import Target
from tests.connectors.simulated_jumpcloud import NO_SUCH_ID, SimulatedJumpCloud

ACCOUNT = EntitlementRef.parse("jumpcloud:account:exists")


def test_accounts_are_left_to_people(company: SimulatedJumpCloud) -> None:
    assert not company.connector.automates(ResourceKind.ACCOUNT, Direction.GIVE)
    assert not company.connector.automates(ResourceKind.ACCOUNT, Direction.TAKE)


def test_an_account_that_a_person_made_is_seen_by_its_address(company: SimulatedJumpCloud) -> None:
    assert not company.connector.observe(Target(ACCOUNT, account_id=None, email="carol@example.com")).present
    made = company.act("add_user", email="carol@example.com", username="carol")["id"]
    seen = company.connector.observe(Target(ACCOUNT, account_id=None, email="carol@example.com"))
    assert seen.present
    assert seen.account_id == made


def test_a_suspended_account_counts_as_taken_away(company: SimulatedJumpCloud) -> None:
    assert company.connector.observe(Target(ACCOUNT, account_id=company.alice)).present
    company.act("suspend_user", user="alice")
    seen = company.connector.observe(Target(ACCOUNT, account_id=company.alice))
    assert not seen.present
    assert "suspended" in seen.evidence


def test_an_account_that_is_gone_is_not_there(company: SimulatedJumpCloud) -> None:
    assert not company.connector.observe(Target(ACCOUNT, account_id=NO_SUCH_ID)).present
