from __future__ import annotations

from dataclasses import replace

import pytest

from access.entitlements import ResourceKind
from access.failures import Permanent, Transient, Unknown, Unseen
from access.guard import Terms
from access.methods import Direction
from tests.connectors.simulated_jira import ADMINISTRATORS, NO_SUCH_ACCOUNT, NO_SUCH_GROUP, SimulatedJira

#: What the guard reads before a change of a group, and of a role; Provisor's own account once.
OWN = ["GET /myself"]
GROUP_FACTS, ROLE_FACTS = ["GET /group/bulk"], ["GET /project/{project}/role/{role}"]


def test_giving_a_group_makes_one_call_after_the_guards_and_reading_back_one(site: SimulatedJira) -> None:
    site.connector.give(site.member())
    assert site.in_group(site.alice)
    assert site.connector.observe(site.member()).present
    assert site.calls() == ["GET /user", *OWN, *GROUP_FACTS, "POST /group/user", "GET /user/groups"]


def test_giving_a_group_to_a_member_is_already_done(site: SimulatedJira) -> None:
    site.connector.give(site.member(site.bob))
    assert site.in_group(site.bob)
    assert site.calls() == ["GET /user", *OWN, *GROUP_FACTS, "POST /group/user"]


def test_giving_a_group_decides_by_reading_when_the_text_does_not_tell(site: SimulatedJira) -> None:
    refused = {"errorMessages": ["Utilisateur déjà membre"], "errors": {}}
    site.simulators.faults.add(method="POST", path="/group/user", status=400, body=refused, times=2)
    site.connector.give(site.member(site.bob))
    with pytest.raises(Permanent):
        site.connector.give(site.member(site.alice))


def test_taking_a_group_makes_it_gone(site: SimulatedJira) -> None:
    site.connector.take(site.member(site.bob))
    assert not site.in_group(site.bob)
    assert not site.connector.observe(site.member(site.bob)).present


@pytest.mark.parametrize("status", [400, 404])
def test_taking_a_group_from_one_who_is_no_member_is_already_done(site: SimulatedJira, status: int) -> None:
    site.switch(remove_nonmember_status=status)
    site.connector.take(site.member())
    assert not site.in_group(site.alice)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refused_removal_is_decided_by_reading_when_the_text_does_not_tell(site: SimulatedJira, status: int) -> None:
    body: dict[str, object] = {"errorMessages": [], "errors": {}}
    site.simulators.faults.add(method="DELETE", path="/group/user", status=status, body=body, times=2)
    site.connector.take(site.member(site.alice))
    with pytest.raises((Permanent, Transient)) as caught:
        site.connector.take(site.member(site.bob))
    assert isinstance(caught.value, Transient) is (status == 404)


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("status", [400, 403])
def test_a_group_of_an_identity_provider_is_for_a_person_there(
    site: SimulatedJira, status: int, *, known: bool
) -> None:
    site.switch(idp_group_status=status)
    site.world.group(site.developers).external_synced = True
    if known:
        site.external.add(site.developers)
    for change, target in ((site.connector.give, site.member()), (site.connector.take, site.member(site.bob))):
        with pytest.raises(Permanent) as caught:
            change(target)
        assert "identity provider" in str(caught.value)
        assert known or caught.value.trace_id


def test_taking_from_a_group_of_an_identity_provider_what_is_not_there_is_done(site: SimulatedJira) -> None:
    site.world.group(site.developers).external_synced = True
    site.connector.take(site.member())
    assert not site.in_group(site.alice)


def test_a_full_licence_is_permanent(site: SimulatedJira) -> None:
    site.switch(licence_full=True)
    carol = site.add_user("carol@example.com", "Carol", access=False)
    access = site.world.group("jira-software-users-example").id
    with pytest.raises(Permanent, match="licence"):
        site.connector.give(site.member(carol.account_id, access))


def test_a_group_that_is_gone_cannot_be_given_and_its_removal_says_that_it_cannot_be_seen(site: SimulatedJira) -> None:
    with pytest.raises(Permanent, match=f"no group {NO_SUCH_GROUP}"):
        site.connector.give(site.member(group=NO_SUCH_GROUP))
    with pytest.raises(Unseen, match=f"no group {NO_SUCH_GROUP}"):
        site.connector.take(site.member(group=NO_SUCH_GROUP))


def test_an_account_that_is_gone_cannot_be_given_anything_but_has_nothing_to_take(site: SimulatedJira) -> None:
    with pytest.raises(Permanent, match=f"no account {NO_SUCH_ACCOUNT}"):
        site.connector.give(site.member(NO_SUCH_ACCOUNT))
    with pytest.raises(Permanent, match=f"no account {NO_SUCH_ACCOUNT}"):
        site.connector.give(site.actor(NO_SUCH_ACCOUNT))
    for target in (site.member(NO_SUCH_ACCOUNT), site.actor(NO_SUCH_ACCOUNT)):
        site.connector.take(target)
        assert not site.connector.observe(target).present


