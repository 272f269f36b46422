from __future__ import annotations

import pytest

from access.entitlements import ResourceKind
from access.failures import Permanent, Transient
from connectors.jumpcloud.reading import MembershipMethod, expected_calls
from connectors.reading import AccountKind, AccountStatus, Incomplete, PrincipalKind
from tests.connectors.jumpcloud_reader_harness import JumpCloudReaderHarness


def test_an_empty_organization_is_a_snapshot(harness: JumpCloudReaderHarness) -> None:
    snapshot = harness.take(harness.reader("auto"))
    assert harness.proves(snapshot)
    assert {account.kind for account in snapshot.accounts.values()} == {AccountKind.ADMIN}


@pytest.mark.parametrize("apps", [3, 20])
def test_the_calls_are_those_of_the_formula(harness: JumpCloudReaderHarness, apps: int) -> None:
    harness.seed(users=430, groups=9, apps=apps)
    harness.group("Everyone", 430)
    harness.group("Exactly a page", 100)
    harness.group("Nobody")
    harness.calls()
    harness.take(harness.reader())
    assert harness.calls() == 1 + expected_calls(MembershipMethod.LISTING, harness.sizes)


def test_a_user_shows_their_profile_and_no_secret(harness: JumpCloudReaderHarness) -> None:
    boss = harness.act("add_user", email="boss@example.com")["id"]
    key = harness.act(
        "add_user",
        email="Ada@Example.com",
        firstname="Ada",
        lastname="L",
        department="R&D",
        jobTitle="Engineer",
        employeeIdentifier=None,
        manager=boss,
        attributes=[{"name": "badge", "value": "7"}, {"name": "wifiPassword", "value": "hunter2"}, {"name": 3}],
        mfa={"configured": True},
        ssh_keys=[{"public_key": "ssh-rsa AAAA"}],
    )["id"]
    account = harness.take(harness.reader()).accounts[key]
    assert (account.title, account.username, account.email) == ("Ada L", "ada", "ada@example.com")
    assert account.email_source == "profile"
    assert account.created_at is not None
    assert account.created_at.utcoffset() is not None
    assert account.attributes == {
        "first_name": "Ada",
        "last_name": "L",
        "department": "R&D",
        "job_title": "Engineer",
        "manager": boss,
        "state": "ACTIVATED",
        "custom": {"badge": "7"},
        "mfa": True,
    }


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, AccountStatus.ACTIVE),
        ({"state": "STAGED"}, AccountStatus.STAGED),
        ({"state": "SUSPENDED"}, AccountStatus.SUSPENDED),
        ({"account_locked": True}, AccountStatus.LOCKED),
        ({"state": "SUSPENDED", "account_locked": True}, AccountStatus.SUSPENDED),
        ({"activated": False}, AccountStatus.ACTIVE),
    ],
)
def test_the_effective_status_of_a_user(
    harness: JumpCloudReaderHarness, fields: dict[str, object], status: AccountStatus
) -> None:
    key = harness.act("add_user", email="ada@example.com", **fields)["id"]
    assert harness.take(harness.reader()).accounts[key].status is status


def test_a_record_without_state_is_active_unless_it_is_suspended(harness: JumpCloudReaderHarness) -> None:
    harness.switch(missing_state=True, extra_fields=True)
    on = harness.act("add_user", email="on@example.com")["id"]
    off = harness.act("add_user", email="off@example.com", state="SUSPENDED")["id"]
    accounts = harness.take(harness.reader()).accounts
    assert (accounts[on].status, accounts[off].status) == (AccountStatus.ACTIVE, AccountStatus.SUSPENDED)


def test_a_state_nobody_documented_is_not_active(harness: JumpCloudReaderHarness) -> None:
    rows: list[dict[str, object]] = [
        {"_id": "a" * 24, "state": "HIBERNATING", "email": None, "firstname": 5, "attributes": {}, "mfa": []}
    ]
    harness.simulators.faults.add(path="/api/systemusers$", status=200, body={"totalCount": 1, "results": rows})
    account = harness.take(harness.reader()).accounts["a" * 24]
    assert (account.status, account.title, account.email) == (AccountStatus.SUSPENDED, "a" * 24, None)


