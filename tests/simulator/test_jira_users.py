from urllib.parse import quote

import pytest
import requests

from simulator.jira.world import ADMIN_ACCOUNT, ADMIN_EMAIL
from tests.simulator.jira_client import NOBODY, Jira, errors, messages


def emails(answer: requests.Response) -> list[str | None]:
    return [user.get("emailAddress") for user in answer.json()]


def all_users(jira: Jira, size: int) -> list[str]:
    found: list[str] = []
    start = 0
    while page := jira.get("/users/search", startAt=start, maxResults=size).json():
        found += [user["accountId"] for user in page]
        start += size
    return found


def test_every_account_is_listed_active_or_not(jira: Jira) -> None:
    ada, bob = jira.user("ada"), jira.user("bob")
    jira.act("deactivate", account=bob.account_id)
    answer = jira.get("/users/search", maxResults=1000)
    shown = {user["accountId"]: user["active"] for user in answer.json()}
    assert shown == {ADMIN_ACCOUNT: True, ada.account_id: True, bob.account_id: False}


def test_a_page_of_more_than_1000_users_is_refused(jira: Jira) -> None:
    assert jira.get("/users/search", maxResults=1001).status_code == 400


def test_a_page_size_that_is_no_number_is_a_problem_document(jira: Jira) -> None:
    answer = jira.get("/users/search", maxResults="abc")
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"] == "Failed to convert 'maxResults' with value: 'abc'"


@pytest.mark.parametrize("size", [2, 3, 7, 50])
def test_with_short_pages_only_the_empty_page_is_the_end(jira: Jira, size: int) -> None:
    wanted = {ADMIN_ACCOUNT, *(jira.user(f"u{number}").account_id for number in range(11))}
    jira.switch(short_pages=True)
    assert len(jira.get("/users/search", maxResults=5).json()) < 5
    found = all_users(jira, size)
    assert set(found) == wanted
    assert len(found) == len(wanted)


