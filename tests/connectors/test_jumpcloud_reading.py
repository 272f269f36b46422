from __future__ import annotations

import pytest

from access.failures import CredentialRefused, Permanent, Transient
from connectors.jumpcloud.reading import MembershipMethod, expected_calls
from connectors.reading import AccountKind, AccountStatus, Incomplete, PrincipalKind, Reader, ThingKind
from httpclient import RetryPolicy
from tests.connectors.jumpcloud_tenant import Tenant


def test_it_is_a_reader(tenant: Tenant) -> None:
    reader: Reader = tenant.reader()
    assert reader.system == "jumpcloud"
    assert reader.prove() == "Example Corp"


@pytest.mark.parametrize("method", ["listing", "report", "search", "auto"])
def test_a_snapshot_is_the_truth(tenant: Tenant, method: str) -> None:
    tenant.seed(users=230, groups=12, apps=5)
    tenant.switch(search_returns_memberof=True)
    assert tenant.proves(tenant.take(tenant.reader(method)))


def test_an_empty_organization_is_a_snapshot(tenant: Tenant) -> None:
    snapshot = tenant.take(tenant.reader("auto"))
    assert tenant.proves(snapshot)
    assert {account.kind for account in snapshot.accounts.values()} == {AccountKind.ADMIN}


@pytest.mark.parametrize("apps", [3, 20])
@pytest.mark.parametrize("direct", [True, False])
def test_the_calls_are_those_of_the_formula(tenant: Tenant, apps: int, direct: bool) -> None:  # noqa: FBT001 - a parameter of the rule
    tenant.seed(users=430, groups=9, apps=apps)
    tenant.group("Everyone", 430)
    tenant.group("Exactly a page", 100)
    tenant.group("Nobody")
    tenant.calls()
    tenant.take(tenant.reader(direct_app_users=direct))
    assert tenant.calls() == 1 + expected_calls(MembershipMethod.LISTING, tenant.sizes, direct_app_users=direct)


def test_without_applications_nothing_is_asked_of_them(tenant: Tenant) -> None:
    tenant.seed()
    tenant.calls()
    snapshot = tenant.take(tenant.reader(applications=False))
    assert snapshot.count(ThingKind.APPLICATION) == 0
    assert tenant.calls() == 1 + expected_calls(MembershipMethod.LISTING, tenant.sizes, applications=False)


