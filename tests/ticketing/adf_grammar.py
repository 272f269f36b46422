"""Whether a document keeps to the nodes that every Jira takes: what may stand in what, and with which attributes.

Narrower than Atlassian's published schema, so that a document is checked where that is missing too.
"""

from __future__ import annotations

from collections.abc import Iterator

from ticketing.adf.nodes import Node

_BLOCKS = frozenset(
    {"paragraph", "heading", "bulletList", "orderedList", "table", "codeBlock", "blockquote", "rule", "panel"}
)
_NESTED = frozenset({"paragraph", "bulletList", "orderedList", "codeBlock"})
_INLINE = frozenset({"text", "hardBreak"})
_ITEM = frozenset({"listItem"})
_CELL_BLOCKS = _BLOCKS - {"table"}

#: What may stand in a node; and whether it must not be empty.
_CONTENT: dict[str, tuple[frozenset[str], bool]] = {
    "doc": (_BLOCKS, False),
    "paragraph": (_INLINE, False),
    "heading": (_INLINE, False),
    "bulletList": (_ITEM, True),
    "orderedList": (_ITEM, True),
    "listItem": (_NESTED, True),
    "blockquote": (_NESTED, True),
    "panel": (_NESTED | {"heading", "rule"}, True),
    "table": (frozenset({"tableRow"}), True),
    "tableRow": (frozenset({"tableHeader", "tableCell"}), True),
    "tableHeader": (_CELL_BLOCKS, True),
    "tableCell": (_CELL_BLOCKS, True),
    "codeBlock": (frozenset({"text"}), False),
}
_ATTRS = {
    "heading": {"level"},
    "orderedList": {"order"},
    "codeBlock": {"language"},
    "panel": {"panelType"},
    "link": {"href"},
}
_MARKS = frozenset({"strong", "em", "strike", "code", "link"})


def problems(node: Node, where: str = "") -> Iterator[str]:
    """What is wrong with a document, in words with the place; nothing when Jira will take it."""
    kind = str(node.get("type"))
    here = f"{where}/{kind}"
    members = {"type", "attrs"} | {"doc": {"version"}, "text": {"text", "marks"}}.get(kind, set())
    if kind in _CONTENT:
        members.add("content")
    if unknown := set(node) - members:
        yield f"{here}: unknown {sorted(unknown)}"
    if unknown := set(node.get("attrs", {})) - _ATTRS.get(kind, set()):
        yield f"{here}: unknown attributes {sorted(unknown)}"
    if kind == "doc" and node.get("version") != 1:
        yield f"{here}: version is not 1"
    if kind == "text":
        yield from _text_problems(node, here, code=where.endswith("/codeBlock"))
    yield from _content_problems(node, kind, here)


def _content_problems(node: Node, kind: str, here: str) -> Iterator[str]:
    allowed, needed = _CONTENT.get(kind, (frozenset(), False))
    content = node.get("content", [])
    if needed and not content:
        yield f"{here}: empty"
    if kind == "listItem" and content and content[0].get("type") != "paragraph":
        yield f"{here}: does not begin with a paragraph"
    if kind == "heading" and node.get("attrs", {}).get("level") not in range(1, 7):
        yield f"{here}: level is not 1 to 6"
    for child in content:
        if child.get("type") not in allowed:
            yield f"{here}: holds a {child.get('type')}"
        yield from problems(child, here)


def _text_problems(node: Node, here: str, *, code: bool) -> Iterator[str]:
    value = node.get("text")
    if not isinstance(value, str) or not value:
        yield f"{here}: empty"
    elif not code and ("\n" in value or "\r" in value):
        yield f"{here}: holds a line break"
    kinds = [str(mark.get("type")) for mark in node.get("marks", ())]
    if code and kinds:
        yield f"{here}: marks in a code block"
    if unknown := set(kinds) - _MARKS:
        yield f"{here}: unknown marks {sorted(unknown)}"
    if len(kinds) != len(set(kinds)):
        yield f"{here}: a mark twice"
    if "code" in kinds and set(kinds) - {"code", "link"}:
        yield f"{here}: code together with other marks"
    for mark in node.get("marks", ()):
        expected = _ATTRS.get(str(mark.get("type")), set())
        if set(mark.get("attrs", {})) != expected:
            yield f"{here}: a mark {mark.get('type')} with the wrong attributes"
