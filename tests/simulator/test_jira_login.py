import base64

import pytest
import requests

from simulator.jira import act
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from tests.simulator.jira_client import Jira, messages

SERAPH = "X-Seraph-LoginReason"
FAILED = "AUTHENTICATED_FAILED"
EVERYTHING = ("read:jira-user", "read:jira-work", "write:jira-work", "manage:jira-project", "manage:jira-configuration")


@pytest.fixture
def stranger(jira: Jira) -> Jira:
    """A client with a wrong token, at a site with one closed and one public project."""
    jira.project("ACC")
    jira.issue()
    jira.log_in(ADMIN_EMAIL, "wrong")
    return jira


def with_header(jira: Jira, value: str, path: str = "/myself") -> requests.Response:
    return requests.get(jira.address + path, headers={"Authorization": value}, timeout=300)


def test_the_address_is_compared_without_regard_to_case(jira: Jira) -> None:
    jira.log_in(ADMIN_EMAIL.upper(), ADMIN_TOKEN)
    assert jira.get("/myself").status_code == 200


def test_a_wrong_token_is_401_with_text_at_myself(stranger: Jira) -> None:
    answer = stranger.get("/myself")
    assert (answer.status_code, answer.text) == (401, "Client must be authenticated to access this resource.")
    assert answer.headers[SERAPH] == FAILED
    stranger.switch(unauthenticated_body="json")
    assert stranger.get("/myself").json()["status-code"] == 401


@pytest.mark.parametrize(
    ("path", "empty"),
    [
        ("/project/search", {"values": [], "total": 0}),
        ("/search/jql?jql=project=ACC", {"issues": [], "isLast": True}),
    ],
)
def test_a_wrong_token_sees_what_anonymous_callers_see_with_200(
    stranger: Jira, path: str, empty: dict[str, object]
) -> None:
    answer = stranger.get(path)
    assert answer.status_code == 200
    assert empty.items() <= answer.json().items()
    assert answer.headers[SERAPH] == FAILED


@pytest.mark.parametrize("path", ["/field", "/issueLinkType", "/serverInfo"])
def test_open_lists_answer_a_wrong_token(stranger: Jira, path: str) -> None:
    answer = stranger.get(path)
    assert (answer.status_code, answer.headers[SERAPH]) == (200, FAILED)


def test_a_wrong_token_finds_no_issue_and_no_project(stranger: Jira) -> None:
    assert stranger.get("/issue/ACC-1").status_code == 404
    assert messages(stranger.get("/project/ACC")) == ["No project could be found with key 'ACC'."]
    assert stranger.get("/project/ACC/role").headers[SERAPH] == FAILED
    assert stranger.post("/issue", {"fields": {}}).status_code == 401
    assert stranger.post("/issue/ACC-1/comment", {}).status_code == 404


def test_a_public_project_is_seen_but_not_its_roles(stranger: Jira) -> None:
    stranger.project("OPEN", access_level="public")
    assert stranger.get("/project/OPEN").status_code == 200
    answer = stranger.get("/project/OPEN/role")
    assert (answer.status_code, messages(answer)) == (401, ["You cannot edit the configuration of this project."])


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    "path", ["/group/bulk", "/users/search", "/group/member?groupname=site-admins", "/user/search?query=a"]
)
def test_user_and_group_reads_refuse_a_wrong_token(stranger: Jira, path: str, status: int) -> None:
    stranger.switch(anonymous_directory_status=status)
    answer = stranger.get(path)
    assert (answer.status_code, answer.headers[SERAPH]) == (status, FAILED)


def test_without_a_credential_there_is_no_login_reason(jira: Jira) -> None:
    jira.log_out()
    answer = jira.get("/project/search")
    assert (answer.status_code, SERAPH in answer.headers) == (200, False)


@pytest.mark.parametrize("pair", ["", ":", ":x", "no colon"])
def test_a_basic_value_without_user_name_or_colon_is_anonymous(jira: Jira, pair: str) -> None:
    value = "Basic " + base64.b64encode(pair.encode()).decode()
    assert SERAPH not in with_header(jira, value, "/project/search").headers


