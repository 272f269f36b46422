from typing import Any

import pytest

from simulator.jira.world import ADMIN_ACCOUNT
from tests.simulator.atlassian_client import NOBODY, Atlassian
from tests.simulator.jumpcloud_client import Clock


def _names(users: list[dict[str, Any]]) -> set[str]:
    return {user["name"] for user in users}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"emails": ["ADA@example.com", "x@example.com"]}, {"Ada"}),
        ({"searchTerm": "ad"}, {"Ada", "Admin Person"}),
        ({"claimStatus": "unmanaged"}, {"Bob"}),
        ({"status": ["suspended"]}, {"Bob"}),
        ({"membershipStatus": ["suspended"]}, {"Bob"}),
        ({"accountStatus": ["inactive"]}, {"Cyd"}),
        ({"status": ["deactivated"]}, {"Cyd"}),
        ({"roleIds": ["atlassian/org-admin"]}, {"Admin Person"}),
        ({"emailDomains": ["example.com"], "claimStatus": "unmanaged"}, {"Bob"}),
        ({"emailDomains": ["else.com"]}, set()),
        ({"directoryIds": ["other"]}, set()),
        ({"mfaEnabled": True}, set()),
    ],
)
def test_filters_of_the_search(atlassian: Atlassian, query: dict[str, Any], names: set[str]) -> None:
    atlassian.person("ada")
    atlassian.act("suspend", account=atlassian.person("bob", managed=False))
    atlassian.act("deactivate", account=atlassian.person("cyd"))
    assert _names(atlassian.users(**query)) == names
    if not {"mfaEnabled", "emails"} & set(query):
        assert atlassian.get(f"{atlassian.directory}/users/count", **query).json() == {"count": len(names)}


def test_a_search_by_resource_finds_who_has_the_product(atlassian: Atlassian) -> None:
    ada = atlassian.person("ada", products=("jira-servicedesk",))
    resource = atlassian.world.jira.site.resource("jira-servicedesk")
    assert [user["accountId"] for user in atlassian.users(resourceIds=[resource])] == [ada]
    listed = atlassian.get(f"{atlassian.v2}/directories/-/users", resourceIds=resource).json()["data"]
    assert [user["accountId"] for user in listed] == [ada]


@pytest.mark.parametrize(
    ("what", "query"),
    [
        ("users", {"emails": ["a@example.com"], "searchTerm": "a"}),
        ("users", {"emails": [f"{number}@example.com" for number in range(101)]}),
        ("users", {"accountIds": [str(number) for number in range(11)]}),
        ("users", {"expand": ["everything"]}),
        ("users", {"limit": 101}),
        ("users", {"limit": 0}),
        ("users", {"cursor": "nonsense"}),
        ("groups", {"groupNames": ["a"], "searchTerm": "a"}),
        ("groups", {"groupNames": ["a"], "groupIds": ["a"]}),
        ("groups", {"groupIds": [str(number) for number in range(11)]}),
        ("groups", {"expand": ["counts"]}),
    ],
)
def test_a_search_that_makes_no_sense_is_400(atlassian: Atlassian, what: str, query: dict[str, Any]) -> None:
    answer = atlassian.post(f"{atlassian.directory}/{what}/search", query)
    assert (answer.status_code, answer.json()["errors"][0]["status"]) == (400, "400")


@pytest.mark.parametrize("query", [{}, {"membershipStatus": ["active"]}, {"groupIds": ["the group"]}])
def test_pages_follow_by_cursor_alone(atlassian: Atlassian, query: dict[str, Any]) -> None:
    group = atlassian.group()
    for number in range(7):
        atlassian.act("add_member", group=group, account=atlassian.person(f"u{number}"))
    query = {**query, "groupIds": [group]} if "groupIds" in query else query
    path = f"{atlassian.directory}/users/search"
    pages = list(atlassian.walk(path, {**query, "limit": 3, "expand": ["groups"]}))
    assert [len(page) for page in pages][:2] == [3, 3]
    seen = [user["accountId"] for page in pages for user in page]
    assert len(seen) == len(set(seen)) == (7 if "groupIds" in query else 8)
    assert all("groups" in user for page in pages for user in page), "the cursor carries the whole query"


def test_the_end_of_a_list_is_told_as_switched(atlassian: Atlassian) -> None:
    path = f"{atlassian.directory}/users/search"
    assert "next" not in atlassian.post(path).json()["links"]
    atlassian.switch(end_of_list="null")
    assert atlassian.post(path).json()["links"]["next"] is None


def test_members_that_come_and_go_between_pages_hide_nobody(atlassian: Atlassian) -> None:
    group = atlassian.group()
    people = sorted(atlassian.person(f"u{number}") for number in range(4))
    for person in people:
        atlassian.act("add_member", group=group, account=person)
    pages = atlassian.walk(f"{atlassian.directory}/users/search", {"groupIds": [group], "limit": 2})
    first = next(pages)
    atlassian.act("remove_member", group=group, account=people[0])
    assert [user["accountId"] for user in [*first, *next(pages)]] == people


def test_extra_members_come_only_when_asked_for(atlassian: Atlassian) -> None:
    ada = atlassian.person("ada", products=("jira-software",))
    plain = atlassian.users(accountIds=[ada])[0]
    assert not {"groups", "productAccess", "platformRoles", "counts"} & set(plain)
    atlassian.act("use_product", account=ada, at=1_750_000_000)
    full = atlassian.users(accountIds=[ada], expand=["groups", "productAccess", "platformRoles", "counts.resources"])[0]
    assert [group["name"] for group in full["groups"]] == ["jira-software-users-example"]
    assert full["productAccess"][0]["lastActiveTimestamp"] == "2025-06-15T15:06:40.000Z"
    assert (full["platformRoles"], full["counts"]) == ([], {"resources": 1})


