from typing import Any

import pytest

from simulator.atlassian import dump, load
from simulator.jira.world import ADMIN_ACCOUNT
from tests.simulator.atlassian_client import NOBODY, Atlassian
from tests.simulator.jumpcloud_client import Clock


@pytest.mark.parametrize("header", ["Bearer wrong", "Basic YWRtaW46c2ltLXRva2Vu", ""])
def test_only_an_organization_key_gets_in(atlassian: Atlassian, header: str) -> None:
    atlassian.headers = {"Authorization": header}
    v1, v2 = atlassian.get("/admin/v1/orgs"), atlassian.get(f"{atlassian.v2}/directories")
    assert (v1.status_code, v1.json()["code"]) == (401, 401)
    assert (v2.status_code, v2.json()["errors"][0]["code"]) == (401, "401")
    manage = atlassian.get(f"/users/{ADMIN_ACCOUNT}/manage")
    assert (manage.status_code, manage.json()) == (401, {"key": "unauthorized"})


def test_a_key_expires_and_can_be_revoked(atlassian: Atlassian, clock: Clock) -> None:
    for value in ("short", "gone"):
        atlassian.act("add_key", value=value, expires=clock() + 60 if value == "short" else None)
        atlassian.headers = {"Authorization": f"Bearer {value}"}
        assert atlassian.get("/admin/v1/orgs").status_code == 200
        atlassian.act("revoke_key", value="gone") if value == "gone" else clock.pass_by(61)
        assert atlassian.get("/admin/v1/orgs").status_code == 401


def test_a_key_with_scopes_opens_what_they_name_and_never_user_management(atlassian: Atlassian) -> None:
    ada = atlassian.person()
    atlassian.act("add_key", value="scoped", scopes=["read:user:admin"])
    atlassian.headers = {"Authorization": "Bearer scoped"}
    assert atlassian.post(f"{atlassian.directory}/users/search").status_code == 200
    assert atlassian.post(f"{atlassian.directory}/users/{ada}/suspend").status_code == 403
    refused = atlassian.get(f"/users/{ada}/manage")
    assert (refused.status_code, "manage:org" in refused.text) == (403, True)


def test_one_key_sees_one_organization(atlassian: Atlassian) -> None:
    data = atlassian.get("/admin/v1/orgs").json()["data"]
    assert [row["id"] for row in data] == [atlassian.world.jira.organization.id]
    assert atlassian.get(atlassian.v1).json()["data"]["attributes"]["name"] == "Example Organization"
    missing = atlassian.get("/admin/v1/orgs/other/users")
    assert (missing.status_code, missing.json()["errors"][0]["code"]) == (404, "ADMIN-404-2")
    assert atlassian.get(f"{atlassian.v2}/directories/other/users").status_code == 404


def test_directories_and_domains(atlassian: Atlassian) -> None:
    directory = atlassian.world.jira.organization.directory_id
    path = f"{atlassian.v2}/directories"
    assert [row["directoryId"] for row in atlassian.get(path).json()["data"]] == [directory]
    assert atlassian.get(path, accountId=NOBODY).json()["data"] == []
    assert atlassian.get(path, searchTerm="none").json()["data"] == []
    domains = atlassian.get(f"{atlassian.v1}/domains").json()["data"]
    assert [row["attributes"]["name"] for row in domains] == ["example.com"]


def test_the_site_is_found_among_the_workspaces_by_its_address(atlassian: Atlassian) -> None:
    site = atlassian.world.jira.site
    answer = atlassian.post(f"{atlassian.v2}/workspaces", {"limit": 1}).json()
    assert (answer["meta"]["total"], len(answer["data"])) == (2, 1)
    following = atlassian.get(answer["links"]["next"].removeprefix(atlassian.url))
    assert following.status_code == 405, "the address is only where the cursor stands"
    cursor = answer["links"]["next"].partition("cursor=")[2]
    second = atlassian.post(f"{atlassian.v2}/workspaces", {"cursor": cursor}).json()
    found = [*answer["data"], *second["data"]]
    assert {row["attributes"]["hostUrl"] for row in found} == {site.url}
    assert {row["id"] for row in found} == {site.resource(name) for name in site.applications}
    assert atlassian.post(f"{atlassian.v2}/workspaces", {"cursor": cursor, "limit": 1}).status_code == 400


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"field": {"name": "attributes.typeKey", "values": ["jira-software"]}}, 1),
        ({"and": [{"searchWorkspaces": "example"}, {"field": {"name": "attributes.status", "values": ["online"]}}]}, 2),
        ({"nor": [{"field": {"name": "attributes.typeKey", "values": ["jira-software"]}}]}, 1),
        ({"searchWorkspaces": "none"}, 0),
    ],
)
def test_workspaces_can_be_queried(atlassian: Atlassian, query: dict[str, Any], count: int) -> None:
    sort = [{"field": "attributes.typeKey", "order": "desc"}]
    rows = atlassian.post(f"{atlassian.v2}/workspaces", {"query": query, "sort": sort}).json()["data"]
    assert len(rows) == count
    assert rows == sorted(rows, key=lambda row: str(row["attributes"]["typeKey"]), reverse=True)


