"""The published API descriptions, to hold the simulators' answers against. They are not shipped with the project."""

import os
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from referencing import Registry
from referencing.jsonschema import DRAFT4

CONTRACTS = Path(__file__).parents[2].parent / "shared" / "contracts" / "openapi"


def is_here(name: str) -> bool:
    """Whether a description is at hand; it has to be when PROVISOR_REQUIRE_SHARED is 1."""
    there = (CONTRACTS / name).exists()
    assert there or os.environ.get("PROVISOR_REQUIRE_SHARED") != "1", f"{CONTRACTS / name} is missing"
    return there


@cache
def description(name: str) -> dict[str, Any]:
    """One description; the test is skipped without it."""
    if not is_here(name):
        pytest.skip(f"{name} is not part of this checkout")
    loaded = yaml.load((CONTRACTS / name).read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
    translated: dict[str, Any] = _as_json_schema(loaded)
    return translated


def operations(name: str) -> list[tuple[str, str]]:
    """Method and path of every operation, none where the descriptions are missing and may be."""
    if not is_here(name):
        return []
    return [
        (method.upper(), path)
        for path, methods in description(name)["paths"].items()
        for method in methods
        if method in {"get", "post", "put", "delete", "patch"}
    ]


def response_pointer(name: str, method: str, path: str, status: int) -> str | None:
    """Where the description has the schema of an answer; None when that answer has no body.

    Fails when the status is not among those that are described.
    """
    responses = description(name)["paths"][path][method.lower()]["responses"]
    key = str(status) if str(status) in responses else "default"
    assert key in responses, f"{method} {path}: {status} is not described, only {', '.join(responses)}"
    pointer = f"/paths/{_escape(path)}/{method.lower()}/responses/{key}"
    answer = responses[key]
    if "$ref" in answer:
        pointer = answer["$ref"].removeprefix("#")
        answer = _at(description(name), pointer)
    kinds = list(answer.get("content", {}))
    return f"{pointer}/content/{_escape(kinds[0])}/schema" if kinds else None


def validate(name: str, pointer: str, document: Any) -> None:
    """Hold a document against the schema at that place; raises jsonschema.ValidationError."""
    _validator(name, pointer).validate(document)


@cache
def _validator(name: str, pointer: str) -> jsonschema.Draft4Validator:
    registry: Registry[Any] = Registry().with_resource("urn:description", DRAFT4.create_resource(description(name)))
    return jsonschema.Draft4Validator({"$ref": f"urn:description#{pointer}"}, registry=registry)


def _as_json_schema(node: Any) -> Any:
    """Say in the words of JSON Schema what OpenAPI 3.0 says in its own: `nullable`, and patterns of folded text."""
    if isinstance(node, list):
        return [_as_json_schema(part) for part in node]
    if not isinstance(node, dict):
        return node
    schema = {name: _as_json_schema(part) for name, part in node.items()}
    if isinstance(schema.get("pattern"), str):
        schema["pattern"] = schema["pattern"].strip()
    if schema.pop("nullable", False) is True:
        return {"anyOf": [{"type": "null"}, schema]}
    return schema


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _at(document: Any, pointer: str) -> Any:
    for part in pointer.strip("/").split("/"):
        document = document[part.replace("~1", "/").replace("~0", "~")]
    return document


class _LOADER(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc] # the C one is much quicker
    """Times stay text, as they are in JSON."""


_LOADER.add_constructor("tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node))
