"""Jira's published description held against every answer of a client, and what is known to be missing in it."""

import re
from functools import cache
from typing import Any

import requests

from tests.simulator import openapi

TEXT = "jira-cloud-v3.yaml"

#: What the service gives although the document does not say so; the first by the contract 8.2, "observed".
UNDOCUMENTED: dict[str, dict[str, Any]] = {"AuditRecordBean": {"authorAccountId": {"type": "string"}}}
#: Members that are null in real histories, though not marked so.
NULLABLE = {"ChangeDetails": ("from", "fromString", "to", "toString")}


class Contract:
    """A check of answers, and the operations that were answered, with the statuses of the answers."""

    def __init__(self) -> None:
        self.paths: dict[str, Any] = openapi.description(TEXT)["paths"]
        self.seen: dict[tuple[str, str], set[int]] = {}
        schemas = openapi.description(TEXT)["components"]["schemas"]
        for name, members in UNDOCUMENTED.items():
            schemas[name]["properties"].update(members)
        for name, keys in NULLABLE.items():
            schemas[name]["properties"].update({key: {"type": ["string", "null"]} for key in keys})
        # "Nothing but these alternatives, and no member at all": the document contradicts itself.
        del schemas["JqlQueryClause"]["additionalProperties"]
        templates = sorted(self.paths, key=lambda path: "{" in path)
        self._patterns = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$"), path) for path in templates]

    def check(self, response: requests.Response, *_: Any, **__: Any) -> None:
        """Hold an answer of version 3 against the document; raises jsonschema.ValidationError."""
        method = str(response.request.method)
        path = "/rest/api/3" + response.url.partition("?")[0].partition("/rest/api/3")[2]
        for pattern, template in self._patterns:
            if pattern.match(path) and method.lower() in self.paths[template]:
                self.seen.setdefault((method, template), set()).add(response.status_code)
                self._validate(response, method, template)
                return

    def undescribed(self) -> set[tuple[str, str, int]]:
        """The statuses seen that the document does not have."""
        return {
            (method, path, status)
            for (method, path), statuses in self.seen.items()
            for status in statuses
            if str(status) not in self.paths[path][method.lower()]["responses"]
        }

    def _validate(self, response: requests.Response, method: str, template: str) -> None:
        described = str(response.status_code) in self.paths[template][method.lower()]["responses"]
        if not described or not response.ok or not response.content:
            return
        pointer = openapi.response_pointer(TEXT, method, template, response.status_code)
        if pointer is not None and "json" in pointer:
            openapi.validate(TEXT, pointer, response.json())


@cache
def contract() -> Contract:
    return Contract()