@pytest.mark.parametrize("scheme", ["basic ", "Basic  ", "Digest "])
def test_the_scheme_is_case_sensitive_and_takes_one_space(jira: Jira, scheme: str) -> None:
    value = scheme + base64.b64encode(f"{ADMIN_EMAIL}:{ADMIN_TOKEN}".encode()).decode()
    answer = with_header(jira, value)
    assert (answer.status_code, SERAPH in answer.headers) == (401, False)


def test_bearer_at_the_site_is_for_apps(jira: Jira) -> None:
    opaque = with_header(jira, f"Bearer {ADMIN_TOKEN}", "/project/search")
    assert (opaque.status_code, opaque.json()) == (403, {"error": "Failed to parse Connect Session Auth Token"})
    jwt = with_header(jira, "Bearer a.b.c")
    assert (jwt.status_code, jwt.headers["content-type"]) == (401, "text/html;charset=UTF-8")


def test_too_many_failures_ask_for_a_captcha(stranger: Jira) -> None:
    stranger.switch(captcha_after_failures=2)
    for _ in range(2):
        stranger.get("/myself")
    stranger.log_in(ADMIN_EMAIL, ADMIN_TOKEN)
    answer = stranger.get("/project/search")
    assert (answer.status_code, answer.headers[SERAPH]) == (401, "AUTHENTICATION_DENIED")


def test_tokens_expire_without_warning(jira: Jira) -> None:
    jira.act("issue_token", account=ADMIN_EMAIL, token="short", expires_in=60)
    jira.log_in(ADMIN_EMAIL, "short")
    assert jira.get("/myself").status_code == 200
    jira.act("advance", seconds=61)
    assert jira.get("/myself").headers[SERAPH] == FAILED


def test_a_new_token_can_be_refused_for_a_while(jira: Jira) -> None:
    jira.act("issue_token", account=ADMIN_EMAIL, token="new", good_in=70)
    jira.log_in(ADMIN_EMAIL, "new")
    assert jira.get("/myself").status_code == 401
    jira.act("advance", seconds=71)
    assert jira.get("/myself").status_code == 200


def test_the_token_of_a_deactivated_account_is_worth_nothing(jira: Jira) -> None:
    ada = jira.user("ada")
    jira.act("issue_token", account=ada.account_id, token="hers")
    jira.log_in("ada@example.com", "hers")
    assert jira.get("/myself").json()["accountId"] == ada.account_id
    jira.act("deactivate", account=ada.account_id)
    assert jira.get("/myself").status_code == 401
    jira.log_in("ada@example.com", ADMIN_TOKEN)
    assert jira.get("/myself").status_code == 401


def test_the_cloud_id_is_open_to_all(jira: Jira) -> None:
    for cloud_id in (jira.world.site.cloud_id, "22222222-0000-4000-8000-000000000000"):
        jira.act("set_site", cloud_id=cloud_id)
        assert requests.get(f"{jira.site}/_edge/tenant_info", timeout=300).json() == {"cloudId": cloud_id}


def test_a_scoped_token_works_at_the_gateway_only(jira: Jira) -> None:
    site = jira.address
    jira.scoped(*EVERYTHING)
    assert jira.get("/myself").status_code == 200
    jira.address = site
    assert jira.get("/myself").headers[SERAPH] == FAILED
    assert jira.get("/project/search").status_code == 200
    jira.switch(scoped_token_on_site="refused")
    assert jira.get("/project/search").status_code == 401


def test_a_classic_token_does_not_work_at_the_gateway(jira: Jira) -> None:
    jira.scoped()
    jira.log_in(ADMIN_EMAIL, ADMIN_TOKEN)
    answer = jira.get("/project/search")
    assert (answer.status_code, answer.json()) == (401, {"code": 401, "message": "Unauthorized"})
    jira.switch(classic_token_on_gateway=True)
    assert jira.get("/project/search").status_code == 200