def test_an_invitation_makes_an_account_with_groups_and_products(atlassian: Atlassian) -> None:
    team = atlassian.group()
    resource = atlassian.world.jira.site.resource("jira-software")
    answer = atlassian.post(
        f"{atlassian.v2}/users/invite",
        {
            "emails": ["new@example.com"],
            "additionalGroups": [team],
            "permissionRules": [{"resource": resource, "role": "atlassian/user"}],
        },
    )
    row = answer.json()["data"][0]
    assert (answer.status_code, row["results"][0]["groupAssignmentResult"][0]["status"]) == (200, "INVITED")
    user = atlassian.user(row["id"])
    assert (user["status"], user["claimStatus"]) == ("active", "managed")
    assert [one["accountId"] for one in atlassian.users(groupIds=[team])] == [row["id"]]
    assert atlassian.world.jira.administration.has_access(atlassian.world.jira.user("new@example.com"))


def test_an_invitation_that_fails_in_part_is_206(atlassian: Atlassian) -> None:
    answer = atlassian.post(f"{atlassian.v2}/users/invite", {"emails": ["new@else.com"], "additionalGroups": ["none"]})
    result = answer.json()["data"][0]["results"][0]["groupAssignmentResult"][0]
    assert (answer.status_code, result["status"]) == (206, "ERROR")
    assert atlassian.user(answer.json()["data"][0]["id"])["claimStatus"] == "unmanaged"


def test_an_invitation_brings_a_removed_user_back_without_groups(atlassian: Atlassian) -> None:
    ada, team = atlassian.person(), atlassian.group()
    atlassian.act("add_member", group=team, account=ada)
    atlassian.call("DELETE", f"{atlassian.directory}/users/{ada}")
    again = atlassian.post(f"{atlassian.v2}/users/invite", {"emails": ["ada@example.com"]})
    assert again.json()["data"][0]["id"] == ada
    assert atlassian.user(ada)["status"] == "active"
    assert atlassian.users(groupIds=[team]) == []


def test_an_invitation_can_be_refused(atlassian: Atlassian) -> None:
    path = f"{atlassian.v2}/users/invite"
    rule = {"resource": atlassian.world.jira.site.resource("jira-software"), "role": "atlassian/user"}
    assert atlassian.post(path, {}).status_code == 400
    assert atlassian.post(path, {"emails": ["x@y.z"] * 26}).status_code == 400
    atlassian.world.jira.switches.licence_full = True
    assert atlassian.post(path, {"emails": ["x@y.z"], "permissionRules": [rule]}).status_code == 409
    atlassian.switch(unpaid=True)
    assert atlassian.post(path, {"emails": ["x@y.z"]}).status_code == 402


@pytest.mark.parametrize("takes", ["every_group", "default_group"])
def test_a_product_role_is_assigned_and_revoked(atlassian: Atlassian, takes: str) -> None:
    atlassian.switch(revoke_takes=takes)
    ada, world = atlassian.person(), atlassian.world
    other = world.jira.group(atlassian.group("other"))
    other.grants = ["jira-software"]
    world.jira.administration.add_member(other, world.jira.user(ada))
    body = {"resource": world.jira.site.resource("jira-software"), "role": "atlassian/user"}
    path = f"{atlassian.v1}/users/{ada}/roles"
    assert atlassian.post(f"{path}/assign", body).status_code == 204
    assert len(world.jira.directory.group_ids_of(ada)) == 2
    assert atlassian.post(f"{path}/revoke", body).status_code == 204
    assert len(world.jira.directory.group_ids_of(ada)) == (0 if takes == "every_group" else 1)


def test_a_platform_role_is_assigned_and_revoked(atlassian: Atlassian) -> None:
    ada = atlassian.person()
    body = {"role": "atlassian/org-admin"}
    atlassian.post(f"{atlassian.v1}/users/{ada}/roles/assign", body)
    assert atlassian.user(ada)["platformRoles"] == ["atlassian/org-admin"]
    atlassian.post(f"{atlassian.v1}/users/{ada}/roles/revoke", body)
    assert atlassian.user(ada)["platformRoles"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"role": "atlassian/emperor"}, 400),
        ({"role": "atlassian/user", "resource": "ari:cloud:moon::site/1"}, 404),
        ({}, 400),
    ],
)
def test_a_role_that_makes_no_sense_is_refused(atlassian: Atlassian, body: dict[str, str], status: int) -> None:
    assert atlassian.post(f"{atlassian.v1}/users/{atlassian.person()}/roles/assign", body).status_code == status