def test_a_lagging_read_shows_the_old_state_and_nothing_is_written_again(site: SimulatedJira) -> None:
    site.switch(directory_lag_ms=60_000)
    site.connector.give(site.member())
    site.calls()
    assert not site.connector.observe(site.member()).present
    assert site.calls() == ["GET /user/groups"]


def test_an_account_that_reads_do_not_find_yet_passes(site: SimulatedJira) -> None:
    missing = {"errorMessages": ["The user does not exist."], "errors": {}}
    site.simulators.faults.add(method="POST", path="/group/user", status=404, body=missing)
    with pytest.raises(Transient, match="although"):
        site.connector.give(site.member())
    site.simulators.faults.add(method="POST", path="/role/", status=404, body=missing)
    with pytest.raises(Transient, match="although"):
        site.connector.give(site.actor())


@pytest.mark.parametrize("drop", ["before", "after"])
def test_a_lost_answer_to_a_change_of_group_or_role_is_harmless(site: SimulatedJira, drop: str) -> None:
    for target, path in ((site.member(), "/group/user"), (site.actor(), "/role/")):
        site.simulators.faults.add(method="POST", path=path, drop=drop)
        site.connector.give(target)
        assert site.connector.observe(target).present
        site.simulators.faults.add(method="DELETE", path=path, drop=drop)
        site.connector.take(target)
        assert not site.connector.observe(target).present


def test_a_change_that_keeps_failing_is_transient_and_never_unknown(site: SimulatedJira) -> None:
    site.simulators.faults.add(path="/group/user|/role/", drop="after", times=None)
    for target in (site.member(), site.actor()):
        for change in (site.connector.give, site.connector.take):
            with pytest.raises(Transient):
                change(target)


@pytest.mark.parametrize("duplicate", ["refuse", "skip"])
def test_giving_a_role_adds_the_account_itself_once(site: SimulatedJira, duplicate: str) -> None:
    site.switch(role_duplicate=duplicate)
    site.connector.give(site.actor())
    assert site.in_role(site.alice)
    assert site.connector.observe(site.actor()).present
    site.connector.give(site.actor())
    assert site.calls() == [
        *("GET /user", *OWN, *ROLE_FACTS, "POST /project/{project}/role/{role}"),
        "GET /project/{project}/role/{role}",
        *("GET /user", *ROLE_FACTS, "POST /project/{project}/role/{role}"),
    ]


def test_taking_a_role_that_was_never_there_is_done(site: SimulatedJira) -> None:
    site.connector.take(site.actor())
    site.connector.give(site.actor())
    site.connector.take(site.actor())
    assert not site.connector.observe(site.actor()).present


def test_a_role_through_a_group_is_not_the_assignment_and_the_evidence_says_so(site: SimulatedJira) -> None:
    site.enter_role(site.world.group(site.developers))
    observed = site.connector.observe(site.actor(site.bob))
    assert not observed.present
    assert "through developers" in observed.evidence
    assert "through" not in site.connector.observe(site.actor(site.alice)).evidence


def test_an_actor_without_its_group_is_survived(site: SimulatedJira) -> None:
    group = site.add_group("gone")
    site.enter_role(group)
    site.world.administration.delete_group(group)
    assert not site.connector.observe(site.actor()).present


def test_an_inactive_actor_is_still_seen(site: SimulatedJira) -> None:
    site.connector.give(site.actor())
    site.world.administration.set_account_status(site.world.user(site.alice), "inactive")
    assert site.connector.observe(site.actor()).present


@pytest.mark.parametrize("terms", [Terms(), Terms(suspended_too=True)])
def test_an_inactive_account_is_not_given_a_role(site: SimulatedJira, terms: Terms) -> None:
    """By the guard, or else by Jira itself."""
    site.world.administration.set_account_status(site.world.user(site.alice), "inactive")
    with pytest.raises(Permanent) as caught:
        site.connector.give(replace(site.actor(), terms=terms))
    assert "reactivate" in caught.value.remedy if terms.suspended_too else "is suspended" in str(caught.value)


def test_the_free_plan_refuses_roles_for_good(site: SimulatedJira) -> None:
    site.connector.give(site.actor())
    site.switch(free_plan=True)
    for change, target in ((site.connector.give, site.actor(site.bob)), (site.connector.take, site.actor())):
        with pytest.raises(Permanent) as caught:
            change(target)
        assert "Free plan" in caught.value.remedy


