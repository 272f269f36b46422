"""Wiki text of API version 2 and of webhooks, to and from Atlassian documents: the everyday part of the markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from simulator.jira.issues import Adf

INLINE = re.compile(
    r"\[(?P<label>[^|\]\n]+)\|(?P<href>[^\]\s]+)\]|\[(?P<bare>https?://[^\]\s|]+)\]"
    r"|\{\{(?P<code>[^}\n]+)\}\}|(?<!\w)\*(?P<strong>[^*\n]+)\*(?!\w)|(?<!\w)_(?P<em>[^_\n]+)_(?!\w)"
)
HEADING = re.compile(r"^h([1-6])\.\s+(.*)$")
ITEM = re.compile(r"^([*#])\s+(.*)$")
MARK_SIGNS = {"strong": "*", "em": "_", "strike": "-", "underline": "+"}


def to_document(text: str) -> Adf:
    """Return the document of a wiki text."""
    return {"version": 1, "type": "doc", "content": [] if not text.strip() else _blocks(text)}


def _blocks(text: str) -> list[Adf]:
    blocks: list[Adf] = []
    lines = text.replace("\r\n", "\n").split("\n")
    while lines:
        line = lines.pop(0)
        if line.startswith("{code"):
            body: list[str] = []
            while lines and not lines[0].startswith("{code}"):
                body.append(lines.pop(0))
            del lines[:1]
            content = [{"type": "text", "text": "\n".join(body)}] if any(body) else []
            blocks.append({"type": "codeBlock", "content": content})
        elif heading := HEADING.match(line):
            blocks.append({"type": "heading", "attrs": {"level": int(heading[1])}, "content": _inline(heading[2])})
        elif line.strip() == "----":
            blocks.append({"type": "rule"})
        elif item := ITEM.match(line):
            _add_item(blocks, "bulletList" if item[1] == "*" else "orderedList", item[2])
        elif line.strip():
            paragraph = [line]
            while lines and lines[0].strip() and not (HEADING.match(lines[0]) or ITEM.match(lines[0])):
                paragraph.append(lines.pop(0))
            blocks.append({"type": "paragraph", "content": _inline("\n".join(paragraph))})
        elif blocks and blocks[-1]["type"].endswith("List"):
            blocks.append({"type": "break"})
    return [block for block in blocks if block["type"] != "break"]


def _add_item(blocks: list[Adf], kind: str, text: str) -> None:
    item = {"type": "listItem", "content": [{"type": "paragraph", "content": _inline(text)}]}
    if blocks and blocks[-1]["type"] == kind:
        blocks[-1]["content"].append(item)
    else:
        blocks.append({"type": kind, "content": [item]})


def _inline(text: str) -> list[Adf]:
    nodes: list[Adf] = []
    place = 0
    for found in INLINE.finditer(text):
        nodes += _plain(text[place : found.start()])
        place = found.end()
        if found["href"] or found["bare"]:
            mark: Adf = {"type": "link", "attrs": {"href": found["href"] or found["bare"]}}
        else:
            mark = {"type": found.lastgroup}
        content = next(
            each for each in (found["label"], found["bare"], found["code"], found["strong"], found["em"]) if each
        )
        nodes.append({"type": "text", "text": content, "marks": [mark]})
    return nodes + _plain(text[place:])


def _plain(text: str) -> list[Adf]:
    nodes: list[Adf] = []
    for place, line in enumerate(text.split("\n")):
        if place:
            nodes.append({"type": "hardBreak"})
        if line:
            nodes.append({"type": "text", "text": line})
    return nodes


def to_wiki(document: Any) -> str:
    """Return the wiki text of a document; a string is given back as it is, None as empty."""
    if not isinstance(document, dict):
        return document if isinstance(document, str) else ""
    return "\n\n".join(_wiki_block(block) for block in document.get("content", ()))


def _text_of(node: Adf, join: str = "") -> str:
    return join.join(_wiki_block(child) for child in node.get("content", ()))


def _list(sign: str) -> Callable[[Adf], str]:
    return lambda node: "\n".join(f"{sign} {_text_of(item, chr(10))}" for item in node["content"])


def _wiki_text(node: Adf) -> str:
    text: str = node["text"]
    for mark in node.get("marks", ()):
        sign = MARK_SIGNS.get(mark["type"], "")
        if mark["type"] == "code":
            text = f"{{{{{text}}}}}"
        elif mark["type"] == "link":
            text = f"[{text}|{mark['attrs']['href']}]"
        else:
            text = f"{sign}{text}{sign}"
    return text


def _row(node: Adf) -> str:
    sign = "||" if node["content"] and node["content"][0]["type"] == "tableHeader" else "|"
    return sign + sign.join(_text_of(cell, " ") for cell in node["content"]) + sign


WRITERS: dict[str, Callable[[Adf], str]] = {
    "text": _wiki_text,
    "hardBreak": lambda _: "\n",
    "rule": lambda _: "----",
    "heading": lambda node: f"h{node['attrs']['level']}. {_text_of(node)}",
    "bulletList": _list("*"),
    "orderedList": _list("#"),
    "taskList": _list("*"),
    "codeBlock": lambda node: f"{{code}}\n{_text_of(node)}\n{{code}}",
    "panel": lambda node: f"{{panel}}\n{_text_of(node, chr(10))}\n{{panel}}",
    "blockquote": lambda node: f"{{quote}}\n{_text_of(node, chr(10))}\n{{quote}}",
    "table": lambda node: "\n".join(_row(row) for row in node["content"]),
    "mention": lambda node: f"[~accountid:{node['attrs']['id']}]",
    "inlineCard": lambda node: f"[{node['attrs']['url']}]",
    "status": lambda node: f"*{node['attrs']['text']}*",
    "date": lambda node: str(node["attrs"]["timestamp"]),
}


def _wiki_block(node: Adf) -> str:
    return WRITERS.get(node["type"], _text_of)(node)