def test_a_role_change_can_take_its_time_and_a_full_licence_refuses_it(atlassian: Atlassian, clock: Clock) -> None:
    ada = atlassian.person()
    body = {"resource": atlassian.world.jira.site.resource("jira-software"), "role": "atlassian/user"}
    path = f"{atlassian.v1}/users/{ada}/roles/assign"
    atlassian.world.jira.switches.licence_full = True
    assert atlassian.post(path, body).status_code == 409
    atlassian.world.jira.switches.licence_full = False
    atlassian.switch(role_lag_ms=30_000)
    assert atlassian.post(path, body).status_code == 204
    roles = f"{atlassian.directory}/users/{ada}/role-assignments"
    assert atlassian.get(roles).json()["data"] == []
    clock.pass_by(31)
    assert len(atlassian.get(roles).json()["data"]) == 1


def _lifecycle(atlassian: Atlassian, account: str, step: str) -> int:
    return atlassian.post(f"/users/{account}/manage/lifecycle/{step}").status_code


def test_a_managed_account_is_disabled_and_enabled(atlassian: Atlassian) -> None:
    ada = atlassian.person()
    assert atlassian.get(f"/users/{ada}/manage", privileges="lifecycle.enablement").json() == {
        "lifecycle.enablement": {"allowed": True}
    }
    assert _lifecycle(atlassian, ada, "disable") == 204
    assert (atlassian.user(ada)["accountStatus"], atlassian.user(ada)["status"]) == ("inactive", "deactivated")
    assert _lifecycle(atlassian, ada, "enable") == 204
    assert atlassian.get(f"/users/{ada}/manage/profile").json()["account"]["account_status"] == "active"


@pytest.mark.parametrize("switched", [{}, {"deletion_grace_days": 1}])
def test_a_deleted_account_is_closed_after_its_grace_time(
    atlassian: Atlassian, clock: Clock, switched: dict[str, int]
) -> None:
    atlassian.switch(**switched)
    ada, bob = atlassian.person("ada"), atlassian.person("bob")
    for account in (ada, bob):
        assert _lifecycle(atlassian, account, "delete") == 200
        assert atlassian.user(account)["status"] == "for_deletion"
    assert _lifecycle(atlassian, ada, "disable") == 409
    assert _lifecycle(atlassian, bob, "cancel-delete") == 200
    clock.pass_by((switched.get("deletion_grace_days", 14) + 1) * 86_400)
    assert atlassian.user(ada)["accountStatus"] == "closed"
    assert atlassian.user(bob)["status"] == "active"


@pytest.mark.parametrize(("status", "key"), [(403, "forbidden"), (404, "accountNotFound")])
def test_an_account_that_is_not_managed_answers_as_switched(atlassian: Atlassian, status: int, key: str) -> None:
    atlassian.switch(unmanaged_lifecycle_status=status)
    free = atlassian.person(managed=False)
    answer = atlassian.post(f"/users/{free}/manage/lifecycle/disable")
    assert (answer.status_code, answer.json()) == (status, {"key": key})
    assert _lifecycle(atlassian, NOBODY, "disable") == 404


def test_an_account_of_an_identity_provider_is_refused_with_the_reason(atlassian: Atlassian) -> None:
    ada = atlassian.person()
    atlassian.act("sync_account", account=ada)
    answer = atlassian.post(f"/users/{ada}/manage/lifecycle/disable")
    assert (answer.status_code, answer.json()["key"]) == (403, "forbidden.action")
    assert answer.json()["context"]["reason"]["key"] == "externalDirectory.scim"
    atlassian.switch(synced_lifecycle="allowed")
    assert _lifecycle(atlassian, ada, "disable") == 204


def test_the_owner_of_the_key_cannot_disable_himself(atlassian: Atlassian) -> None:
    assert _lifecycle(atlassian, ADMIN_ACCOUNT, "disable") == 403


