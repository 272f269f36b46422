from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.text import begins_a_word, loose_name, named, one_line, plain_name, same_name, shortened, spellings


def test_a_quote_is_one_short_line() -> None:
    assert shortened("a\nb\x1b[31m") == "a?b?[31m"
    assert shortened("x" * 60) == "x" * 60
    assert shortened("x" * 61) == "x" * 60 + "…"
    assert shortened("x" * 5, most=4) == "xxxx…"
    assert one_line(["\r", 1]) == r"['\r', 1]"


NAMES = st.text(
    alphabet="aAbBßKéE \N{LATIN SMALL LETTER LONG S}\N{LATIN SMALL LETTER DOTLESS I}\N{COMBINING ACUTE ACCENT}",
    max_size=6,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Équipe Café", "E\N{COMBINING ACUTE ACCENT}quipe Cafe\N{COMBINING ACUTE ACCENT}"),
        ("  Padded team ", "Padded team"),
    ],
)
def test_names_are_one_however_an_accent_is_written_and_trimmed(one: str, other: str) -> None:
    assert plain_name(one) == plain_name(other)
    assert named(one, [other, "another"], str) == [other]


@pytest.mark.parametrize(
    ("one", "other"), [("straße", "STRASSE"), ("Équipe", "équipe"), ("Équipe", "Equipe"), ("a b", "ab")]
)
def test_only_ascii_letters_have_another_case(one: str, other: str) -> None:
    assert not same_name(one, other)


@given(wanted=NAMES, others=st.lists(NAMES, max_size=5))
def test_a_name_names_what_is_exactly_so_called_or_else_what_differs_in_ascii_case(
    wanted: str, others: list[str]
) -> None:
    found = named(wanted, others, str)
    exact = [each for each in others if unicodedata.normalize("NFC", each).strip() == plain_name(wanted)]
    assert found == (exact or [each for each in others if same_name(each, wanted)])


@given(one=NAMES, other=NAMES)
def test_what_denies_matches_whatever_may_be_one_name(one: str, other: str) -> None:
    assert not same_name(one, other) or loose_name(one) == loose_name(other)


def test_a_name_with_accents_is_searched_by_what_every_spelling_of_it_has() -> None:
    assert spellings("Padded team ") == ("Padded team",)
    assert spellings("Équipe Café") == ("Équipe Café", "quipe Caf")
    for name in ("かが", "Éa"):  # a single letter would find nearly everything
        assert spellings(name) == (name, unicodedata.normalize("NFD", name))


@pytest.mark.parametrize(
    ("name", "explains"),
    [
        ("vera@acme.example", True),
        ("Mallory (Vera@Acme.Example)", True),
        ("a-vera@acme.example", True),
        ("x vera@acme.example.org", True),
        ("\N{ZERO WIDTH SPACE}vera@acme.example", True),
        ("sevvera@acme.example", False),
        ("Vera Acme", False),
        ("", False),
    ],
)
def test_a_text_begins_a_word_after_whatever_is_no_letter_or_digit(name: str, *, explains: bool) -> None:
    assert begins_a_word("vera@acme.example", name) is explains