def test_a_user_shows_their_profile_and_no_secret(tenant: Tenant) -> None:
    boss = tenant.act("add_user", email="boss@example.com")["id"]
    key = tenant.act(
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
    account = tenant.take(tenant.reader()).accounts[key]
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
def test_the_effective_status_of_a_user(tenant: Tenant, fields: dict[str, object], status: AccountStatus) -> None:
    key = tenant.act("add_user", email="ada@example.com", **fields)["id"]
    assert tenant.take(tenant.reader()).accounts[key].status is status


def test_a_record_without_state_is_active_unless_it_is_suspended(tenant: Tenant) -> None:
    tenant.switch(missing_state=True, extra_fields=True)
    on = tenant.act("add_user", email="on@example.com")["id"]
    off = tenant.act("add_user", email="off@example.com", state="SUSPENDED")["id"]
    accounts = tenant.take(tenant.reader()).accounts
    assert (accounts[on].status, accounts[off].status) == (AccountStatus.ACTIVE, AccountStatus.SUSPENDED)


def test_a_state_nobody_documented_is_not_active(tenant: Tenant) -> None:
    rows: list[dict[str, object]] = [
        {"_id": "a" * 24, "state": "HIBERNATING", "email": None, "firstname": 5, "attributes": {}, "mfa": []}
    ]
    tenant.simulators.faults.add(path="/api/systemusers$", status=200, body={"totalCount": 1, "results": rows})
    account = tenant.take(tenant.reader()).accounts["a" * 24]
    assert (account.status, account.title, account.email) == (AccountStatus.SUSPENDED, "a" * 24, None)


def test_an_administrator_is_an_account_of_their_own(tenant: Tenant) -> None:
    user = tenant.act("add_user", email="ada@example.com")["id"]
    admin = tenant.act("add_admin", email="ada@example.com", roleName="Help Desk", suspended=True)["id"]
    snapshot = tenant.take(tenant.reader())
    assert snapshot.accounts[user].kind is AccountKind.USER
    account = snapshot.accounts[admin]
    assert (account.kind, account.status, account.attributes) == (AccountKind.ADMIN, AccountStatus.SUSPENDED, {})
    names = {role.id: role.name for role in snapshot.resources(ThingKind.ADMIN_ROLE)}
    held = [names[role] for role, holder in snapshot.grants(ThingKind.ADMIN_ROLE) if holder == admin]
    assert held == ["Help Desk"]


def test_a_role_of_any_name_is_kept_and_with_is_spelled_one_way(tenant: Tenant) -> None:
    rows: list[dict[str, object]] = [
        {"_id": "1" * 24, "role": None, "roleName": "Administrator with billing"},
        {"_id": "2" * 24, "role": "f" * 24, "roleName": "Night watch with keys"},
        {"_id": "3" * 24, "roleName": "Gardener", "roleNames": ["Gardener", "Help Desk"]},
        {"_id": "4" * 24},
    ]
    tenant.simulators.faults.add(path="/api/users$", status=200, body={"totalCount": 4, "results": rows})
    snapshot = tenant.take(tenant.reader())
    names = {role.id: role.name for role in snapshot.resources(ThingKind.ADMIN_ROLE)}
    held = {(holder, names[role]) for role, holder in snapshot.grants(ThingKind.ADMIN_ROLE)}
    assert held == {
        ("1" * 24, "Administrator With Billing"),
        ("2" * 24, "Night watch with keys"),
        ("3" * 24, "Gardener"),
        ("3" * 24, "Help Desk"),
    }
    assert len(names) == len(set(names.values()))


def test_administrators_are_read_where_there_is_no_list_of_roles(tenant: Tenant) -> None:
    tenant.simulators.faults.add(path="/v2/roles$", status=404, times=None)
    snapshot = tenant.take(tenant.reader())
    assert {role.name for role in snapshot.resources(ThingKind.ADMIN_ROLE)} == {
        "Administrator With Billing",
        "Read Only",
    }


def test_a_group_says_whether_it_follows_a_rule(tenant: Tenant) -> None:
    ruled = tenant.group("Ruled", membershipMethod="DYNAMIC_AUTOMATED")
    plain = tenant.group("Plain", description="for all")
    groups = {group.id: group for group in tenant.take(tenant.reader()).resources(ThingKind.GROUP)}
    assert groups[ruled].attributes == {"membership_method": "DYNAMIC_AUTOMATED", "follows_a_rule": True}
    assert groups[plain].attributes["follows_a_rule"] is False
    assert groups[plain].attributes["description"] == "for all"
    assert groups[plain].url == f"{tenant.simulators.jumpcloud_url}/#/groups/user/{plain}/details"
    tenant.switch(missing_membership_method=True)
    (one, two) = tenant.take(tenant.reader()).resources(ThingKind.GROUP)
    assert not one.attributes["follows_a_rule"]
    assert not two.attributes["follows_a_rule"]


def test_an_application_goes_by_its_label_and_its_config_is_never_taken(tenant: Tenant) -> None:
    tenant.act("add_application", name="aws-sso", displayLabel="AWS", config={"key": "canary"}, color=None)
    snapshot = tenant.take(tenant.reader())
    (application,) = snapshot.resources(ThingKind.APPLICATION)
    assert (application.name, application.attributes["template"]) == ("AWS", "aws-sso")
    assert application.url == "https://sso.jumpcloud.com/saml2/aws-sso"
    assert "canary" not in repr(snapshot.rows)
    asked = [call.query for call in tenant.simulators.calls.latest() if call.path == "/api/applications"]
    assert asked
    assert not any("config" in query or "fields" not in query for query in asked)


@pytest.mark.parametrize("more", ["applications", "groups"])
def test_who_has_an_application_directly_and_through_which_group(tenant: Tenant, more: str) -> None:
    tenant.seed(users=5, groups=1, apps=1, memberships=0)
    for number in range(4):
        if more == "groups":
            tenant.group(f"More {number}")
        else:
            tenant.act("add_application", name=f"more-{number}")
    snapshot = tenant.take(tenant.reader())
    assert tenant.proves(snapshot)
    assert snapshot.grants(ThingKind.APPLICATION)
    assert snapshot.grants(ThingKind.APPLICATION, PrincipalKind.GROUP)
    assert any(name.startswith("app-groups/") for name in snapshot.parts) is (more == "groups")


@pytest.mark.parametrize("status", [404, 400])
def test_what_is_deleted_between_the_lists_and_its_members_is_gone(tenant: Tenant, status: int) -> None:
    tenant.seed()
    tenant.switch(unknown_id_status=status)
    group, application = next(iter(tenant.world.groups)).id, next(iter(tenant.world.applications)).id

    def delete(stage: int) -> None:
        if stage == 1:
            tenant.act("delete_group", group=group)
            tenant.act("delete_application", application=application)

    snapshot = tenant.take(tenant.reader(), between=delete)
    assert snapshot.parts[f"members/{group}"] == []
    assert snapshot.parts[f"app-users/{application}"] == []


def test_a_404_about_a_group_that_is_there_is_not_believed(tenant: Tenant) -> None:
    tenant.seed()
    group = next(iter(tenant.world.groups)).id
    tenant.simulators.faults.add(path=f"{group}/members$", status=404)
    with pytest.raises(Transient, match="knows the id"):
        tenant.take(tenant.reader())
    tenant.simulators.faults.add(path=f"{group}/members$", status=400)
    with pytest.raises(Permanent):
        tenant.take(tenant.reader())


def test_a_deleted_user_who_lingers_in_a_group_does_no_harm(tenant: Tenant) -> None:
    tenant.seed(users=3)
    group = tenant.group("Crew", 3)
    tenant.switch(deleted_user_lingers_ms=60_000)
    gone = next(iter(tenant.world.users)).id
    tenant.act("delete_user", user=gone)
    snapshot = tenant.take(tenant.reader())
    assert gone not in snapshot.accounts
    assert (group, gone) in snapshot.grants(ThingKind.GROUP)


def test_a_suspended_member_stays_one(tenant: Tenant) -> None:
    tenant.seed(users=3)
    group = tenant.group("Crew", 3)
    user = next(iter(tenant.world.users)).id
    tenant.act("suspend_user", user=user)
    assert (group, user) in tenant.take(tenant.reader()).grants(ThingKind.GROUP)


@pytest.mark.parametrize("retry_after", ["none", "seconds", "date"])
def test_too_many_calls_go_up_for_the_engine_to_wait(tenant: Tenant, retry_after: str) -> None:
    tenant.seed(groups=20)
    tenant.switch(rate_per_second=1, rate_burst=10, retry_after=retry_after)
    with pytest.raises(Transient) as caught:
        tenant.take(tenant.reader(retry_policy=RetryPolicy.none()))
    assert caught.value.status == 429
    assert (caught.value.retry_after is None) is (retry_after == "none")


def test_a_burst_of_503_is_bridged(tenant: Tenant) -> None:
    tenant.seed(users=230)
    tenant.switch(unavailable_every=5, unavailable_burst=2)
    assert tenant.proves(tenant.take(tenant.reader(retry_policy=RetryPolicy.without_waits(8))))


def test_a_long_outage_goes_up(tenant: Tenant) -> None:
    tenant.seed()
    tenant.simulators.faults.add(
        path="/members$", status=503, times=None, content_type="text/html", body="<h1>503</h1>"
    )
    with pytest.raises(Transient):
        tenant.take(tenant.reader())


@pytest.mark.parametrize("path", ["/api/systemusers$", "/v2/usergroups$", "/members$", "/api/users$", "/associations$"])
def test_a_page_that_is_not_json_is_never_an_empty_list(tenant: Tenant, path: str) -> None:
    tenant.seed()
    tenant.simulators.faults.add(path=path, status=200, body="<html>proxy</html>", content_type="text/html", times=None)
    with pytest.raises(Transient, match="not JSON"):
        tenant.take(tenant.reader())


@pytest.mark.parametrize("body", [{"results": {}}, {"message": "ok"}, [1, 2]])
def test_json_of_another_shape_is_never_an_empty_list(tenant: Tenant, body: object) -> None:
    for path in ("/api/systemusers$", "/members$"):
        fault = tenant.simulators.faults.add(path=path, status=200, body=body, times=None)
        tenant.seed(users=3, groups=2)
        with pytest.raises(Permanent, match="shape"):
            tenant.take(tenant.reader())
        tenant.simulators.faults.remove(fault)


def test_a_user_without_an_id_is_not_left_out(tenant: Tenant) -> None:
    rows = [{"email": "ada@example.com"}]
    tenant.simulators.faults.add(path="/api/systemusers$", status=200, body={"totalCount": 1, "results": rows})
    with pytest.raises(Incomplete, match="without an id"):
        tenant.take(tenant.reader())


def test_a_key_that_is_wrong_expired_or_of_another_organization_is_refused(tenant: Tenant) -> None:
    with pytest.raises(CredentialRefused):
        tenant.reader(key="jca_wrong").prove()
    key = tenant.world.credentials()["api_key"]
    with pytest.raises(CredentialRefused):
        tenant.reader(organization="e" * 24).prove()
    reader = tenant.reader()
    reader.prove()
    tenant.act("expire_key", api_key=key)
    with pytest.raises(CredentialRefused):
        tenant.take(reader)


def test_a_multi_tenant_key_needs_its_organization(tenant: Tenant) -> None:
    key = tenant.act("add_admin", email="msp@example.com", multiTenant=True)["api_key"]
    with pytest.raises(CredentialRefused):
        tenant.take(tenant.reader(key=key))
    snapshot = tenant.take(tenant.reader(key=key, organization=tenant.world.organization_id))
    assert tenant.proves(snapshot)


def test_a_role_that_may_not_read_is_said_so(tenant: Tenant) -> None:
    key = tenant.act("add_admin", email="runner@example.com", roleName="Command Runner")["api_key"]
    with pytest.raises(Permanent) as caught:
        tenant.take(tenant.reader(key=key))
    assert caught.value.status == 403
    read_only = tenant.world.credentials()["read_only_api_key"]
    assert tenant.proves(tenant.take(tenant.reader(key=read_only)))


@pytest.mark.parametrize("bodies", ["html", "empty", "full"])
def test_errors_are_told_by_status_whatever_their_body(tenant: Tenant, bodies: str) -> None:
    tenant.switch(error_bodies=bodies)
    with pytest.raises(CredentialRefused):
        tenant.reader(key="jca_wrong").prove()