def test_changes_on_either_side_are_events_newest_first(atlassian: Atlassian) -> None:
    ada, team = atlassian.person(), atlassian.group()
    atlassian.post(f"{atlassian.directory}/groups/{team}/memberships", {"accountId": ada})
    rows = atlassian.get(f"{atlassian.v1}/events").json()["data"]
    assert [row["attributes"]["action"] for row in rows] == ["user_added_to_group", "group_created", "user_invited"]
    assert rows[0]["attributes"]["actor"]["id"] == ADMIN_ACCOUNT
    assert [thing["id"] for thing in rows[0]["attributes"]["context"]] == [ada, team]
    known = {row["id"] for row in atlassian.get(f"{atlassian.v1}/event-actions").json()["data"]}
    assert {row["attributes"]["action"] for row in rows} <= known


def test_events_are_filtered_and_paged(atlassian: Atlassian, clock: Clock) -> None:
    for number in range(4):
        atlassian.group(f"team-{number}")
    path = f"{atlassian.v1}/events"
    assert len(atlassian.get(path, q="TEAM-2").json()["data"]) == 1
    assert atlassian.get(path, action="user_invited").json()["data"] == []
    assert atlassian.get(path, actor=ADMIN_ACCOUNT).json()["data"] == []
    assert atlassian.get(path, **{"from": str(int((clock() + 60) * 1000))}).json()["data"] == []
    first = atlassian.get(path, limit=3).json()
    second = atlassian.get(first["links"]["next"].removeprefix(atlassian.url)).json()
    assert [len(first["data"]), len(second["data"])] == [3, 1]
    assert first["meta"]["page_size"] == 3


@pytest.mark.parametrize(
    ("params", "code"),
    [({"from": "noon"}, "ADMIN-400-3"), ({"limit": "501"}, "ADMIN-400-21"), ({"cursor": "x"}, "ADMIN-400-1")],
)
def test_a_query_for_events_that_makes_no_sense_is_400(atlassian: Atlassian, params: dict[str, str], code: str) -> None:
    answer = atlassian.get(f"{atlassian.v1}/events", **params)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, code)


def test_the_stream_goes_on_from_its_last_cursor(atlassian: Atlassian, clock: Clock) -> None:
    atlassian.group("one")
    path = f"{atlassian.v1}/events-stream"
    first = atlassian.get(path).json()
    assert (len(first["data"]), "next" in first["links"]) == (1, False)
    assert atlassian.get(path, cursor=first["meta"]["next"]).json()["data"] == []
    atlassian.switch(event_lag_ms=60_000)
    atlassian.group("two")
    second = atlassian.get(path, cursor=first["meta"]["next"]).json()
    assert second["data"] == []
    clock.pass_by(61)
    third = atlassian.get(path, cursor=second["meta"]["next"]).json()
    assert [row["attributes"]["context"][0]["attributes"]["name"] for row in third["data"]] == ["two"]
    assert len(atlassian.get(path, sortOrder="desc", limit=1).json()["data"]) == 1


def test_the_event_log_takes_ten_requests_a_minute(atlassian: Atlassian) -> None:
    answers = [atlassian.get(f"{atlassian.v1}/events") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    atlassian.switch(retry_after=False)
    assert "retry-after" not in atlassian.get(f"{atlassian.v1}/events").headers
    assert atlassian.get(f"{atlassian.v1}/events-stream").status_code == 200
    atlassian.switch(events_per_minute=0)
    assert atlassian.get(f"{atlassian.v1}/events").status_code == 200


def test_other_routes_are_limited_when_switched(atlassian: Atlassian) -> None:
    atlassian.switch(requests_per_minute=2, last_active_per_minute=1)
    assert [atlassian.get("/admin/v1/orgs").status_code for _ in range(3)] == [200, 200, 429]
    path = f"{atlassian.v1}/directory/users/{ADMIN_ACCOUNT}/last-active-dates"
    assert [atlassian.get(path).status_code for _ in range(2)] == [200, 429]


def test_the_state_can_be_dumped_and_loaded(atlassian: Atlassian) -> None:
    ada = atlassian.person()
    atlassian.act("use_product", account=ada, at=1.0)
    atlassian.act("add_key", value="scoped", scopes=["read:org:admin"])
    state = dump(atlassian.world)
    atlassian.world.keys.clear()
    load(atlassian.world, state)
    assert dump(atlassian.world) == state
    with pytest.raises(ValueError, match="Unknown parts: nonsense"):
        load(atlassian.world, {"nonsense": 1})


def test_an_action_that_neither_side_knows_names_those_of_both(atlassian: Atlassian) -> None:
    with pytest.raises(ValueError, match=r"There is no action .sing.\. Choose from: activate, .*add_key"):
        atlassian.act("sing")


def test_an_unknown_path_is_404_in_the_services_words(atlassian: Atlassian) -> None:
    assert atlassian.get("/admin/v3/orgs").json()["errors"][0]["status"] == "404"