def test_one_user_has_counts_of_groups_and_their_names_on_request(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.group("developers", [ada])
    plain = jira.get("/user", accountId=ada.account_id).json()
    assert plain["groups"] == {"size": 2, "items": []}
    expanded = jira.get("/user", accountId=ada.account_id, expand="groups,applicationRoles").json()
    assert [group["name"] for group in expanded["groups"]["items"]] == ["developers", "jira-software-users-example"]
    assert expanded["applicationRoles"]["size"] == 1


def test_an_unknown_account_is_404_and_no_account_400(jira: Jira) -> None:
    unknown = jira.get("/user", accountId=NOBODY)
    assert unknown.status_code == 404
    assert messages(unknown) == ["Specified user does not exist or you do not have required permissions"]
    missing = jira.get("/user")
    assert missing.status_code == 400
    assert messages(missing) == ["The 'accountId' query parameter needs to be provided"]


def test_several_users_leave_out_unknown_ones_ten_a_page(jira: Jira) -> None:
    ids = [jira.user(f"u{number}").account_id for number in range(12)]
    page = jira.get("/user/bulk", accountId=[*ids, NOBODY]).json()
    assert (page["maxResults"], page["total"], page["isLast"], len(page["values"])) == (10, 12, False, 10)
    assert "nextPage" in page
    jira.switch(users_bulk_cap=2)
    assert jira.get("/user/bulk", accountId=ids, maxResults=200).json()["maxResults"] == 2


def test_search_finds_active_users_by_the_start_of_a_word(jira: Jira) -> None:
    jira.user("ada.lovelace", name="Ada Lovelace")
    bob = jira.user("bob.lovell", name="Bob Lovell")
    assert len(jira.get("/user/search", query="lov").json()) == 2
    assert len(jira.get("/user/search", query="ovel").json()) == 0
    jira.act("deactivate", account=bob.account_id)
    assert emails(jira.get("/user/search", query="LOV")) == ["ada.lovelace@example.com"]
    assert emails(jira.get("/user/search", query="ada.lovelace@example.com")) == ["ada.lovelace@example.com"]


def test_search_without_a_question_is_refused(jira: Jira) -> None:
    assert jira.get("/user/search").status_code == 400


def test_search_without_browse_permission_finds_nothing(jira: Jira) -> None:
    jira.user("ada")
    jira.act("deny", account=ADMIN_EMAIL, permission="USER_PICKER")
    answer = jira.get("/user/search", query="ada")
    assert (answer.status_code, answer.json()) == (200, [])


def test_a_hidden_address_is_found_without_being_shown(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.switch(hidden_emails=True)
    (hit,) = jira.get("/user/search", query="ada@example.com").json()
    assert hit["accountId"] == ada.account_id
    assert "emailAddress" not in hit


def test_a_hidden_address_can_be_made_unfindable(jira: Jira) -> None:
    ada = jira.user("ada", name="Somebody Else")
    jira.act("change_profile", account=ada.account_id, hidden=True)
    jira.switch(search_hidden_email="none")
    assert jira.get("/user/search", query="ada@example.com").json() == []
    assert len(jira.get("/user/search", query="Somebody").json()) == 1


def test_creating_a_user_gives_access_to_the_products(jira: Jira) -> None:
    answer = jira.post("/user", {"emailAddress": "new@example.com", "products": ["jira-software"]})
    assert answer.status_code == 201
    assert answer.json()["displayName"] == "new"
    groups = jira.get("/user/groups", accountId=answer.json()["accountId"]).json()
    assert [group["name"] for group in groups] == ["jira-software-users-example"]


def test_creating_a_user_who_has_access_gives_that_user(jira: Jira) -> None:
    ada = jira.user("ada")
    answer = jira.post("/user", {"emailAddress": "ADA@example.com", "products": ["jira-software"]})
    assert (answer.status_code, answer.json()["accountId"]) == (201, ada.account_id)


def test_creating_a_user_needs_products_and_a_good_address(jira: Jira) -> None:
    answer = jira.post("/user", {"emailAddress": "new@example.com"})
    assert (answer.status_code, messages(answer)) == (400, ["You must specify the products that user can access."])
    bad = jira.post("/user", {"emailAddress": "nobody", "products": []})
    assert (bad.status_code, set(errors(bad))) == (400, {"emailAddress"})


def test_creating_a_user_without_access_is_400_by_default(jira: Jira) -> None:
    ada = jira.user("ada", products=[])
    body = {"emailAddress": "ada@example.com", "products": ["jira-software"]}
    assert jira.post("/user", body).status_code == 400
    assert jira.get("/user/groups", accountId=ada.account_id).json() == []
    jira.switch(existing_without_access_status=201)
    assert jira.post("/user", body).status_code == 201
    assert len(jira.get("/user/groups", accountId=ada.account_id).json()) == 1


def test_a_user_can_be_made_although_the_answer_is_400(jira: Jira) -> None:
    jira.switch(create_user_400_but_made=True)
    answer = jira.post("/user", {"emailAddress": "new@example.com", "products": []})
    assert answer.status_code == 400
    assert messages(answer)[0].startswith("User could not be created: Failed to add user HttpErrorCode 404")
    assert len(jira.get("/user/search", query="new@example.com").json()) == 1


def test_a_full_licence_refuses_new_users(jira: Jira) -> None:
    jira.switch(licence_full=True)
    answer = jira.post("/user", {"emailAddress": "new@example.com", "products": ["jira-software"]})
    assert answer.status_code == 400
    assert jira.get("/user/search", query="new@example.com").json() == []


def test_a_new_user_is_unfindable_for_a_while(jira: Jira) -> None:
    jira.switch(new_user_lag_ms=60_000)
    made = jira.post("/user", {"emailAddress": "new@example.com", "products": []}).json()
    assert jira.get("/user", accountId=made["accountId"]).status_code == 404
    assert jira.get("/user/search", query="new@example.com").json() == []
    assert made["accountId"] not in all_users(jira, 50)
    jira.act("advance", seconds=61)
    assert jira.get("/user", accountId=made["accountId"]).status_code == 200


def test_removing_a_user_takes_groups_and_leaves_an_inactive_record(jira: Jira) -> None:
    ada = jira.user("ada")
    developers = jira.group("developers", [ada])
    assert jira.delete("/user", accountId=ada.account_id).status_code == 204
    assert jira.get("/user", accountId=ada.account_id).json()["active"] is False
    assert jira.get("/group/member", groupId=developers.id, includeInactiveUsers="true").json()["total"] == 0
    assert jira.delete("/user", accountId=ada.account_id).status_code == 404


def test_a_removed_user_can_be_404(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.switch(removed_user_readable=False)
    jira.delete("/user", accountId=ada.account_id)
    assert jira.get("/user", accountId=ada.account_id).status_code == 404


def test_a_removal_can_be_seen_late(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.switch(removal_lag_ms=60_000)
    jira.delete("/user", accountId=ada.account_id)
    assert jira.get("/user", accountId=ada.account_id).json()["active"] is True
    jira.act("advance", seconds=61)
    assert jira.get("/user", accountId=ada.account_id).json()["active"] is False


def test_removing_users_is_for_site_administrators(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.act("deny", account=ADMIN_EMAIL, permission="SITE_ADMIN")
    assert jira.delete("/user", accountId=ada.account_id).status_code == 403


def test_a_closed_account_keeps_its_id_and_nothing_else(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.act("close_account", account=ada.account_id)
    shown = jira.get("/user", accountId=ada.account_id).json()
    assert (shown["displayName"], shown["active"], "emailAddress" in shown) == ("Former user", False, False)


def test_links_can_name_the_real_site_host(jira: Jira) -> None:
    ada = jira.user("ada")
    quoted = quote(ada.account_id, safe="")
    assert jira.get("/user", accountId=ada.account_id).json()["self"] == f"{jira.address}/user?accountId={quoted}"
    jira.switch(self_links="site")
    link = jira.get("/user", accountId=ada.account_id).json()["self"]
    assert link == f"https://example.atlassian.net/rest/api/3/user?accountId={quoted}"


def test_users_can_be_searched_by_what_they_may_do(jira: Jira) -> None:
    ada, bob = jira.user("ada"), jira.user("bob")
    project = jira.project("ACC", access_level="private", lead=ada.account_id)
    jira.act("add_role_actor", project="ACC", role="Developers", user=bob.account_id)
    found = jira.get("/user/permission/search", permissions="BROWSE_PROJECTS", projectKey=project.key).json()
    assert {user["accountId"] for user in found} == {bob.account_id}
    seeing = jira.get("/user/viewissue/search", accountId=bob.account_id, projectKey="ACC").json()
    assert [user["accountId"] for user in seeing] == [bob.account_id]
    assert jira.get("/user/viewissue/search", projectKey="ACC").status_code == 400
    assignable = jira.get("/user/assignable/search", project="ACC").json()
    assert [user["accountId"] for user in assignable] == [bob.account_id]


def test_finding_by_address_is_for_apps_only(jira: Jira) -> None:
    assert jira.get("/user/email", accountId=ADMIN_ACCOUNT).status_code == 400
