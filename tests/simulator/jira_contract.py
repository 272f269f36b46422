"""The shapes of Jira's published OpenAPI document, to hold the simulator's answers against."""

import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import requests
import yaml

DOCUMENT = Path(__file__).parents[3] / "shared" / "contracts" / "openapi" / "jira-cloud-v3.yaml"

#: What the service gives although the document does not say so; the first by the contract 8.2, "observed".
UNDOCUMENTED: dict[str, dict[str, Any]] = {"AuditRecordBean": {"authorAccountId": {"type": "string"}}}
#: Members that are null in real histories, though not marked so.
NULLABLE = {"ChangeDetails": ("from", "fromString", "to", "toString")}


def is_here() -> bool:
    """Whether the contracts are at hand; they have to be when PROVISOR_REQUIRE_SHARED is 1."""
    if not DOCUMENT.exists() and os.environ.get("PROVISOR_REQUIRE_SHARED") == "1":
        pytest.fail(f"{DOCUMENT} is missing")
    return DOCUMENT.exists()


class Contract:
    """Operations by method and path, and a check of answers against them."""

    def __init__(self) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        self.document: dict[str, Any] = yaml.load(DOCUMENT.read_text(encoding="utf-8"), loader)  # noqa: S506 -- both are safe
        self.seen: dict[tuple[str, str], set[int]] = {}
        schemas = self.document["components"]["schemas"]
        _mark_nullable(schemas)
        for name, members in UNDOCUMENTED.items():
            schemas[name]["properties"].update(members)
        for name, keys in NULLABLE.items():
            for key in keys:
                schemas[name]["properties"][key] = {"type": ["string", "null"]}
        # "Nothing but these alternatives, and no member at all": the document contradicts itself.
        del schemas["JqlQueryClause"]["additionalProperties"]
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$"), path, operations)
            for path, operations in sorted(self.document["paths"].items(), key=lambda each: "{" in each[0])
        ]
        self._validators: dict[tuple[str, str, str], jsonschema.Draft4Validator | None] = {}

    def operations(self) -> set[tuple[str, str]]:
        return {(method.upper(), path) for _, path, operations in self._paths for method in operations}

    def check(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Hold an answer of version 3 against the document; raises AssertionError."""
        method = str(response.request.method)
        path = "/rest/api/3" + response.url.partition("?")[0].partition("/rest/api/3")[2]
        for pattern, template, operations in self._paths:
            if pattern.match(path) and method.lower() in operations:
                self.seen.setdefault((method, template), set()).add(response.status_code)
                self._validate(response, method.lower(), template)
                return

    def _validate(self, response: requests.Response, method: str, template: str) -> None:
        key = (method, template, str(response.status_code))
        if key not in self._validators:
            self._validators[key] = self._validator(*key)
        validator = self._validators[key]
        if validator is None or not response.content:
            return
        error = next(iter(validator.iter_errors(response.json())), None)
        assert error is None, f"{key}: {error.json_path if error else ''}: {error.message if error else ''}"

    def _validator(self, method: str, template: str, status: str) -> jsonschema.Draft4Validator | None:
        answers = self.document["paths"][template][method]["responses"]
        schema = answers.get(status, {}).get("content", {}).get("application/json", {}).get("schema")
        if schema is None or not status.startswith("2"):
            return None
        return jsonschema.Draft4Validator({**schema, "components": self.document["components"]})


@cache
def contract() -> Contract:
    return Contract()


def _mark_nullable(schema: Any) -> None:
    """Turn OpenAPI 3.0's `nullable` into what JSON Schema knows."""
    if isinstance(schema, list):
        for each in schema:
            _mark_nullable(each)
    elif isinstance(schema, dict):
        if schema.get("nullable") is True and isinstance(schema.get("type"), str):
            schema["type"] = [schema["type"], "null"]
        for each in schema.values():
            _mark_nullable(each)
