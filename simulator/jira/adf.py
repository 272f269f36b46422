"""A structural check of Atlassian documents: the nodes Jira takes, and nothing else (contract, section 6).

Own rules instead of the published JSON schema, because the schema is large and its errors say nothing; Jira's
answer to any fault is one word anyway.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Check = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Node:
    """What a node may hold: `children` by type, attributes with their checks, and the least number of children."""

    children: frozenset[str] = frozenset()
    attrs: Mapping[str, Check] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    least: int = 0
    first: frozenset[str] = frozenset()
    """What the first child has to be one of, if anything."""


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _between(low: int, high: int) -> Check:
    return lambda value: _number(value) and low <= value <= high


def _one_of(*allowed: str) -> Check:
    return lambda value: value in allowed


def _widths(value: Any) -> bool:
    return isinstance(value, list) and all(_number(each) for each in value)


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


COLOUR = re.compile(r"^#[0-9a-fA-F]{6}$")
LOCAL: dict[str, Check] = {"localId": _text}
INLINE = _set("text hardBreak mention emoji inlineCard status date")
LISTS = _set("bulletList orderedList")
PLAIN = _set("paragraph") | LISTS
CELL = PLAIN | _set("heading panel blockquote codeBlock rule taskList blockCard mediaSingle mediaGroup nestedExpand")
BLOCKS = CELL - _set("nestedExpand") | _set("table expand")
CELL_ATTRS: dict[str, Check] = {
    "colspan": _number,
    "rowspan": _number,
    "colwidth": _widths,
    "background": _text,
    **LOCAL,
}

NODES: dict[str, Node] = {
    "doc": Node(BLOCKS),
    "paragraph": Node(INLINE, LOCAL),
    "heading": Node(INLINE, {"level": _between(1, 6), **LOCAL}, _set("level")),
    "bulletList": Node(_set("listItem"), LOCAL, least=1),
    "orderedList": Node(_set("listItem"), {"order": lambda value: _number(value) and value >= 0, **LOCAL}, least=1),
    "listItem": Node(
        PLAIN | _set("codeBlock taskList mediaSingle"),
        LOCAL,
        least=1,
        first=_set("paragraph codeBlock mediaSingle taskList"),
    ),
    "table": Node(
        _set("tableRow"),
        {"isNumberColumnEnabled": _flag, "layout": _text, "width": _number, "displayMode": _text, **LOCAL},
        least=1,
    ),
    "tableRow": Node(_set("tableHeader tableCell"), LOCAL),
    "tableHeader": Node(CELL, CELL_ATTRS, least=1),
    "tableCell": Node(CELL, CELL_ATTRS, least=1),
    "panel": Node(
        PLAIN | _set("heading codeBlock taskList rule blockCard mediaSingle mediaGroup"),
        {
            "panelType": _one_of("info", "note", "tip", "warning", "error", "success", "custom"),
            **dict.fromkeys(("panelIcon", "panelIconId", "panelIconText", "panelColor"), _text),
            **LOCAL,
        },
        _set("panelType"),
        least=1,
    ),
    "codeBlock": Node(_set("text"), {"language": _text, "uniqueId": _text, **LOCAL}),
    "blockquote": Node(PLAIN | _set("codeBlock mediaSingle mediaGroup"), LOCAL, least=1),
    "rule": Node(attrs=LOCAL),
    "taskList": Node(_set("taskItem taskList"), LOCAL, _set("localId"), least=1, first=_set("taskItem")),
    "taskItem": Node(INLINE, {"state": _one_of("TODO", "DONE"), **LOCAL}, _set("localId state")),
    "expand": Node(BLOCKS - _set("expand") | _set("nestedExpand"), {"title": _text, **LOCAL}, least=1),
    "nestedExpand": Node(PLAIN | _set("heading codeBlock rule panel"), {"title": _text, **LOCAL}, least=1),
    "hardBreak": Node(attrs={"text": _one_of("\n"), **LOCAL}),
    "mention": Node(
        attrs={"id": _text, "text": _text, "accessLevel": _text, "userType": _text, **LOCAL}, required=_set("id")
    ),
    "emoji": Node(attrs={"shortName": _text, "id": _text, "text": _text, **LOCAL}, required=_set("shortName")),
    "inlineCard": Node(attrs={"url": _text, **LOCAL}, required=_set("url")),
    "blockCard": Node(attrs={"url": _text, **LOCAL}, required=_set("url")),
    "status": Node(
        attrs={
            "text": lambda value: _text(value) and value != "",
            "color": _one_of("neutral", "purple", "blue", "red", "yellow", "green"),
            "style": _text,
            **LOCAL,
        },
        required=_set("text color"),
    ),
    "date": Node(attrs={"timestamp": lambda value: _text(value) and value != "", **LOCAL}, required=_set("timestamp")),
    "mediaSingle": Node(_set("media"), {"layout": _text, "width": _number, "widthType": _text, **LOCAL}, least=1),
    "mediaGroup": Node(_set("media"), least=1),
    "media": Node(
        attrs={
            **dict.fromkeys(("type", "id", "collection", "alt", "occurrenceKey", "url"), _text),
            "width": _number,
            "height": _number,
            **LOCAL,
        },
        required=_set("type"),
    ),
}
NEEDS_CONTENT = _set(
    "tableRow nestedExpand mediaSingle mediaGroup "
    "bulletList orderedList listItem table tableRow panel blockquote taskList expand tableCell tableHeader"
)

MARKS: dict[str, tuple[Mapping[str, Check], frozenset[str]]] = {
    "link": (dict.fromkeys(("href", "title", "id", "collection", "occurrenceKey"), _text), _set("href")),
    "textColor": ({"color": lambda value: _text(value) and bool(COLOUR.match(value))}, _set("color")),
    "backgroundColor": ({"color": lambda value: _text(value) and bool(COLOUR.match(value))}, _set("color")),
    "subsup": ({"type": _one_of("sub", "sup")}, _set("type")),
    "annotation": ({"id": _text, "annotationType": _text}, _set("id annotationType")),
    **{name: ({}, frozenset()) for name in ("strong", "em", "code", "strike", "underline")},
}
WITH_CODE = _set("code link annotation")
BLOCK_MARKS = _set("alignment indentation breakout")


def is_document(document: Any) -> bool:
    """Return whether a value is a document that Jira takes."""
    if not isinstance(document, dict) or set(document) != {"version", "type", "content"}:
        return False
    if document["type"] != "doc" or document["version"] != 1 or isinstance(document["version"], bool):
        return False
    return _children_fit(document["content"], NODES["doc"])


def size(document: Any) -> int:
    """Count a document as its compact JSON: the careful reading of an unpublished rule (contract, 12.6)."""
    return len(json.dumps(document, separators=(",", ":"), ensure_ascii=False))


def _children_fit(content: Any, rule: Node) -> bool:
    if not isinstance(content, list) or len(content) < rule.least:
        return False
    kinds = [child.get("type") if isinstance(child, dict) else None for child in content]
    if not all(kind in rule.children for kind in kinds) or (rule.first and kinds[0] not in rule.first):
        return False
    return all(_node_fits(child) for child in content)


def _node_fits(node: dict[str, Any]) -> bool:
    kind = node["type"]
    if kind == "text":
        return _text_fits(node)
    rule = NODES[kind]
    if not set(node) <= {"type", "attrs", "content", "marks"} or not _attrs_fit(
        node.get("attrs", {}), rule.attrs, rule.required
    ):
        return False
    if not rule.children:
        return "content" not in node and _block_marks_fit(node)
    if "content" not in node:
        return kind not in NEEDS_CONTENT and _block_marks_fit(node)
    plain = kind != "codeBlock" or not any(isinstance(child, dict) and child.get("marks") for child in node["content"])
    return plain and _children_fit(node["content"], rule) and _block_marks_fit(node)


def _text_fits(node: dict[str, Any]) -> bool:
    if not set(node) <= {"type", "text", "marks"} or not isinstance(node.get("text"), str) or not node["text"]:
        return False
    marks = node.get("marks", [])
    if not isinstance(marks, list) or not all(_mark_fits(mark) for mark in marks):
        return False
    kinds = [mark["type"] for mark in marks]
    return len(set(kinds)) == len(kinds) and ("code" not in kinds or set(kinds) <= WITH_CODE)


def _mark_fits(mark: Any) -> bool:
    if not isinstance(mark, dict) or not set(mark) <= {"type", "attrs"} or mark.get("type") not in MARKS:
        return False
    attrs, required = MARKS[mark["type"]]
    return _attrs_fit(mark.get("attrs", {}), attrs, required)


def _attrs_fit(attrs: Any, checks: Mapping[str, Check], required: frozenset[str]) -> bool:
    if not isinstance(attrs, dict) or not required <= set(attrs):
        return False
    return all(name in checks and checks[name](value) for name, value in attrs.items())


def _block_marks_fit(node: dict[str, Any]) -> bool:
    marks = node.get("marks", [])
    return isinstance(marks, list) and all(isinstance(mark, dict) and mark.get("type") in BLOCK_MARKS for mark in marks)