@pytest.mark.parametrize(("status", "word"), [(400, Permanent), (403, Permanent), (404, Transient)])
def test_a_refused_change_of_a_role_is_a_failure(site: SimulatedJira, status: int, word: type[Exception]) -> None:
    body = {"errorMessages": ["Not today."], "errors": {}}
    site.connector.give(site.actor(site.bob))
    changes = {"POST": (site.connector.give, site.actor()), "DELETE": (site.connector.take, site.actor(site.bob))}
    for method, (change, target) in changes.items():
        site.simulators.faults.add(method=method, path="/role/", status=status, body=body)
        with pytest.raises(word, match="Not today" if word is Permanent else "although"):
            change(target)


@pytest.mark.parametrize(("project", "role"), [("99999", ADMINISTRATORS), ("10001", "99999")])
def test_a_role_or_project_that_is_gone_cannot_be_given_but_is_taken(
    site: SimulatedJira, project: str, role: str
) -> None:
    target = site.actor(project=project, role=role)
    with pytest.raises(Permanent, match=f"no role {role} in project {project}"):
        site.connector.give(target)
    site.connector.take(target)
    observed = site.connector.observe(target)
    assert not observed.present
    assert "no role" in observed.evidence


@pytest.mark.parametrize("permission", ["BROWSE_PROJECTS", "ADMINISTER_PROJECTS"])
def test_a_project_we_may_not_administer_is_never_read_as_nobody_has_access(
    site: SimulatedJira, permission: str
) -> None:
    site.connector.give(site.actor())
    site.deny(permission, site.pay)
    site.deny("ADMINISTER")
    for call in (site.connector.observe, site.connector.give, site.connector.take):
        with pytest.raises(Permanent):
            call(site.actor())


def test_users_we_may_not_browse_are_never_read_as_gone(site: SimulatedJira) -> None:
    site.deny("USER_PICKER")
    with pytest.raises(Permanent) as caught:
        site.connector.observe(site.account(account_id=site.alice))
    assert "Browse users" in caught.value.remedy
    with pytest.raises(Permanent):
        site.connector.observe(site.account("alice@example.com"))


def test_a_401_about_one_project_does_not_stop_the_lane(site: SimulatedJira) -> None:
    body = {"errorMessages": ["You cannot edit the configuration of this project."], "errors": {}}
    site.simulators.faults.add(path="/role/", status=401, body=body, times=3)
    for call in (site.connector.observe, site.connector.give, site.connector.take):
        with pytest.raises(Permanent, match="project 10001"):
            call(site.actor())


def test_only_an_account_is_not_taken_by_api(site: SimulatedJira) -> None:
    automated = {
        (kind, direction)
        for kind in ResourceKind
        for direction in Direction
        if site.connector.automates(kind, direction)
    }
    assert automated == {
        (ResourceKind.GROUP, Direction.GIVE),
        (ResourceKind.GROUP, Direction.TAKE),
        (ResourceKind.PROJECT_ROLE, Direction.GIVE),
        (ResourceKind.PROJECT_ROLE, Direction.TAKE),
        (ResourceKind.ACCOUNT, Direction.GIVE),
    }
    with pytest.raises(Permanent):
        site.connector.take(site.account(account_id=site.alice))


def test_making_an_account_looks_before_and_invites_once(site: SimulatedJira) -> None:
    site.connector.give(site.account("new@example.com"))
    made = site.world.user("new@example.com")
    assert site.world.administration.has_access(made)
    assert site.calls().count("POST /user") == 1
    observed = site.connector.observe(site.account("new@example.com"))
    assert (observed.present, observed.account_id) == (True, made.account_id)
    assert site.known == {"new@example.com": made.account_id}


def test_making_an_account_that_is_there_is_already_done_and_invites_nobody(site: SimulatedJira) -> None:
    site.connector.give(site.account("Alice@Example.com"))
    site.connector.give(site.account(account_id=site.alice))
    assert "POST /user" not in site.calls()


def test_an_account_whose_products_jira_does_not_tell_is_invited(site: SimulatedJira) -> None:
    untold = {"accountId": site.alice, "accountType": "atlassian", "active": True}
    site.simulators.faults.add(method="GET", path="/user$", status=200, body=untold)
    site.connector.give(site.account("alice@example.com"))
    assert "POST /user" in site.calls()


