from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from tests.ticketing.markdown_texts import markdown_texts
from tests.ticketing.safe_documents import is_safe
from ticketing.adf import Node, fit, plain_text, to_adf


def text(value: str, *marks: Node) -> Node:
    return {"type": "text", "text": value, **({"marks": list(marks)} if marks else {})}


def paragraph(*inline: Node) -> Node:
    return {"type": "paragraph", "content": list(inline)}


STRONG, EM, CODE, STRIKE = ({"type": kind} for kind in ("strong", "em", "code", "strike"))
LINK = {"type": "link", "attrs": {"href": "https://x.y/z"}}


@pytest.mark.parametrize(
    ("markdown", "blocks"),
    [
        ("", []),
        ("a\nb", [paragraph(text("a b"))]),
        ("a  \nb", [paragraph(text("a"), {"type": "hardBreak"}, text("b"))]),
        ("**a** *b* ~~c~~", [paragraph(text("a", STRONG), text(" "), text("b", EM), text(" "), text("c", STRIKE))]),
        ("**a *b***", [paragraph(text("a ", STRONG), text("b", STRONG, EM))]),
        ("[a](https://x.y/z)", [paragraph(text("a", LINK))]),
        ("## t", [{"type": "heading", "attrs": {"level": 2}, "content": [text("t")]}]),
        ("---", [{"type": "rule"}]),
        (
            "```python x\na\n\nb\n```",
            [{"type": "codeBlock", "attrs": {"language": "python"}, "content": [text("a\n\nb")]}],
        ),
        ("```\n```", [{"type": "codeBlock", "content": []}]),
        ("- a", [{"type": "bulletList", "content": [{"type": "listItem", "content": [paragraph(text("a"))]}]}]),
        (
            "3. a",
            [
                {
                    "type": "orderedList",
                    "attrs": {"order": 3},
                    "content": [{"type": "listItem", "content": [paragraph(text("a"))]}],
                }
            ],
        ),
        ("> a", [{"type": "blockquote", "content": [paragraph(text("a"))]}]),
        (
            "|h|\n|-|\n|c|",
            [
                {
                    "type": "table",
                    "content": [
                        {"type": "tableRow", "content": [{"type": "tableHeader", "content": [paragraph(text("h"))]}]},
                        {"type": "tableRow", "content": [{"type": "tableCell", "content": [paragraph(text("c"))]}]},
                    ],
                }
            ],
        ),
    ],
)
def test_markdown_becomes_the_node_of_the_same_meaning(markdown: str, blocks: list[Node]) -> None:
    assert to_adf(markdown) == {"version": 1, "type": "doc", "content": blocks}


def test_code_keeps_a_link_and_loses_every_other_mark() -> None:
    assert to_adf("**[`a`](https://x.y/z)**")["content"] == [paragraph(text("a", LINK, CODE))]


@pytest.mark.parametrize("href", ["javascript:alert(1)", "/relative", "//host", "ftp://x", "#top", "data:text/html,x"])
def test_only_web_and_mail_addresses_are_links(href: str) -> None:
    assert "link" not in str(to_adf(f"[a]({href})"))


def test_an_image_is_a_link_to_it_and_never_fetched() -> None:
    assert to_adf("![a](https://x.y/z)")["content"] == [paragraph(text("a", LINK))]


def test_html_is_text() -> None:
    assert to_adf("a <b>c</b>")["content"] == [paragraph(text("a <b>c</b>"))]


@pytest.mark.parametrize("markdown", ["- # t", "> # t", "- > t", "> > t", "-\n  |t|\n  |-|\n  |u|", "> ---\n> t"])
def test_what_may_not_be_nested_becomes_paragraphs_and_keeps_its_words(markdown: str) -> None:
    document = to_adf(markdown)
    assert is_safe(document)
    assert "t" in plain_text(document)


@given(markdown_texts)
@settings(max_examples=150, deadline=None)
def test_any_text_becomes_a_document_of_safe_nodes(markdown: str) -> None:
    assert is_safe(to_adf(markdown))


@given(markdown=markdown_texts)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_becomes_a_document_that_the_published_schema_takes(
    published_adf_schema: dict[str, Any], markdown: str
) -> None:
    validator = jsonschema.Draft4Validator(published_adf_schema)
    document = to_adf(markdown)
    assert list(validator.iter_errors(document)) == []
    assert list(validator.iter_errors(fit(document, 300))) == []


@pytest.mark.parametrize("inline", [text("a\nb"), text(""), {"type": "mention", "attrs": {"id": "1"}}])
def test_the_check_of_these_tests_refuses_what_some_jira_would_not_show(inline: Node) -> None:
    assert not is_safe({"version": 1, "type": "doc", "content": [paragraph(inline)]})
