"""The JSON Schema of the access request, for producers in any language."""

from __future__ import annotations

from tasks.message_schema import schema_text

PATH = "docs/schemas/access-request.v1.schema.json"


def text() -> str:
    """The page."""
    return schema_text()
