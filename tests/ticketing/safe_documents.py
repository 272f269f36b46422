"""Whether Jira takes a document, which the simulator decides, and whether the document keeps to what every Jira shows."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.jira.adf import is_document
from ticketing.adf.nodes import Node

_SHOWN = {
    *("doc", "paragraph", "heading", "bulletList", "orderedList", "listItem", "blockquote", "codeBlock", "rule"),
    *("table", "tableRow", "tableHeader", "tableCell", "text", "hardBreak"),
}


def is_safe(document: Node) -> bool:
    return is_document(document) and all(
        str(node["type"]) in _SHOWN and (within == "codeBlock" or not {"\n", "\r"} & set(node.get("text", "")))
        for node, within in _nodes(document, "")
    )


def _nodes(node: Node, within: str) -> Iterator[tuple[Node, str]]:
    """Every node, with the type of the node that it stands in."""
    yield node, within
    for child in node.get("content", ()):
        yield from _nodes(child, str(node["type"]))
