import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from simulator.jira.adf import is_document
from simulator.jira.wiki import to_document, to_wiki

SCHEMA = Path(__file__).parents[3] / "shared" / "contracts" / "adf-schema.json"

Node = dict[str, Any]


def doc(*content: Node) -> Node:
    return {"version": 1, "type": "doc", "content": list(content)}


def text(value: str, *marks: Node) -> Node:
    return {"type": "text", "text": value, **({"marks": list(marks)} if marks else {})}


def node(kind: str, *content: Node, **attrs: Any) -> Node:
    return {"type": kind, **({"attrs": attrs} if attrs else {}), **({"content": list(content)} if content else {})}


LINK = {"type": "link", "attrs": {"href": "https://example.com"}}
PARAGRAPH = node("paragraph", text("x"))
ITEM = node("listItem", PARAGRAPH)

GOOD = {
    "empty": doc(),
    "empty paragraph": doc({"type": "paragraph"}, {"type": "paragraph", "content": []}),
    "marks": doc(node("paragraph", text("a", {"type": "strong"}, LINK), text("b", {"type": "code"}, LINK))),
    "inline": doc(
        node(
            "paragraph",
            {"type": "hardBreak"},
            node("mention", id="712020:x", text="@x"),
            node("inlineCard", url="https://example.com"),
            node("status", text="OPEN", color="blue"),
            node("date", timestamp="1700000000000"),
        )
    ),
    "lists": doc(
        node("bulletList", node("listItem", PARAGRAPH, node("orderedList", ITEM))),
        node("orderedList", ITEM, order=3),
        node("taskList", node("taskItem", text("do"), localId="2", state="TODO"), localId="1"),
    ),
    "table": doc(
        node(
            "table",
            node("tableRow", node("tableHeader", PARAGRAPH), node("tableHeader", PARAGRAPH)),
            node("tableRow", node("tableCell", PARAGRAPH, colspan=2)),
        )
    ),
    "blocks": doc(
        node("heading", text("T"), level=2),
        node("panel", PARAGRAPH, panelType="info"),
        node("codeBlock", text("x = 1\n"), language="python"),
        node("blockquote", PARAGRAPH),
        {"type": "rule"},
        node("expand", PARAGRAPH, title="more"),
    ),
}
BAD = {
    "no version": {"type": "doc", "content": []},
    "no content": {"version": 1, "type": "doc"},
    "other version": {"version": 2, "type": "doc", "content": []},
    "extra member": {"version": 1, "type": "doc", "content": [], "extra": 1},
    "bare inline": doc(text("x")),
    "empty text": doc(node("paragraph", text(""))),
    "block in a paragraph": doc(node("paragraph", PARAGRAPH)),
    "unknown node": doc(node("marquee", text("x"))),
    "unknown member": doc({"type": "paragraph", "content": [], "style": "x"}),
    "unknown attribute": doc(node("heading", text("x"), level=1, colour="red")),
    "heading without level": doc(node("heading", text("x"))),
    "heading 7": doc(node("heading", text("x"), level=7)),
    "empty list": doc({"type": "bulletList", "content": []}),
    "list of paragraphs": doc(node("bulletList", PARAGRAPH)),
    "panel of no kind": doc(node("panel", PARAGRAPH)),
    "unknown panel": doc(node("panel", PARAGRAPH, panelType="loud")),
    "marked code block": doc(node("codeBlock", text("x", {"type": "strong"}))),
    "unknown mark": doc(node("paragraph", text("x", {"type": "blink"}))),
    "link to nowhere": doc(node("paragraph", text("x", {"type": "link", "attrs": {}}))),
    "strong code": doc(node("paragraph", text("x", {"type": "code"}, {"type": "strong"}))),
    "mention of nobody": doc(node("paragraph", node("mention", text="@x"))),
    "grey status": doc(node("paragraph", node("status", text="x", color="grey"))),
    "task without id": doc(node("taskList", node("taskItem", text("x"), state="TODO"), localId="1")),
    "no row": doc(node("table")),
    "a list": [],
    "a text": "text",
}


@pytest.mark.parametrize("name", GOOD)
def test_documents_of_the_safe_nodes_are_taken(name: str) -> None:
    assert is_document(GOOD[name])


@pytest.mark.parametrize("name", BAD)
def test_malformed_documents_are_refused(name: str) -> None:
    assert not is_document(BAD[name])


def test_the_published_schema_agrees() -> None:
    if not SCHEMA.exists():
        assert os.environ.get("PROVISOR_REQUIRE_SHARED") != "1", f"{SCHEMA} is missing"
        pytest.skip("the contracts are not here")
    validator = jsonschema.Draft4Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert [name for name, document in GOOD.items() if not validator.is_valid(document)] == []
    assert [name for name, document in BAD.items() if validator.is_valid(document)] == []


@pytest.mark.parametrize(
    "wiki",
    [
        "one\n\ntwo",
        "h2. Title\n\nsome *strong* and _soft_ words",
        "* a\n* b",
        "# a\n# b",
        "[here|https://example.com/x]",
        "{code}\nx = 1\n{code}",
        "first\nsecond",
        "",
    ],
)
def test_wiki_text_goes_to_a_good_document_and_back(wiki: str) -> None:
    document = to_document(wiki)
    assert is_document(document)
    assert to_wiki(document) == wiki


@pytest.mark.parametrize("name", GOOD)
def test_every_good_document_has_wiki_text(name: str) -> None:
    assert isinstance(to_wiki(GOOD[name]), str)