@pytest.mark.parametrize(
    ("scopes", "path", "status"),
    [
        (["read:jira-user"], "/group/bulk", 200),
        (["read:jira-user"], "/group/member?groupname=site-admins", 401),
        (["manage:jira-configuration"], "/group/member?groupname=site-admins", 200),
        (["read:jira-work"], "/role", 401),
        (["read:group:jira"], "/group/bulk", 200),
        (["read:avatar:jira", "read:group:jira"], "/group/member?groupname=site-admins", 401),
        (["read:avatar:jira", "read:group:jira", "read:user:jira"], "/group/member?groupname=site-admins", 200),
        ([], "/serverInfo", 200),
    ],
)
def test_scopes_are_checked_for_each_operation(jira: Jira, scopes: list[str], path: str, status: int) -> None:
    jira.scoped(*scopes)
    answer = jira.get(path)
    assert answer.status_code == status
    if status == 401:
        assert answer.json() == {"code": 401, "message": "Unauthorized; scope does not match"}


def test_adding_and_removing_role_actors_want_different_scopes(jira: Jira) -> None:
    jira.project("ACC")
    ada = jira.user("ada")
    jira.scoped("manage:jira-configuration")
    assert jira.post("/project/ACC/role/10002", {"user": [ada.account_id]}).status_code == 200
    assert jira.delete("/project/ACC/role/10002", user=ada.account_id).status_code == 401
    jira.scoped("manage:jira-project", token="other")
    assert jira.delete("/project/ACC/role/10002", user=ada.account_id).status_code == 204


def test_links_through_the_gateway_name_the_site(jira: Jira) -> None:
    jira.project("ACC")
    jira.scoped(*EVERYTHING)
    assert jira.get("/project/ACC").json()["self"].startswith(f"{jira.site}/rest/api/3/project/")
    jira.switch(self_links="site")
    assert jira.get("/project/ACC").json()["self"].startswith("https://example.atlassian.net/rest/api/3/project/")


def test_every_answer_carries_a_trace_id(jira: Jira) -> None:
    headers = jira.get("/myself").headers
    assert headers["Atl-Traceid"]
    assert headers["X-ARequestId"] == headers["Atl-Request-Id"]
    assert (headers["Server"], headers["Content-Type"]) == ("AtlassianEdge", "application/json;charset=UTF-8")


def test_permissions_tell_what_the_account_may_do(jira: Jira) -> None:
    jira.project("ACC")
    jira.act("deny", account=ADMIN_EMAIL, permission="CREATE_ISSUES", project="ACC")
    found = jira.get("/mypermissions", projectKey="ACC", permissions="CREATE_ISSUES,ADMINISTER").json()["permissions"]
    assert {key: each["havePermission"] for key, each in found.items()} == {"CREATE_ISSUES": False, "ADMINISTER": True}
    assert jira.get("/mypermissions").status_code == 400
    assert jira.get("/mypermissions", permissions="FLY").status_code == 400


def test_a_service_account_has_scoped_tokens_and_may_use_bearer(jira: Jira) -> None:
    email = jira.act("create_service_account", name="provisor")["email"]
    assert email == "provisor@serviceaccount.atlassian.com"
    with pytest.raises(ValueError, match="scoped tokens only"):
        act(jira.world, "issue_token", account=email, token="classic")
    jira.act("issue_token", account=email, token="service", scopes=list(EVERYTHING))
    jira.scoped(*EVERYTHING)
    shown = with_header(jira, "Bearer service").json()
    assert (shown["accountType"], shown["appType"], "emailAddress" in shown) == ("app", "service", False)
    jira.log_in(email, "service")
    assert jira.get("/myself").json()["accountId"] == shown["accountId"]


def test_bearer_tokens_of_people_can_be_refused_at_the_gateway(jira: Jira) -> None:
    jira.scoped(*EVERYTHING)
    assert with_header(jira, "Bearer scoped").status_code == 200
    jira.switch(bearer_for_people=False)
    assert with_header(jira, "Bearer scoped").json() == {"code": 401, "message": "Unauthorized"}
