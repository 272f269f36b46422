from email.utils import parsedate_to_datetime

import pytest
import requests

from simulator.jumpcloud import act, load
from simulator.jumpcloud.world import API_KEY, CLIENT_ID, CLIENT_SECRET, READ_ONLY_KEY
from tests.simulator.jumpcloud_client import UNKNOWN, Clock, JumpCloud

EVENTS = "/insights/directory/v1/events"
ALL = {"service": ["all"], "start_time": "2026-01-01T00:00:00Z"}


def _key(jumpcloud: JumpCloud, role: str, **fields: object) -> dict[str, str]:
    made = jumpcloud.act("add_admin", email=f"{len(jumpcloud.world.admins)}@example.com", roleName=role, **fields)
    return {"x-api-key": made["api_key"]}


@pytest.mark.parametrize("headers", [{"x-api-key": "wrong"}, {"x-api-key": None}])
def test_a_bad_key_and_no_key_are_401_with_a_message(jumpcloud: JumpCloud, headers: dict[str, str]) -> None:
    answer = jumpcloud.call("GET", "/api/organizations", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["message"].startswith("Unauthorized")


def test_organizations_prove_a_key(jumpcloud: JumpCloud) -> None:
    answer = jumpcloud.get("/api/organizations").json()
    assert answer["totalCount"] == 1
    assert set(answer["results"][0]) == {"_id", "id", "displayName", "logoUrl", "created"}
    assert jumpcloud.get(f"/api/organizations/{answer['results'][0]['id']}").status_code == 200
    assert jumpcloud.get(f"/api/organizations/{UNKNOWN}").status_code == 404


def test_a_reset_key_is_dead_at_once(jumpcloud: JumpCloud) -> None:
    fresh = jumpcloud.act("reset_key", admin="owner@example.com")["api_key"]
    assert jumpcloud.get("/api/organizations").status_code == 401
    assert jumpcloud.call("GET", "/api/organizations", headers={"x-api-key": fresh}).status_code == 200


@pytest.mark.parametrize(
    "end",
    [
        {"verb": "expire_key", "api_key": API_KEY},
        {"verb": "change_admin", "admin": "owner@example.com", "suspended": True},
        {"verb": "change_admin", "admin": "owner@example.com", "apiKeyAllowed": False},
        {"verb": "delete_admin", "admin": "owner@example.com"},
    ],
)
def test_a_key_dies_with_its_expiry_or_its_owner(jumpcloud: JumpCloud, end: dict[str, str]) -> None:
    act(jumpcloud.world, end.pop("verb"), **end)
    assert jumpcloud.get("/api/organizations").status_code == 401


def test_a_key_expires_by_the_clock(jumpcloud: JumpCloud, clock: Clock) -> None:
    headers = _key(jumpcloud, "Administrator", expiresAt=clock() + 60)
    assert jumpcloud.call("GET", "/api/organizations", headers=headers).status_code == 200
    clock.pass_by(61)
    assert jumpcloud.call("GET", "/api/organizations", headers=headers).status_code == 401


@pytest.mark.parametrize("status", [403, 401])
def test_a_read_only_key_reads_and_does_not_write(jumpcloud: JumpCloud, status: int) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    jumpcloud.switch(read_only_status=status)
    jumpcloud.session.headers["x-api-key"] = READ_ONLY_KEY
    assert jumpcloud.members(group) == []
    assert jumpcloud.change(group, "add", user).status_code == status
    assert jumpcloud.post("/api/v2/usergroups", {"name": "x"}).status_code == status
    assert jumpcloud.post(EVENTS, ALL).status_code == 200


@pytest.mark.parametrize(
    ("role", "change_member", "events"),
    [
        ("Administrator With Billing", 204, 200),
        ("administrator", 204, 200),
        ("Manager", 204, 200),
        ("Help Desk", 403, 200),
        ("Command Runner", 403, 403),
        ("Made Up", 403, 403),
    ],
)
def test_a_role_limits_its_keys(jumpcloud: JumpCloud, role: str, change_member: int, events: int) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    jumpcloud.session.headers.update(_key(jumpcloud, role))
    assert jumpcloud.change(group, "add", user).status_code == change_member
    assert jumpcloud.post(EVENTS, ALL).status_code == events


def test_a_custom_role_is_what_its_scopes_say(jumpcloud: JumpCloud) -> None:
    load(jumpcloud.world, {"roles": [{"name": "Grouper", "description": "", "scopes": ["groups"]}]})
    user, group = jumpcloud.user(), jumpcloud.group()
    jumpcloud.session.headers.update(_key(jumpcloud, "Grouper"))
    assert jumpcloud.change(group, "add", user).status_code == 204
    assert jumpcloud.get("/api/systemusers").status_code == 403


def test_a_multi_tenant_key_needs_the_organization(jumpcloud: JumpCloud) -> None:
    jumpcloud.session.headers.update(_key(jumpcloud, "Administrator", multiTenant=True))
    answer = jumpcloud.post(EVENTS, ALL)
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized: no organization selected"})
    assert jumpcloud.get("/api/organizations").status_code == 200
    jumpcloud.session.headers["x-org-id"] = jumpcloud.world.organization_id
    assert jumpcloud.post(EVENTS, ALL).status_code == 200
    jumpcloud.session.headers["x-org-id"] = UNKNOWN
    assert jumpcloud.post(EVENTS, ALL).status_code == 401


def test_the_organization_header_with_a_single_key_is_ignored_or_forbidden(jumpcloud: JumpCloud) -> None:
    jumpcloud.session.headers["x-org-id"] = jumpcloud.world.organization_id
    assert jumpcloud.get("/api/systemusers").status_code == 200
    jumpcloud.switch(single_org_header="forbidden")
    answer = jumpcloud.get("/api/systemusers")
    assert answer.status_code == 403
    assert answer.json()["message"] == "Forbidden: organization selection not allowed via header"


def test_a_blocked_source_gets_403_for_everything(jumpcloud: JumpCloud) -> None:
    jumpcloud.switch(source_blocked=True)
    answer = jumpcloud.get("/api/organizations")
    assert (answer.status_code, "suspected abuse" in answer.json()["message"]) == (403, True)


def _token(jumpcloud: JumpCloud, secret: str = CLIENT_SECRET, **form: str) -> requests.Response:
    data = {"grant_type": "client_credentials", "scope": "api", **form}
    return requests.post(jumpcloud.url + "/oauth2/token", auth=(CLIENT_ID, secret), data=data, timeout=300)


@pytest.mark.parametrize("switched", [{}, {"token_seconds": 60}])
def test_a_service_account_gets_a_token_that_ends(jumpcloud: JumpCloud, clock: Clock, switched: dict[str, int]) -> None:
    jumpcloud.switch(**switched)
    answer = _token(jumpcloud).json()
    assert answer["expires_in"] == switched.get("token_seconds", 3600)
    del jumpcloud.session.headers["x-api-key"]
    jumpcloud.session.headers["Authorization"] = f"Bearer {answer['access_token']}"
    user, group = jumpcloud.user(), jumpcloud.group()
    assert jumpcloud.change(group, "add", user).status_code == 204
    clock.pass_by(answer["expires_in"] + 1)
    assert jumpcloud.get("/api/systemusers").status_code == 401


def test_a_token_answer_may_keep_its_life_to_itself(jumpcloud: JumpCloud) -> None:
    jumpcloud.switch(token_tells_life=False)
    assert "expires_in" not in _token(jumpcloud).json()


def test_a_revoked_token_is_401(jumpcloud: JumpCloud) -> None:
    token = _token(jumpcloud).json()["access_token"]
    jumpcloud.act("revoke_tokens")
    headers = {"x-api-key": None, "Authorization": f"Bearer {token}"}
    assert jumpcloud.call("GET", "/api/systemusers", headers=headers).status_code == 401


def test_a_wrong_secret_is_401_and_a_disabled_account_403(jumpcloud: JumpCloud) -> None:
    assert _token(jumpcloud, "wrong").status_code == 401
    assert _token(jumpcloud, grant_type="password").status_code == 400
    jumpcloud.act("change_service_account", client_id=CLIENT_ID, secrets=[CLIENT_SECRET, "second"])
    assert _token(jumpcloud, "second").status_code == 200
    jumpcloud.act("change_service_account", client_id=CLIENT_ID, enabled=False)
    assert _token(jumpcloud).status_code == 403


@pytest.mark.parametrize("retry_after", ["none", "seconds", "date"])
def test_too_many_requests_of_one_key_are_429(jumpcloud: JumpCloud, retry_after: str) -> None:
    jumpcloud.switch(rate_per_second=0.1, rate_burst=2, retry_after=retry_after)
    statuses = [jumpcloud.get("/api/systemusers").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    header = jumpcloud.get("/api/systemusers").headers.get("retry-after")
    if retry_after == "none":
        assert header is None
    elif retry_after == "seconds":
        assert int(header or 0) > 0
    else:
        assert parsedate_to_datetime(header or "").year >= 2024
    other = jumpcloud.call("GET", "/api/systemusers", headers={"x-api-key": READ_ONLY_KEY})
    assert other.status_code == 200, "another key has a limit of its own"


def test_503_comes_in_bursts(jumpcloud: JumpCloud) -> None:
    jumpcloud.switch(unavailable_every=3, unavailable_burst=2)
    statuses = [jumpcloud.get("/api/systemusers").status_code for _ in range(7)]
    assert statuses == [200, 200, 503, 503, 200, 200, 200]


@pytest.mark.parametrize("form", ["message", "full", "html", "empty"])
def test_error_bodies_come_in_the_form_that_is_switched(jumpcloud: JumpCloud, form: str) -> None:
    jumpcloud.switch(error_bodies=form)
    answer = jumpcloud.v2(f"/usergroups/{UNKNOWN}")
    assert answer.status_code == 404
    if form == "message":
        assert answer.json() == {"message": "Not Found"}
    elif form == "full":
        assert answer.json() == {"code": 404, "message": "Not Found", "status": "Not Found"}
    elif form == "html":
        assert answer.text.startswith("<html>")
    else:
        assert answer.content == b""


def test_a_path_that_does_not_exist_is_404_in_json(jumpcloud: JumpCloud) -> None:
    assert jumpcloud.v2("/administrators").json() == {"message": "Not Found"}
    assert jumpcloud.call("DELETE", "/api/systemusers").status_code == 405
