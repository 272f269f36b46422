from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ticketing.markdown_texts import markdown_texts
from tests.ticketing.safe_documents import is_safe
from ticketing.adf import fit, plain_text, to_adf
from ticketing.adf.fitting import size

#: What a description or comment of Jira may have [observed].
LIMIT = 32_767


@pytest.mark.parametrize("over", [0, 1])
def test_a_document_is_cut_only_above_the_limit(over: int) -> None:
    document = to_adf("a" * (LIMIT - size(to_adf("a")) + 1 + over))
    assert size(document) == LIMIT + over
    assert (fit(document) is document) is (over == 0)


def test_a_document_that_fits_is_left_alone() -> None:
    document = to_adf("# a\n\nb")
    assert fit(document) is document


def test_a_long_document_is_cut_to_the_limit_and_says_so() -> None:
    document = fit(to_adf("word " * 20_000))
    compact = json.dumps(document, separators=(",", ":"), ensure_ascii=False)
    assert LIMIT - 200 < len(compact) <= LIMIT
    assert plain_text(document).startswith("word word")
    assert "Shortened" in plain_text(document["content"][-1])


def test_whole_blocks_are_kept_from_the_beginning() -> None:
    document = fit(to_adf("\n\n".join(f"paragraph {number}" for number in range(100))), 1000)
    words = [plain_text(block) for block in document["content"]]
    assert words[:3] == ["paragraph 0", "paragraph 1", "paragraph 2"]


def test_characters_outside_the_first_plane_count_twice() -> None:
    assert size({"type": "text", "text": "\U0001f600"}) == size({"type": "text", "text": "ab"})


def test_a_limit_without_room_for_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 200"):
        fit(to_adf("a" * 500), 50)


@given(markdown_texts.map(lambda text: text * 5), st.integers(200, 1500))
@settings(max_examples=150, deadline=None)
def test_a_shortened_document_is_valid_and_within_its_limit(markdown: str, limit: int) -> None:
    document = fit(to_adf(markdown), limit)
    assert size(document) <= limit
    assert is_safe(document)