def test_an_administrator_is_an_account_of_their_own(harness: JumpCloudReaderHarness) -> None:
    user = harness.act("add_user", email="ada@example.com")["id"]
    admin = harness.act("add_admin", email="ada@example.com", roleName="Help Desk", suspended=True)["id"]
    snapshot = harness.take(harness.reader())
    assert snapshot.accounts[user].kind is AccountKind.USER
    account = snapshot.accounts[admin]
    assert (account.kind, account.status, account.attributes) == (AccountKind.ADMIN, AccountStatus.SUSPENDED, {})
    names = {role.id: role.name for role in snapshot.resources(ResourceKind.ADMIN_ROLE)}
    held = [names[role] for role, holder in snapshot.grants(ResourceKind.ADMIN_ROLE) if holder == admin]
    assert held == ["Help Desk"]


def test_a_role_of_any_name_is_kept_and_with_is_spelled_one_way(harness: JumpCloudReaderHarness) -> None:
    rows: list[dict[str, object]] = [
        {"_id": "1" * 24, "role": None, "roleName": "Administrator with billing"},
        {"_id": "2" * 24, "role": "f" * 24, "roleName": "Night watch with keys"},
        {"_id": "3" * 24, "roleName": "Gardener", "roleNames": ["Gardener", "Help Desk"]},
        {"_id": "4" * 24},
    ]
    harness.simulators.faults.add(path="/api/users$", status=200, body={"totalCount": 4, "results": rows})
    snapshot = harness.take(harness.reader())
    names = {role.id: role.name for role in snapshot.resources(ResourceKind.ADMIN_ROLE)}
    held = {(holder, names[role]) for role, holder in snapshot.grants(ResourceKind.ADMIN_ROLE)}
    assert held == {
        ("1" * 24, "Administrator With Billing"),
        ("2" * 24, "Night watch with keys"),
        ("3" * 24, "Gardener"),
        ("3" * 24, "Help Desk"),
    }
    assert len(names) == len(set(names.values()))


def test_administrators_are_read_where_there_is_no_list_of_roles(harness: JumpCloudReaderHarness) -> None:
    harness.simulators.faults.add(path="/v2/roles$", status=404, times=None)
    snapshot = harness.take(harness.reader())
    assert {role.name for role in snapshot.resources(ResourceKind.ADMIN_ROLE)} == {
        "Administrator With Billing",
        "Read Only",
    }


def test_a_group_says_whether_it_follows_a_rule(harness: JumpCloudReaderHarness) -> None:
    ruled = harness.group("Ruled", membershipMethod="DYNAMIC_AUTOMATED")
    plain = harness.group("Plain", description="for all")
    groups = {group.id: group for group in harness.take(harness.reader()).resources(ResourceKind.GROUP)}
    assert groups[ruled].attributes == {"membership_method": "DYNAMIC_AUTOMATED", "follows_a_rule": True}
    assert groups[plain].attributes["follows_a_rule"] is False
    assert groups[plain].attributes["description"] == "for all"
    assert groups[plain].url == f"{harness.simulators.jumpcloud_url}/#/groups/user/{plain}/details"
    harness.switch(missing_membership_method=True)
    (one, two) = harness.take(harness.reader()).resources(ResourceKind.GROUP)
    assert not one.attributes["follows_a_rule"]
    assert not two.attributes["follows_a_rule"]


def test_an_application_goes_by_its_label_and_its_config_is_never_taken(harness: JumpCloudReaderHarness) -> None:
    harness.act("add_application", name="aws-sso", displayLabel="AWS", config={"key": "canary"}, color=None)
    snapshot = harness.take(harness.reader())
    (application,) = snapshot.resources(ResourceKind.APPLICATION)
    assert (application.name, application.attributes["template"]) == ("AWS", "aws-sso")
    assert application.url == "https://sso.jumpcloud.com/saml2/aws-sso"
    assert "canary" not in repr(snapshot.rows)
    asked = [call.query for call in harness.simulators.calls.latest() if call.path == "/api/applications"]
    assert asked
    assert not any("config" in query or "fields" not in query for query in asked)


