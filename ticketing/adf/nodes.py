"""Builds the nodes that every Jira takes; each keeps the rules whose breach Jira answers with `INVALID_INPUT` [observed].

A node is plain JSON. Text is cleaned here, once: no control characters (XML has no place for them), no lone surrogates,
no line breaks, never empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

Node = dict[str, Any]

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")

#: Marks that go together with ``code``; all others are dropped when text is code [spec: ``code_inline_node``].
_BESIDE_CODE = frozenset({"code", "link"})


def clean(text: str) -> str:
    """The text without what Jira cannot store."""
    return _UNPRINTABLE.sub("", _SURROGATE.sub("\ufffd", text))


def mark(kind: str, **attrs: str) -> Node:
    """A mark: ``strong``, ``em``, ``strike``, ``code``, or ``link`` with its ``href``."""
    return {"type": kind, "attrs": attrs} if attrs else {"type": kind}


def text(value: str, marks: Sequence[Node] = ()) -> list[Node]:
    """Text nodes, with hard breaks in place of line breaks; none at all for nothing."""
    kinds = {each["type"] for each in marks}
    kept = [each for each in marks if "code" not in kinds or each["type"] in _BESIDE_CODE]
    unique = {each["type"]: each for each in kept}
    nodes: list[Node] = []
    for number, line in enumerate(_BREAK.split(clean(value))):
        if number:
            nodes.append(hard_break())
        if line:
            nodes.append({"type": "text", "text": line, **({"marks": list(unique.values())} if unique else {})})
    return nodes


def hard_break() -> Node:
    """A line break within a paragraph."""
    return {"type": "hardBreak"}


def joined(inline: Iterable[Node]) -> list[Node]:
    """Inline nodes with neighbours of equal marks made one."""
    nodes: list[Node] = []
    for node in inline:
        last = nodes[-1] if nodes else None
        if last and last["type"] == node["type"] == "text" and last.get("marks") == node.get("marks"):
            nodes[-1] = {**last, "text": last["text"] + node["text"]}
        else:
            nodes.append(node)
    return nodes


def paragraph(inline: Iterable[Node]) -> Node:
    """A paragraph; it may be empty."""
    return {"type": "paragraph", "content": joined(inline)}


def heading(level: int, inline: Iterable[Node]) -> Node:
    """A heading; ``level`` is brought into 1 to 6."""
    return {"type": "heading", "attrs": {"level": min(6, max(1, level))}, "content": joined(inline)}


def code_block(code: str, language: str = "") -> Node:
    """A code block: the one place where text holds line breaks."""
    value = clean(_BREAK.sub("\n", code))
    attrs = {"attrs": {"language": language}} if language else {}
    return {"type": "codeBlock", **attrs, "content": [{"type": "text", "text": value}] if value else []}


def rule() -> Node:
    """A horizontal rule."""
    return {"type": "rule"}


def blockquote(blocks: Sequence[Node]) -> Node:
    """A quotation; of nothing it is one empty paragraph."""
    return {"type": "blockquote", "content": list(blocks) or [paragraph(())]}


def list_item(blocks: Sequence[Node]) -> Node:
    """An item of a list, which begins with a paragraph."""
    begins_well = bool(blocks) and blocks[0]["type"] == "paragraph"
    return {"type": "listItem", "content": [*([] if begins_well else [paragraph(())]), *blocks]}


def bullet_list(items: Sequence[Node]) -> Node:
    """A bulleted list of at least one ``list_item``."""
    return {"type": "bulletList", "content": list(items)}


def ordered_list(items: Sequence[Node], first: int = 1) -> Node:
    """A numbered list of at least one ``list_item``."""
    attrs = {} if first == 1 else {"attrs": {"order": max(0, first)}}
    return {"type": "orderedList", **attrs, "content": list(items)}


def table(rows: Sequence[Node]) -> Node:
    """A table of at least one ``table_row``."""
    return {"type": "table", "content": list(rows)}


def table_row(cells: Sequence[Node]) -> Node:
    """A row of ``table_cell``."""
    return {"type": "tableRow", "content": list(cells)}


def table_cell(blocks: Sequence[Node], *, header: bool) -> Node:
    """A cell; of nothing it is one empty paragraph."""
    return {"type": "tableHeader" if header else "tableCell", "content": list(blocks) or [paragraph(())]}


def doc(blocks: Sequence[Node]) -> Node:
    """The whole document."""
    return {"version": 1, "type": "doc", "content": list(blocks)}


def plain_text(node: Node) -> str:
    """The words of a node as one line, for comparing documents: Jira adds ids and reorders what it gives back."""
    if node.get("type") == "text":
        return str(node.get("text", ""))
    inner = [plain_text(child) for child in node.get("content", ())]
    inline = node.get("type") in {"paragraph", "heading", "codeBlock"}
    return " ".join(("".join(inner) if inline else " ".join(inner)).split())
