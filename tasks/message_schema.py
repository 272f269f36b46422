"""The JSON Schema of the access request, for producers in any language.

The model says most of it; what its validators add is written here in the schema's own words, as far as it has any.
``python -m tasks.message_schema`` prints it; the copy in ``docs/schemas/`` is made so.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from access.entitlements import RIGHTS, System
from access.message import AccessRequest, Action

_ACCOUNT_ACTIONS = [str(Action.CREATE_ACCOUNT), str(Action.DEPROVISION_ACCOUNT)]
_ENTITLEMENT_ACTIONS = [str(Action.GRANT), str(Action.EXTEND), str(Action.REVOKE)]
_TIMED = [str(Action.GRANT), str(Action.EXTEND)]
_OF_A_CLAIM = [str(Action.EXTEND), str(Action.REVOKE)]
_TAKING = [str(Action.REVOKE), str(Action.DEPROVISION_ACCOUNT)]


def request_schema() -> dict[str, Any]:
    """The schema, as plain JSON values."""
    schema = AccessRequest.model_json_schema(by_alias=True, mode="validation")
    _drop_titles(schema)
    schema["$defs"]["SubjectMessage"]["anyOf"] = [_has(name) for name in ("email", "username", "id")]
    texts = schema["properties"]["entitlement"]["anyOf"]
    texts[0]["pattern"] = _entitlement_pattern()
    schema["allOf"] = [
        _when("action", _ACCOUNT_ACTIONS, _has("system"), _lacks("entitlement")),
        _when("action", _ENTITLEMENT_ACTIONS, _has("entitlement"), _lacks("system")),
        _when("action", [str(Action.CREATE_ACCOUNT)], {"properties": {"subject": _has("email")}}),
        _when("action", _TAKING, _lacks("duration")),
        _when("action", _all_but(_OF_A_CLAIM), _lacks("claim_of")),
        _when("action", _all_but([str(Action.GRANT)]), _lacks("starts_at")),
        _when("action", _all_but(_TIMED), _lacks("ends_at"), _lacks("until_issue")),
        _when("action", [str(Action.EXTEND)], _ENDS),
        {"if": _has("until_issue"), "then": _ENDS},
        {"if": _has("duration"), "then": _lacks("ends_at")},
    ]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """The schema as the file in ``docs/schemas/`` holds it."""
    return json.dumps(request_schema(), indent=2, ensure_ascii=False) + "\n"


def _all_but(actions: list[str]) -> list[str]:
    return [str(action) for action in Action if action not in actions]


def _has(name: str) -> dict[str, Any]:
    return {"required": [name], "properties": {name: {"not": {"type": "null"}}}}


def _lacks(name: str) -> dict[str, Any]:
    return {"properties": {name: {"type": "null"}}}


#: The request says until when, as a duration or as a moment.
_ENDS = {"anyOf": [_has("duration"), _has("ends_at")]}


def _when(name: str, values: list[str], *then: dict[str, Any]) -> dict[str, Any]:
    return {"if": {"required": [name], "properties": {name: {"enum": values}}}, "then": {"allOf": list(then)}}


def _entitlement_pattern() -> str:
    kinds = (f"{kind}:{'[^:]+:' * parts}{right}" for kind, (right, parts) in RIGHTS.items())
    return f"^({'|'.join(System)}):({'|'.join(kinds)})$"


def _drop_titles(schema: dict[str, Any]) -> None:
    """Titles below the first only repeat the names of the fields."""
    for model in (schema, *schema["$defs"].values()):
        for field in model.get("properties", {}).values():
            field.pop("title", None)
    for model in schema["$defs"].values():
        model.pop("title", None)


if __name__ == "__main__":
    sys.stdout.write(schema_text())