@pytest.mark.parametrize("more", ["applications", "groups"])
def test_who_has_an_application_directly_and_through_which_group(harness: JumpCloudReaderHarness, more: str) -> None:
    harness.seed(users=5, groups=1, apps=1, memberships=0)
    for number in range(4):
        if more == "groups":
            harness.group(f"More {number}")
        else:
            harness.act("add_application", name=f"more-{number}")
    snapshot = harness.take(harness.reader())
    assert harness.proves(snapshot)
    assert snapshot.grants(ResourceKind.APPLICATION)
    assert snapshot.grants(ResourceKind.APPLICATION, PrincipalKind.GROUP)
    assert any(name.startswith("app-groups/") for name in snapshot.parts) is (more == "groups")


@pytest.mark.parametrize("status", [404, 400])
def test_what_is_deleted_between_the_lists_and_its_members_is_gone(
    harness: JumpCloudReaderHarness, status: int
) -> None:
    harness.seed()
    harness.switch(unknown_id_status=status)
    group, application = next(iter(harness.world.groups)).id, next(iter(harness.world.applications)).id

    def delete(stage: int) -> None:
        if stage == 1:
            harness.act("delete_group", group=group)
            harness.act("delete_application", application=application)

    snapshot = harness.take(harness.reader(), between=delete)
    assert snapshot.parts[f"members/{group}"] == []
    assert snapshot.parts[f"app-users/{application}"] == []


def test_a_404_about_a_group_that_is_there_is_not_believed(harness: JumpCloudReaderHarness) -> None:
    harness.seed()
    group = next(iter(harness.world.groups)).id
    harness.simulators.faults.add(path=f"{group}/members$", status=404)
    with pytest.raises(Transient, match="knows the id"):
        harness.take(harness.reader())
    harness.simulators.faults.add(path=f"{group}/members$", status=400)
    with pytest.raises(Permanent):
        harness.take(harness.reader())


def test_a_deleted_user_who_lingers_in_a_group_does_no_harm(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=3)
    group = harness.group("Crew", 3)
    harness.switch(deleted_user_lingers_ms=60_000)
    gone = next(iter(harness.world.users)).id
    harness.act("delete_user", user=gone)
    snapshot = harness.take(harness.reader())
    assert gone not in snapshot.accounts
    assert (group, gone) in snapshot.grants(ResourceKind.GROUP)


@pytest.mark.parametrize("path", ["/api/systemusers$", "/v2/usergroups$", "/members$", "/api/users$", "/associations$"])
def test_a_page_that_is_not_json_is_never_an_empty_list(harness: JumpCloudReaderHarness, path: str) -> None:
    harness.seed()
    harness.simulators.faults.add(
        path=path, status=200, body="<html>proxy</html>", content_type="text/html", times=None
    )
    with pytest.raises(Transient, match="not JSON"):
        harness.take(harness.reader())


@pytest.mark.parametrize("body", [{"results": {}}, {"message": "ok"}, [1, 2]])
def test_json_of_another_shape_is_never_an_empty_list(harness: JumpCloudReaderHarness, body: object) -> None:
    for path in ("/api/systemusers$", "/members$"):
        fault = harness.simulators.faults.add(path=path, status=200, body=body, times=None)
        harness.seed(users=3, groups=2)
        with pytest.raises(Transient, match="shape"):
            harness.take(harness.reader())
        harness.simulators.faults.remove(fault)


def test_a_user_without_an_id_is_not_left_out(harness: JumpCloudReaderHarness) -> None:
    rows = [{"email": "ada@example.com"}]
    harness.simulators.faults.add(path="/api/systemusers$", status=200, body={"totalCount": 1, "results": rows})
    with pytest.raises(Incomplete, match="without an id"):
        harness.take(harness.reader())
