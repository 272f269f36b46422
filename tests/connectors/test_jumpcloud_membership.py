from __future__ import annotations

from dataclasses import replace

import pytest

from access.failures import CredentialRefused, Permanent, Transient, Unseen
from access.guard import Guarded, Terms
from connectors.jumpcloud import api_key
from tests.connectors.simulated_jumpcloud import NO_SUCH_ID, SimulatedJumpCloud

NOT_THE_FORM_OF_AN_ID = "not-an-id"


def test_giving_makes_one_call_after_the_guards_and_reading_back_one(company: SimulatedJumpCloud) -> None:
    company.connector.why_by_person(
        company.target().entitlement
    )  # Active Directories are asked for once in ten minutes.
    company.calls()
    company.connector.give(company.target())
    assert company.is_member(company.engineering, company.alice)
    assert company.connector.observe(company.target()).present
    assert company.calls() == [
        *("GET /api/systemusers/{user}", "GET /api/v2/usergroups/{group}"),
        *("POST /api/v2/usergroups/{group}/members", "GET /api/v2/users/{user}/memberof"),
    ]


def test_taking_makes_it_gone(company: SimulatedJumpCloud) -> None:
    company.connector.take(company.target(user=company.bob))
    assert not company.is_member(company.engineering, company.bob)
    observed = company.connector.observe(company.target(user=company.bob))
    assert not observed.present
    assert company.engineering in observed.evidence


def test_giving_and_taking_twice_has_one_effect(company: SimulatedJumpCloud) -> None:
    for _ in range(2):
        company.connector.give(company.target())
        assert company.is_member(company.engineering, company.alice)
    for _ in range(2):
        company.connector.take(company.target())
        assert not company.is_member(company.engineering, company.alice)


@pytest.mark.parametrize("status", [404, 400])
@pytest.mark.parametrize("user", [NO_SUCH_ID, NOT_THE_FORM_OF_AN_ID])
def test_a_user_who_is_gone_cannot_be_given_anything_but_has_nothing_to_take(
    company: SimulatedJumpCloud, status: int, user: str
) -> None:
    company.switch(unknown_user_on_add_status=status, unknown_id_status=status, malformed_id_status=status)
    with pytest.raises(Permanent, match=f"no user {user}"):
        company.connector.give(company.target(user=user))
    company.connector.take(company.target(user=user))
    assert not company.connector.observe(company.target(user=user)).present


@pytest.mark.parametrize("status", [404, 400])
@pytest.mark.parametrize("group", [NO_SUCH_ID, NOT_THE_FORM_OF_AN_ID])
def test_a_group_that_is_gone_cannot_be_given_and_its_removal_says_that_it_cannot_be_seen(
    company: SimulatedJumpCloud, status: int, group: str
) -> None:
    company.switch(unknown_id_status=status, malformed_id_status=status)
    with pytest.raises(Permanent, match=f"no group {group}"):
        company.connector.give(company.target(group=group))
    with pytest.raises(Unseen, match=f"no group {group}"):
        company.connector.take(company.target(group=group))


@pytest.mark.parametrize("change", ["reject", "revert"])
def test_a_group_that_active_directory_masters_is_never_written_to(company: SimulatedJumpCloud, change: str) -> None:
    company.switch(mastered_change=change)
    company.act("master_group", group="Engineering", directory="DC=ad;DC=example;DC=com")
    for write, user in ((company.connector.give, company.alice), (company.connector.take, company.bob)):
        with pytest.raises(Guarded, match=r"the Active Directory ad\.example\.com"):
            write(company.target(user=user))
    assert company.is_member(company.engineering, company.bob)
    assert not [call for call in company.simulators.calls.latest() if call.method == "POST"]
    company.act("master_group", group="Engineering", directory="corp", kind="g_suite")  # It only gives groups to that.
    company.switch(mastered_change="revert")
    company.connector.give(company.target())


@pytest.mark.parametrize("status", [400, 403, 404, 405, 422])
def test_a_group_that_is_bound_to_active_directory_and_refuses_is_left_to_a_person(
    company: SimulatedJumpCloud, status: int
) -> None:
    company.switch(mastered_reject_status=status, mastered_shown=False)
    company.connector.give(company.target())  # What it knows of Active Directories is from before there was one.
    company.act("master_group", group="Engineering", directory="ad.example.com")
    for write, user in ((company.connector.give, company.carol()), (company.connector.take, company.bob)):
        with pytest.raises(Guarded, match=r"the Active Directory ad\.example\.com"):
            write(company.target(user=user))


@pytest.mark.parametrize("status", [400, 403, 404, 405, 422])
def test_a_group_of_which_nothing_is_shown_refuses_and_the_remedy_names_the_console(
    company: SimulatedJumpCloud, status: int
) -> None:
    company.switch(mastered_reject_status=status)
    company.act("master_group", group="Engineering", directory="okta", kind="ldap_server")
    with pytest.raises((Permanent, Transient)) as caught:
        company.connector.give(company.target())
    assert not isinstance(caught.value, Guarded)
    assert "console" in caught.value.remedy or status in (403, 404)


@pytest.mark.parametrize("change", ["reject", "revert"])
def test_a_group_that_follows_a_rule_is_never_written_to(company: SimulatedJumpCloud, change: str) -> None:
    company.switch(dynamic_change=change)
    for write in (company.connector.give, company.connector.take):
        with pytest.raises(Guarded, match="follow a rule"):
            write(company.target(group=company.everyone))


