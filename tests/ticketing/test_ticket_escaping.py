from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from tests.ticketing.markdown_texts import markdown_texts
from ticketing.adf import Node, to_adf
from ticketing.escaping import code, escaped, link, moment, quotation

HOSTILE = [
    "**bold**",
    "[click](http://evil.example)",
    "<http://evil.example>",
    "![x](http://evil.example/p.png)",
    "# heading",
    "- item",
    "1. item",
    "> quote",
    "`code`",
    "a | b",
    "---",
    "&lt;b&gt;",
    "line one\n\n# line two",
    "back\\",
    "~~gone~~",
    "@ada [~accountid:1]",
]


def inline(document: Node) -> list[Node]:
    (block,) = document["content"]
    assert block["type"] == "paragraph"
    return list(block["content"])


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_shows_as_it_is_and_makes_no_markup(value: str) -> None:
    assert inline(to_adf(f"Name: {escaped(value)}!")) == [{"type": "text", "text": f"Name: {' '.join(value.split())}!"}]


@given(markdown_texts)
@settings(max_examples=150, deadline=None)
def test_no_value_whatever_makes_markup_or_lines(value: str) -> None:
    nodes = inline(to_adf(f"a {escaped(value)} b"))
    assert [node["type"] for node in nodes] == ["text"]
    assert "marks" not in nodes[0]


@pytest.mark.parametrize("value", HOSTILE)
def test_a_value_at_the_beginning_of_a_line_begins_no_block(value: str) -> None:
    assert inline(to_adf(escaped(value)))[0]["text"] == " ".join(value.split())


@given(markdown_texts)
@settings(max_examples=100, deadline=None)
def test_code_holds_any_value_in_one_piece(value: str) -> None:
    nodes = inline(to_adf(f"a {code(value)} b"))
    assert [node.get("marks", []) for node in nodes] in ([[], [{"type": "code"}], []], [[]])


@given(markdown_texts)
@settings(max_examples=100, deadline=None)
def test_a_quotation_holds_every_line_of_a_value_and_nothing_gets_out(value: str) -> None:
    document = to_adf(f"before\n\n{quotation(value)}\n\nafter")
    assert [block["type"] for block in document["content"]] == ["paragraph", "blockquote", "paragraph"]
    assert "marks" not in str(document)


def test_a_value_cannot_turn_the_direction_of_the_text() -> None:
    assert escaped("a\u202eb") == "ab"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "http://x>y", "http://x y", "", None, "http://x\n# y"])
def test_a_link_is_made_only_of_an_address_that_a_browser_opens(address: str | None) -> None:
    assert "link" not in str(to_adf(link(address, "words")))


def test_the_words_of_a_link_cannot_change_where_it_goes() -> None:
    (node,) = inline(to_adf(link("https://good.example/a_b", "x](http://evil.example)")))
    assert node == {
        "type": "text",
        "text": "x](http://evil.example)",
        "marks": [{"type": "link", "attrs": {"href": "https://good.example/a_b"}}],
    }


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "2026-07-01 12:00 UTC"),
        ("Europe/Berlin", "2026-07-01 14:00 CEST (2026-07-01 12:00 UTC)"),
        ("Pacific/Kiritimati", "2026-07-02 02:00 +14 (2026-07-01 12:00 UTC)"),
    ],
)
def test_a_moment_is_shown_with_its_zone_and_in_utc(zone: str, shown: str) -> None:
    assert inline(to_adf(moment(datetime(2026, 7, 1, 12, tzinfo=UTC), zone))) == [{"type": "text", "text": shown}]
