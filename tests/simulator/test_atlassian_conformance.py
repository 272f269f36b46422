"""Answers held against the published OpenAPI text."""

from typing import Any

import pytest

from simulator.jira.world import ADMIN_ACCOUNT
from tests.simulator import openapi
from tests.simulator.atlassian_client import NOBODY, Atlassian

TEXT = "atlassian-admin.yaml"


@pytest.fixture
def things(atlassian: Atlassian) -> dict[str, str]:
    """One of everything, all tied together."""
    organization = atlassian.world.jira.organization
    ada, team = atlassian.person(products=("jira-software", "jira-servicedesk")), atlassian.group()
    atlassian.person("free", managed=False)
    atlassian.act("add_member", group=team, account=ada)
    atlassian.act("use_product", account=ada)
    atlassian.act("set_platform_roles", account=ada, roles=["atlassian/site-admin"])
    return {
        "orgId": organization.id,
        "directoryId": organization.directory_id,
        "accountId": ada,
        "userId": ada,
        "account_id": ada,
        "groupId": team,
    }


def _body(atlassian: Atlassian, path: str) -> dict[str, Any]:
    resource = atlassian.world.jira.site.resource("jira-software")
    bodies: dict[str, dict[str, Any]] = {
        "/users/search": {"expand": ["platformRoles", "counts.resources", "productAccess", "groups"], "limit": 2},
        "/groups/search": {"expand": ["counts.resources", "counts.users"], "limit": 1},
        "/memberships": {"accountId": ADMIN_ACCOUNT},
        "/groups": {"name": "new"},
        "/roles/assign": {"role": "atlassian/user", "resource": resource},
        "/roles/revoke": {"role": "atlassian/user", "resource": resource},
        "/users/invite": {
            "emails": ["new@example.com"],
            "additionalGroups": ["none"],
            "permissionRules": [{"resource": resource, "role": "atlassian/user"}],
        },
        "/workspaces": {"limit": 1},
    }
    return next((body for end, body in bodies.items() if path.endswith(end)), {})


def _filled(path: str, things: dict[str, str]) -> str:
    base = "" if path.startswith("/users/") else "/admin"
    return base + path.format(**things)


@pytest.mark.parametrize(("method", "path"), openapi.operations(TEXT))
def test_every_described_operation_answers_as_described(
    atlassian: Atlassian, things: dict[str, str], method: str, path: str
) -> None:
    if path.endswith("/groups/{groupId}/role-assignments"):
        atlassian.world.jira.group(things["groupId"]).grants = ["jira-software"]
    body = _body(atlassian, path) if method == "POST" else None
    answer = atlassian.call(method, _filled(path, things), body)
    assert answer.status_code < 300, answer.text
    pointer = openapi.response_pointer(TEXT, method, path, answer.status_code)
    if pointer is not None:
        document = answer.json()
        assert document.get("data", document), "nothing to check"
        openapi.validate(TEXT, pointer, document)
    elif answer.status_code == 204:
        assert answer.content == b""


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        (method, path, status)
        for method, path in openapi.operations(TEXT)
        for status in (401, 403, 404)
        if status != 404 or "{" in path
    ],
)
def test_errors_have_the_described_shape(
    atlassian: Atlassian, things: dict[str, str], method: str, path: str, status: int
) -> None:
    if status == 401:
        atlassian.headers = {}
    elif status == 403:
        atlassian.act("add_key", value="narrow", scopes=["read:nothing"])
        atlassian.headers = {"Authorization": "Bearer narrow"}
    else:
        unknown = "account_id" if "{account_id}" in path else "orgId"
        things = {**things, unknown: NOBODY}
    described = openapi.description(TEXT)["paths"][path][method.lower()]["responses"]
    answer = atlassian.call(method, _filled(path, things), {} if method == "POST" else None)
    assert answer.status_code == status
    pointer = openapi.response_pointer(TEXT, method, path, status) if str(status) in described else None
    if pointer is not None:
        openapi.validate(TEXT, pointer, answer.json())


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ("MultiDirectoryUser", "users/search"),
        ("MultiDirectoryGroup", "groups/search"),
    ],
)
def test_no_field_is_invented(atlassian: Atlassian, things: dict[str, str], schema: str, path: str) -> None:
    described = openapi.description(TEXT)["components"]["schemas"][schema]["properties"]
    rows = atlassian.post(f"{atlassian.directory}/{path}", _body(atlassian, f"/{path}")).json()["data"]
    assert rows
    for row in rows:
        assert set(row) <= set(described)
