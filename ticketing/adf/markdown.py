"""Markdown (CommonMark and tables) to Atlassian Document Format.

What ADF has no place for becomes plain paragraphs: a table in a list item, a heading in a quotation, an image anywhere.
HTML is text. Mentions, cards and the like are never made: no words of a request can call a person or fetch a page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from ticketing.adf import nodes
from ticketing.adf.nodes import Node

_MARKS = {"strong": "strong", "em": "em", "s": "strike"}
_LINKS = re.compile(r"(?:https?://|mailto:)\S", re.IGNORECASE)
_LANGUAGE = re.compile(r"[A-Za-z0-9+#.-]{1,40}")

#: Blocks that may stand in a quotation and in a list item; paragraphs and lists always may.
_NESTED = frozenset({"paragraph", "bulletList", "orderedList", "codeBlock"})


def to_adf(markdown: str) -> Node:
    """The document of this Markdown text. Takes any text; never raises."""
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    tree = SyntaxTreeNode(parser.parse(nodes.clean(markdown)))
    return nodes.doc(_blocks(tree.children))


def _blocks(children: Iterable[SyntaxTreeNode]) -> list[Node]:
    return [block for child in children for block in _block(child)]


def _block(tree: SyntaxTreeNode) -> list[Node]:
    make = _BLOCKS.get(tree.type)
    if make is not None:
        return [make(tree)]
    return [nodes.paragraph(nodes.text(tree.content))] if tree.content else _blocks(tree.children)


def _code(tree: SyntaxTreeNode) -> Node:
    named = _LANGUAGE.match(tree.info.strip())
    return nodes.code_block(tree.content.removesuffix("\n"), named.group() if named else "")


def _heading(tree: SyntaxTreeNode) -> Node:
    return nodes.heading(int(tree.tag[1:]), _inline(tree))


def _quotation(tree: SyntaxTreeNode) -> Node:
    return nodes.blockquote(_nested(tree.children))


def _list(tree: SyntaxTreeNode) -> Node:
    items = [nodes.list_item(_nested(item.children)) for item in tree.children]
    if tree.type == "bullet_list":
        return nodes.bullet_list(items)
    return nodes.ordered_list(items, int(tree.attrs.get("start", 1)))


def _table(tree: SyntaxTreeNode) -> Node:
    rows = [row for part in tree.children for row in part.children]
    return nodes.table([nodes.table_row([_cell(cell) for cell in row.children]) for row in rows])


def _cell(tree: SyntaxTreeNode) -> Node:
    return nodes.table_cell([nodes.paragraph(_inline(tree))], header=tree.type == "th")


_BLOCKS: dict[str, Callable[[SyntaxTreeNode], Node]] = {
    "paragraph": lambda tree: nodes.paragraph(_inline(tree)),
    "heading": _heading,
    "fence": _code,
    "code_block": _code,
    "hr": lambda _: nodes.rule(),
    "blockquote": _quotation,
    "bullet_list": _list,
    "ordered_list": _list,
    "table": _table,
}


def _nested(children: Iterable[SyntaxTreeNode]) -> list[Node]:
    return [plain for block in _blocks(children) for plain in _flattened(block)]


def _flattened(block: Node) -> list[Node]:
    """The block itself where it may be nested, else the paragraphs that say the same."""
    kind = block["type"]
    if kind in _NESTED:
        return [block]
    if kind == "blockquote":
        return list(block["content"])
    if kind == "heading":
        return [nodes.paragraph(block["content"])]
    if kind == "table":
        return [_row_as_paragraph(row) for row in block["content"]]
    return []


def _row_as_paragraph(row: Node) -> Node:
    inline: list[Node] = []
    for number, cell in enumerate(row["content"]):
        inline += [*(nodes.text(" | ") if number else ()), *cell["content"][0]["content"]]
    return nodes.paragraph(inline)


def _inline(tree: SyntaxTreeNode) -> list[Node]:
    return nodes.joined(node for child in tree.children for node in _span(child, ()))


def _span(tree: SyntaxTreeNode, marks: Sequence[Node]) -> list[Node]:
    make = _SPANS.get(tree.type)
    if make is not None:
        return make(tree, marks)
    if tree.type in _MARKS:
        marks = [*marks, nodes.mark(_MARKS[tree.type])]
    return _words(tree, marks) if tree.children else nodes.text(tree.content, marks)


def _words(tree: SyntaxTreeNode, marks: Sequence[Node]) -> list[Node]:
    return [node for child in tree.children for node in _span(child, marks)]


def _link(tree: SyntaxTreeNode, marks: Sequence[Node]) -> list[Node]:
    """The words of a link or image, linked when the address is one that Jira takes from anybody; the address if wordless."""
    href = str(tree.attrs.get("href" if tree.type == "link" else "src", ""))
    linked = [*marks, nodes.mark("link", href=href)] if _LINKS.match(href) else marks
    return _words(tree, linked) or nodes.text(href, linked)


_SPANS: dict[str, Callable[[SyntaxTreeNode, Sequence[Node]], list[Node]]] = {
    "softbreak": lambda _, marks: nodes.text(" ", marks),
    "hardbreak": lambda _tree, _marks: [nodes.hard_break()],
    "code_inline": lambda tree, marks: nodes.text(tree.content, [*marks, nodes.mark("code")]),
    "image": _link,
    "link": _link,
}