@pytest.mark.parametrize("status", [204, 400])
def test_a_suspended_user_is_added_where_policy_says_so_or_the_refusal_says_why(
    company: SimulatedJumpCloud, status: int
) -> None:
    company.switch(inactive_user_on_add_status=status)
    company.act("suspend_user", user="alice")
    with pytest.raises(Guarded, match="suspended"):
        company.connector.give(company.target())
    allowed = replace(company.target(), terms=Terms(suspended_too=True))
    if status == 204:
        company.connector.give(allowed)
        assert company.is_member(company.engineering, company.alice)
        return
    with pytest.raises(Permanent, match="suspended"):
        company.connector.give(allowed)


@pytest.mark.parametrize("bodies", ["message", "full", "html", "empty"])
def test_outcomes_are_told_by_status_whatever_the_body(company: SimulatedJumpCloud, bodies: str) -> None:
    company.switch(error_bodies=bodies)
    company.connector.give(company.target(user=company.bob))
    company.connector.take(company.target())
    told = bodies in {"message", "full"}
    with pytest.raises(Permanent if told else Transient, match="no user" if told else "own words"):
        company.connector.give(company.target(user=NO_SUCH_ID))


def test_a_404_while_both_ends_are_there_passes(company: SimulatedJumpCloud) -> None:
    company.simulators.faults.add(method="POST", path="/members$", status=404)
    with pytest.raises(Transient, match="although"):
        company.connector.give(company.target())
    company.simulators.faults.add(method="POST", path="/members$", status=404)
    with pytest.raises(Transient, match="although"):
        company.connector.take(company.target(user=company.bob))


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_to_a_change_is_harmless(company: SimulatedJumpCloud, drop: str) -> None:
    company.simulators.faults.add(method="POST", path="/members$", drop=drop)
    company.connector.give(company.target())
    assert company.is_member(company.engineering, company.alice)
    company.simulators.faults.add(method="POST", path="/members$", drop=drop)
    company.connector.take(company.target())
    assert not company.is_member(company.engineering, company.alice)


def test_a_change_that_keeps_failing_is_transient_and_never_unknown(company: SimulatedJumpCloud) -> None:
    company.simulators.faults.add(method="POST", path="/members$", drop="after", times=None)
    with pytest.raises(Transient):
        company.connector.give(company.target())


def test_a_lagging_read_shows_the_old_state_and_nothing_is_written_again(company: SimulatedJumpCloud) -> None:
    company.switch(consistency_lag_ms=60_000)
    company.connector.give(company.target())
    company.calls()
    assert not company.connector.observe(company.target()).present
    assert company.calls() == ["GET /api/v2/users/{user}/memberof"]


@pytest.mark.parametrize("total", [True, False])
def test_a_membership_beyond_the_first_page_is_found(company: SimulatedJumpCloud, *, total: bool) -> None:
    company.switch(total_count_header=total)
    for number in range(205):
        company.act("add_group", name=f"g{number:03}")
        company.act("add_member", group=f"g{number:03}", user="alice")
    company.connector.give(company.target())
    company.calls()
    observed = company.connector.observe(company.target())
    assert observed.present
    assert "206 groups" in observed.evidence
    assert len(company.calls()) == (3 if total else 4)
    company.connector.take(company.target())
    assert not company.connector.observe(company.target()).present


def test_half_a_list_of_groups_proves_nothing(company: SimulatedJumpCloud) -> None:
    page = [{"id": company.everyone, "type": "user_group"}]
    company.simulators.faults.add(path="/memberof$", status=200, body=page, headers={"x-total-count": "2"}, times=None)
    with pytest.raises(Transient, match="changing"):
        company.connector.observe(company.target())


@pytest.mark.parametrize("status", [400, 404])
def test_a_gateways_error_page_is_never_read_as_nobody_has_access(company: SimulatedJumpCloud, status: int) -> None:
    fault = company.simulators.faults.add(path="/memberof$", status=status, body="<html>", times=None)
    with pytest.raises(Transient, match="own words"):
        company.connector.observe(company.target(user=company.bob))
    company.simulators.faults.remove(fault)
    company.simulators.faults.add(status=status, body="<html>", times=None)
    with pytest.raises((Transient, Permanent)):
        company.connector.observe(company.target(user=company.bob))
    with pytest.raises((Transient, Permanent)):
        company.connector.take(company.target(user=company.bob))


def test_a_list_that_moved_once_is_read_again(company: SimulatedJumpCloud) -> None:
    page = [{"id": company.everyone, "type": "user_group"}]
    company.simulators.faults.add(path="/memberof$", status=200, body=page, headers={"x-total-count": "2"}, times=2)
    assert company.connector.observe(company.target(user=company.bob)).present


def test_extra_and_missing_fields_are_survived(company: SimulatedJumpCloud) -> None:
    company.switch(extra_fields=True, missing_state=True, missing_membership_method=True, link_header=True)
    company.connector.give(company.target())
    assert company.connector.observe(company.target()).present


@pytest.mark.parametrize(("status", "word"), [(403, Permanent), (401, CredentialRefused)])
def test_a_role_that_may_only_read_is_told_by_its_status(
    company: SimulatedJumpCloud, status: int, word: type[Exception]
) -> None:
    company.switch(read_only_status=status)
    reader = company.connect(api_key(company.world.credentials()["read_only_api_key"]))
    assert not reader.observe(company.target()).present
    with pytest.raises(word):
        reader.give(company.target())


def test_what_an_account_holds_is_told_by_name(company: SimulatedJumpCloud) -> None:
    company.act("add_group", name="Admins")
    company.act("add_member", group="Admins", user="bob")
    assert company.connector.holdings(company.bob).groups == ("Admins", "Engineering")
    assert company.connector.holdings(NO_SUCH_ID).groups == ()
