"""Answers held against the published OpenAPI text; what it leaves out is in the contract, named below."""

from typing import Any

import pytest
import requests

from simulator.jumpcloud import load
from tests.simulator import openapi
from tests.simulator.jumpcloud_client import UNKNOWN, JumpCloud

V1, V2 = "jumpcloud-v1.yaml", "jumpcloud-v2.yaml"

#: [observed] fields that come as null although the text gives them a type.
NULLS = {
    *("account_locked_date", "attributes", "color", "compiledAttributes", "employeeIdentifier"),
    *("logoUrl", "manager", "memberQuery", "organization", "provider"),
}
#: [observed] or [spec 2026-03] fields that the older published text does not have.
NEWER = {
    *("apiKeyAllowed", "apiKeySet", "created", "description", "displayname", "id", "roleNames", "roles"),
}


@pytest.fixture
def things(jumpcloud: JumpCloud) -> dict[str, str]:
    """One of everything, all tied together."""
    made = {
        "user": jumpcloud.user("ada", firstname="Ada", attributes=[{"name": "a", "value": "b"}]),
        "app": jumpcloud.act("add_application", name="zoom")["id"],
        "organization": jumpcloud.world.organization_id,
        "admin": next(iter(jumpcloud.world.admins)).id,
        "group": jumpcloud.group(
            membershipMethod="DYNAMIC_REVIEW_REQUIRED",
            memberQuery={
                "queryType": "FilterQuery",
                "filters": [{"field": "department", "operator": "eq", "value": "x"}],
            },
        ),
    }
    jumpcloud.act("add_member", group=made["group"], user=made["user"])
    jumpcloud.act("bind_application", application="zoom", group=made["group"])
    jumpcloud.act("bind_application", application="zoom", user=made["user"])
    jumpcloud.act("evaluate_rules")
    load(jumpcloud.world, {"directories": [{"name": "Workspace", "type": "g_suite"}]})
    return made


def _fill(path: str, things: dict[str, str]) -> str:
    kinds = {
        "/systemusers/": "user",
        "/users/{user_id}": "user",
        "/users/{id}": "admin",
        "/applications/": "app",
        "/organizations/": "organization",
        "/administrators/": "admin",
        "/usergroups/": "group",
    }
    for start, kind in kinds.items():
        if path.startswith(start):
            head, _, rest = path.partition("{")
            return head + things[kind] + rest.partition("}")[2]
    return path


def _body(method: str, path: str, things: dict[str, str]) -> dict[str, Any] | None:
    fresh = {"op": "remove", "id": things["app"], "type": "application"}
    bodies: dict[tuple[str, str], dict[str, Any]] = {
        ("POST", "/search/systemusers"): {"searchFilter": {"searchTerm": "ada"}},
        ("PUT", "/users/{id}"): {"lastname": "New"},
        ("POST", "/usergroups"): {"name": "New"},
        ("PUT", "/usergroups/{id}"): {"name": "Newer"},
        ("POST", "/usergroups/{group_id}/members"): {"op": "remove", "type": "user", "id": things["user"]},
        ("POST", "/usergroups/{group_id}/suggestions"): {"user_ids": [things["user"]]},
        ("POST", "/usergroups/{group_id}/associations"): fresh,
        ("POST", "/users/{user_id}/associations"): fresh,
        ("POST", "/applications/{application_id}/associations"): {
            "op": "remove",
            "type": "user",
            "id": things["user"],
        },
    }
    return bodies.get((method, path))


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(part) for name, part in value.items() if part is not None or name not in NULLS}
    return [_without_nulls(part) for part in value] if isinstance(value, list) else value


def _ask(jumpcloud: JumpCloud, text: str, method: str, path: str, things: dict[str, str]) -> requests.Response:
    base = "/api" if text == V1 else "/api/v2"
    params = {}
    if path.endswith("/associations") and method == "GET":
        params["targets"] = "user_group" if path.startswith("/applications") else "application"
    return jumpcloud.call(method, base + _fill(path, things), params=params, json=_body(method, path, things))


@pytest.mark.parametrize(
    ("text", "method", "path"),
    [(text, *operation) for text in (V1, V2) for operation in openapi.operations(text)],
)
def test_every_described_operation_answers_as_described(
    jumpcloud: JumpCloud, things: dict[str, str], text: str, method: str, path: str
) -> None:
    answer = _ask(jumpcloud, text, method, path, things)
    assert answer.status_code < 300, answer.text
    pointer = openapi.response_pointer(text, method, path, answer.status_code)
    if pointer is None:
        assert answer.content == b""
        return
    document = answer.json()
    if method == "GET" and path != "/bulk/userstates":
        assert document.get("results", document) if isinstance(document, dict) else document, "nothing to check"
    openapi.validate(text, pointer, _without_nulls(document))


@pytest.mark.parametrize(
    ("text", "path", "status"),
    [
        (V1, "/users/{id}", 401),
        (V1, "/users/{id}", 403),
        (V2, "/organizations/{id}/administratorlinks", 401),
        (V2, "/organizations/{id}/administratorlinks", 404),
        (V2, "/usergroups", 400),
    ],
)
@pytest.mark.parametrize("form", ["message", "full"])
def test_errors_have_the_described_shape(jumpcloud: JumpCloud, text: str, path: str, status: int, form: str) -> None:
    jumpcloud.switch(error_bodies=form, source_blocked=status == 403)
    if status == 401:
        jumpcloud.session.headers["x-api-key"] = "wrong"
    method = "PUT" if text == V1 else "GET"
    base = "/api" if text == V1 else "/api/v2"
    answer = jumpcloud.call(method, base + path.format(id=UNKNOWN), params={"limit": "1" if status != 400 else "x"})
    assert answer.status_code == status
    pointer = openapi.response_pointer(text, method, path, status)
    assert pointer is not None
    openapi.validate(text, pointer, answer.json())


@pytest.mark.parametrize(
    ("text", "schema", "path"),
    [
        (V1, "systemuserreturn", "/api/systemusers/{user}"),
        (V1, "userreturn", "/api/users/{admin}"),
        (V1, "application", "/api/applications/{app}"),
        (V2, "UserGroup", "/api/v2/usergroups/{group}"),
    ],
)
def test_no_field_is_invented(jumpcloud: JumpCloud, things: dict[str, str], text: str, schema: str, path: str) -> None:
    described = openapi.description(text)["components"]["schemas"][schema]["properties"]
    assert set(jumpcloud.get(path.format(**things)).json()) - set(described) <= NEWER