def test_suspending_and_restoring_keep_groups(atlassian: Atlassian) -> None:
    ada, group = atlassian.person(), atlassian.group()
    atlassian.act("add_member", group=group, account=ada)
    path = f"{atlassian.directory}/users/{ada}"
    assert atlassian.post(f"{path}/suspend").status_code == 204
    assert (atlassian.user(ada)["membershipStatus"], atlassian.user(ada)["status"]) == ("suspended", "suspended")
    assert atlassian.post(f"{path}/restore").status_code == 204
    assert atlassian.user(ada)["status"] == "active"
    assert len(atlassian.users(groupIds=[group])) == 1


@pytest.mark.parametrize("status", [204, 400])
def test_suspending_or_restoring_again_answers_as_switched(atlassian: Atlassian, status: int) -> None:
    atlassian.switch(repeated_suspend_status=status, repeated_restore_status=status)
    path = f"{atlassian.directory}/users/{atlassian.person()}"
    assert atlassian.post(f"{path}/restore").status_code == status
    atlassian.post(f"{path}/suspend")
    assert atlassian.post(f"{path}/suspend").status_code == status


@pytest.mark.parametrize("managed", [True, False])
def test_a_removed_user_is_out_of_the_directory_and_its_groups(atlassian: Atlassian, managed: bool) -> None:  # noqa: FBT001 - a parameter of the rule
    ada, group = atlassian.person(managed=managed), atlassian.group()
    atlassian.act("add_member", group=group, account=ada)
    path = f"{atlassian.directory}/users/{ada}"
    assert atlassian.call("DELETE", path).status_code == 204
    answer = atlassian.get(path)
    if managed:
        assert (answer.json()["data"]["membershipStatus"], answer.json()["data"]["status"]) == (
            "no_membership",
            "not_invited",
        )
    else:
        assert answer.status_code == 404
    assert atlassian.users(groupIds=[group]) == []
    assert atlassian.call("DELETE", path).status_code == 404, "removing again"


def test_a_removal_can_take_its_time_to_be_seen(atlassian: Atlassian, clock: Clock) -> None:
    atlassian.switch(removal_delay_ms=60_000)
    ada = atlassian.person()
    assert atlassian.call("DELETE", f"{atlassian.directory}/users/{ada}").status_code == 204
    assert atlassian.user(ada)["membershipStatus"] == "active"
    clock.pass_by(61)
    assert atlassian.user(ada)["membershipStatus"] == "no_membership"


@pytest.mark.parametrize("status", [403, 400])
def test_organization_admins_cannot_be_taken_out(atlassian: Atlassian, status: int) -> None:
    atlassian.switch(protected_user_status=status)
    boss = atlassian.person("boss")
    atlassian.act("set_platform_roles", account=boss, roles=["atlassian/org-admin"])
    for account in (boss, ADMIN_ACCOUNT):
        path = f"{atlassian.directory}/users/{account}"
        assert atlassian.post(f"{path}/suspend").status_code == status
        assert atlassian.call("DELETE", path).status_code == status


@pytest.mark.parametrize("path", ["", "/suspend", "/restore", "/role-assignments"])
def test_an_unknown_user_is_404(atlassian: Atlassian, path: str) -> None:
    method = "POST" if path in {"/suspend", "/restore"} else "GET"
    assert atlassian.call(method, f"{atlassian.directory}/users/{NOBODY}{path}").status_code == 404


def test_role_assignments_tell_what_somebody_has_access_to(atlassian: Atlassian) -> None:
    ada = atlassian.person(products=("jira-software",))
    rows = atlassian.get(f"{atlassian.directory}/users/{ada}/role-assignments").json()["data"]
    assert [(row["resourceId"], row["roles"]) for row in rows] == [
        (atlassian.world.jira.site.resource("jira-software"), ["atlassian/user"])
    ]
    admin = atlassian.get(f"{atlassian.directory}/users/{ADMIN_ACCOUNT}/role-assignments").json()["data"]
    assert ["atlassian/org-admin"] in [row["roles"] for row in admin]


def test_managed_accounts_are_listed_by_v1_with_pages_of_addresses(atlassian: Atlassian) -> None:
    for number in range(105):
        atlassian.person(f"u{number}", products=("jira-software",) if number == 0 else ())
    atlassian.person("free", managed=False)
    first = atlassian.get(f"{atlassian.v1}/users").json()
    assert (first["meta"], len(first["data"])) == ({"total": 106}, 100)
    second = atlassian.get(first["links"]["next"].removeprefix(atlassian.url)).json()
    assert len(second["data"]) == 6
    assert "next" not in second["links"]
    products = {row["name"]: [one["key"] for one in row["product_access"]] for row in first["data"]}
    assert (products["U0"], products["U1"]) == (["jira-software"], [])


def test_last_active_dates(atlassian: Atlassian) -> None:
    ada = atlassian.person(products=("jira-software", "jira-servicedesk"))
    atlassian.act("use_product", account=ada, at=1_750_000_000)
    path = f"{atlassian.v1}/directory/users/{ada}/last-active-dates"
    rows = {row["key"]: row for row in atlassian.get(path).json()["data"]["product_access"]}
    assert rows["jira-software"]["last_active"] == "2025-06-15"
    assert "last_active" not in rows["jira-service-desk"]
    assert atlassian.get(f"{atlassian.v1}/directory/users/{NOBODY}/last-active-dates").status_code == 404
