"""Shortening of documents to the length Jira takes."""

from __future__ import annotations

import json

from ticketing.adf import nodes
from ticketing.adf.nodes import Node

#: Characters of a description or comment. What Jira counts is not published; the compact JSON is the careful side [assumed].
LIMIT = 32_767

#: Nodes that Jira refuses without content [spec].
_NEVER_EMPTY = frozenset(
    {"blockquote", "bulletList", "orderedList", "listItem", "table", "tableRow", "tableHeader", "tableCell"}
)


def size(node: Node) -> int:
    """The length of the node as compact JSON, in UTF-16 units, which is how Java counts characters."""
    compact = json.dumps(node, separators=(",", ":"), ensure_ascii=False)
    return len(compact.encode("utf-16-le", "surrogatepass")) // 2


def fit(doc: Node, limit: int = LIMIT) -> Node:
    """The document within ``limit``: itself when it fits, else its beginning, with a last paragraph that says so.

    Raises ``ValueError`` when ``limit`` has no room even for that paragraph.
    """
    if size(doc) <= limit:
        return doc
    notice = nodes.paragraph(
        nodes.text(f"[Shortened: the whole text is longer than the {limit:,} characters Jira takes.]")
    )
    budget = limit - size(notice) - 1
    shortened = _cut(doc, budget) if budget >= size(nodes.doc(())) else None
    if shortened is None:
        raise ValueError(f"A document cannot be shortened to {limit} characters. Use a limit of at least 200.")
    return nodes.doc([*shortened["content"], notice])


def _cut(node: Node, budget: int) -> Node | None:
    """As much of the beginning of a node as fits, or None when nothing of it does."""
    if size(node) <= budget:
        return node
    if node["type"] == "text":
        return _cut_text(node, budget)
    if "content" not in node:
        return None
    budget -= size({**node, "content": []})
    kept: list[Node] = []
    for child in node["content"]:
        part = _cut(child, budget)
        if part is not None:
            kept.append(part)
            budget -= size(part) + 1
        if part is not child:
            break
    # After a child that was kept, one comma too many is counted.
    if budget < (-1 if kept else 0) or (not kept and node["type"] in _NEVER_EMPTY):
        return None
    return {**node, "content": kept}


def _cut_text(node: Node, budget: int) -> Node | None:
    value: str = node["text"]
    low, high = 0, len(value)
    while low < high:
        middle = (low + high + 1) // 2
        if size({**node, "text": value[:middle]}) <= budget:
            low = middle
        else:
            high = middle - 1
    return {**node, "text": value[:low]} if low else None
