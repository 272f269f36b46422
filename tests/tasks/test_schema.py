import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from access.message import AccessRequest
from tasks.message_schema import request_schema, schema_text

FILE = Path("docs/schemas/access-request.v1.schema.json")
VALIDATOR = Draft202012Validator(request_schema())

GRANT: dict[str, Any] = {
    "id": "req-1",
    "action": "grant",
    "subject": {"email": "ada@example.com"},
    "entitlement": "jira:project-role:PAY:Administrators:assigned",
}


def model_accepts(message: Any) -> bool:
    try:
        AccessRequest.model_validate(message)
    except ValidationError:
        return False
    return True


def test_the_file_is_the_schema_of_the_model() -> None:
    assert FILE.read_text(encoding="utf-8") == schema_text(), (
        "run: python -m tasks.message_schema > docs/schemas/access-request.v1.schema.json"
    )


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json.loads(schema_text()))


def test_every_field_is_explained_or_plain() -> None:
    properties = request_schema()["properties"]
    assert set(properties) == {field.alias or name for name, field in AccessRequest.model_fields.items()}
    assert not any("title" in field for field in properties.values())


CHANGES: dict[str, list[Any]] = {
    "schema": ["provisor.access-request/1", "provisor.access-request/2", None],
    "id": ["req-1", "", "a b", "-a", "x" * 129, 5, None],
    "action": ["grant", "extend", "revoke", "create_account", "deprovision_account", "give", None, 1],
    "subject": [
        *({"email": "a@b.c"}, {"username": "ada"}, {"id": "5b1"}, {"email": "a@b.c", "id": None}),
        *({}, {"email": None}, {"email": "ada"}, {"mail": "a@b.c"}, {"username": ""}, {"id": "x" * 129}, "ada", None),
    ],
    "entitlement": [
        *("jira:group:x:member", "jumpcloud:group:a b%3A:member", "jira:account:exists"),
        *("jira:project-role:P:R:assigned", None, "", "jira:group::member", "jira:group:x", "gira:group:x:member"),
        *("jira:group:a:b:member", "jira:group:x:member:y", 5),
    ],
    "system": ["jira", "jumpcloud", None, "github", 5],
    "products": [[], ["jira-core"], ["jira-core", "jira-software"], ["jira"], "jira-core", None],
    "duration": [
        *("PT8H", "P1D", "P2W", "P1DT12H", "PT0.5H", 3600, 1.5, 1, None, 316224000),
        *("8h", "P1Y", "P1M", "PT", "P", "P0D", "PT0S", "P1DT", "-PT5M", "08:00:00", 0, 0.5, -1, True, 316224001, []),
    ],
    "starts_at": ["2026-01-31T12:00:00Z", None, "2026-01-31", 5],
    "ends_at": ["2026-02-01T12:00:00Z", None, "tomorrow", 5],
    "until_issue": ["PAY-7", None, "pay-7", "PAY", "PAY-7 ", "", 5],
    "claim_of": ["req-0", None, "x" * 129, 5],
    "reason": ["", "on call", "x" * 5001, None],
    "requested_by": ["bo", None, "", "x" * 501],
    "approved_by": ["cy", None, ""],
    "requested_at": [
        *("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123+05:30", None),
        *("2026-01-31", "2026-01-31T12:00:00", "1700000000", 1700000000, True),
    ],
    "fields": [
        *({}, {"a": "b"}, {"a": 1}, {"k" * 101: "v"}, {"a": "v" * 2001}, {str(n): "" for n in range(51)}, None, []),
    ],
    "until": ["tomorrow"],
}
#: What the model knows and a schema cannot say: dates that do not exist, lengths hidden in texts, encodings.
NOT_SAYABLE: list[dict[str, Any]] = [
    {"requested_at": "2026-02-30T12:00:00Z"},
    {"requested_at": "0001-01-01T00:00:00+14:00"},
    {"duration": "PT0.5S"},
    {"duration": "P9999D"},
    {"entitlement": "jira:group:%ff:member"},
    {"starts_at": "2026-01-31T12:00:00Z", "ends_at": "2026-01-31T12:00:00Z"},
]


@pytest.mark.parametrize("name", CHANGES)
def test_each_field_is_valid_for_the_schema_when_it_is_for_the_model(name: str) -> None:
    verdicts = set()
    for value in CHANGES[name]:
        message = GRANT | {name: value}
        assert VALIDATOR.is_valid(message) == model_accepts(message), message
        verdicts.add(model_accepts(message))
    if name != "until":
        assert verdicts == {True, False}


@pytest.mark.parametrize("name", ["id", "action", "subject", "entitlement"])
def test_what_the_model_requires_the_schema_requires(name: str) -> None:
    message = {key: value for key, value in GRANT.items() if key != name}
    assert not model_accepts(message)
    assert not VALIDATOR.is_valid(message)


@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in CHANGES.items()}))
@settings(deadline=None, max_examples=150)
def test_fields_together_are_valid_for_the_schema_when_they_are_for_the_model(changes: dict[str, Any]) -> None:
    message = {"id": "req-1", "action": "grant", "subject": {"email": "a@b.c"}} | changes
    assert VALIDATOR.is_valid(message) == model_accepts(message)


SENSIBLE = {
    name: [value for value in CHANGES[name] if model_accepts(GRANT | {name: value})] or CHANGES[name]
    for name in ("subject", "entitlement", "duration", "products")
} | {
    "action": CHANGES["action"][:5],
    "system": [None, "jira"],
    "claim_of": [None, "req-0"],
    "starts_at": [None, "2026-01-31T12:00:00Z"],
    "ends_at": [None, "2026-02-01T12:00:00Z"],
    "until_issue": [None, "PAY-7"],
}


@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in SENSIBLE.items()}))
@settings(deadline=None, max_examples=150)
def test_the_rules_between_fields_are_those_of_the_model(changes: dict[str, Any]) -> None:
    message = {"id": "req-1", "action": "grant", "subject": {"email": "a@b.c"}} | changes
    assert VALIDATOR.is_valid(message) == model_accepts(message)


@pytest.mark.parametrize("changes", NOT_SAYABLE)
def test_what_a_schema_cannot_say_is_known(changes: dict[str, Any]) -> None:
    assert VALIDATOR.is_valid(GRANT | changes)
    assert not model_accepts(GRANT | changes)


@given(st.fixed_dictionaries({}, optional={name: st.sampled_from(values) for name, values in SENSIBLE.items()}))
@settings(deadline=None, max_examples=100)
def test_the_canonical_form_of_every_request_is_valid_for_the_schema(changes: dict[str, Any]) -> None:
    message = GRANT | changes
    if model_accepts(message):
        assert VALIDATOR.is_valid(AccessRequest.model_validate(message).canonical())