@pytest.mark.parametrize("lag", [0, 60_000])
@pytest.mark.parametrize("fault", [{"drop": "after"}, None], ids=["lost", "a 400 although it was made"])
def test_an_invitation_that_was_made_is_looked_up_and_unknown_while_it_does_not_show(
    site: SimulatedJira, fault: dict[str, object] | None, lag: int
) -> None:
    site.switch(create_user_400_but_made=fault is None, new_user_lag_ms=lag)
    if fault:
        site.simulators.faults.add(method="POST", path="/user$", **fault)
    target = site.account("new@example.com", products=())
    if lag:
        with pytest.raises(Unknown):
            site.connector.give(target)
    else:
        site.connector.give(target)
        assert site.connector.observe(target).present
    assert site.calls().count("POST /user") == 1


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"status": 500}, {"status": 503}, {"status": 504}])
def test_an_invitation_without_a_clear_answer_is_unknown_when_nobody_is_found(
    site: SimulatedJira, fault: dict[str, object]
) -> None:
    site.simulators.faults.add(method="POST", path="/user$", **fault)
    with pytest.raises(Unknown):
        site.connector.give(site.account("new@example.com"))
    assert site.calls().count("POST /user") == 1


def test_a_refused_invitation_is_permanent_after_looking(site: SimulatedJira) -> None:
    site.switch(licence_full=True)
    with pytest.raises(Permanent, match="licence"):
        site.connector.give(site.account("new@example.com"))
    assert site.calls()[-1].startswith("GET")


def test_an_invitation_we_may_not_make_is_permanent(site: SimulatedJira) -> None:
    site.deny("ADMINISTER")
    with pytest.raises(Permanent):
        site.connector.give(site.account("new@example.com"))


@pytest.mark.parametrize("status", [400, 201])
def test_an_account_without_access_is_given_it_or_the_refusal_says_so(site: SimulatedJira, status: int) -> None:
    site.switch(existing_without_access_status=status)
    site.add_user("carol@example.com", "Carol", access=False)
    if status == 201:
        site.connector.give(site.account("carol@example.com"))
        assert site.world.administration.has_access(site.world.user("carol@example.com"))
        return
    with pytest.raises(Permanent, match="has an account without") as caught:
        site.connector.give(site.account("carol@example.com"))
    assert "product" in caught.value.remedy


def test_a_probable_match_from_before_is_no_sign_that_an_account_was_made(site: SimulatedJira) -> None:
    site.switch(hidden_emails=True)
    site.add_user("carol@example.com", "Carol", access=False)
    with pytest.raises(Permanent):
        site.connector.give(site.account("carol@example.com"))


@pytest.mark.parametrize("how", ["hit", "none"])
def test_an_account_is_known_by_the_id_in_the_answer_to_its_invitation_although_it_hides_its_address(
    site: SimulatedJira, how: str
) -> None:
    site.switch(hidden_emails=True, search_hidden_email=how)
    made = site.connector.give(site.account("new@example.com"))
    assert made == site.world.user("new@example.com").account_id
    assert site.connector.observe(site.account("new@example.com", account_id=made)).present


@pytest.mark.parametrize("hidden", [True, False])
def test_an_invitation_of_somebody_who_is_there_teaches_only_what_is_shown(
    site: SimulatedJira, *, hidden: bool
) -> None:
    """A2: the answer 201 may be about an account that was there before."""
    site.switch(hidden_emails=hidden)
    site.simulators.faults.add(path="/user/search", status=200, body=[])
    assert site.connector.give(site.account("alice@example.com")) == site.alice
    assert site.known == ({} if hidden else {"alice@example.com": site.alice})


def test_a_deactivated_account_is_for_a_person_to_reactivate(site: SimulatedJira) -> None:
    site.known["alice@example.com"] = site.alice
    site.world.administration.set_account_status(site.world.user(site.alice), "inactive")
    with pytest.raises(Permanent, match="deactivated"):
        site.connector.give(site.account("alice@example.com"))
    assert "POST /user" not in site.calls()


def test_an_account_is_there_only_while_it_is_active(site: SimulatedJira) -> None:
    target = site.account(account_id=site.alice)
    assert site.connector.observe(target).present
    user = site.world.user(site.alice)
    site.world.administration.set_account_status(user, "inactive")
    assert not site.connector.observe(target).present
    site.world.administration.set_account_status(user, "closed")
    assert not site.connector.observe(target).present
    assert not site.connector.observe(site.account(account_id=NO_SUCH_ACCOUNT)).present


@pytest.mark.parametrize("readable", [True, False])
def test_a_removed_account_is_gone_whether_it_can_be_read_or_not(site: SimulatedJira, *, readable: bool) -> None:
    site.switch(removed_user_readable=readable)
    site.world.administration.remove_user(site.world.user(site.alice))
    assert not site.connector.observe(site.account(account_id=site.alice)).present
    assert not site.connector.observe(site.member(site.alice)).present


def test_a_damaged_record_is_nobody(site: SimulatedJira) -> None:
    body = {"accountId": site.alice, "accountType": "unknown", "active": True}
    site.simulators.faults.add(path="/user$", status=200, body=body)
    assert not site.connector.observe(site.account(account_id=site.alice)).present
    assert not site.connector.observe(site.account(account_id="unknown")).present
