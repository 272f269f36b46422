import pytest

from access.text import normalized_name, one_line, shortened


def test_a_quote_is_one_short_line() -> None:
    assert shortened("a\nb\x1b[31m") == "a?b?[31m"
    assert shortened("x" * 60) == "x" * 60
    assert shortened("x" * 61) == "x" * 60 + "…"
    assert shortened("x" * 5, most=4) == "xxxx…"
    assert one_line(["\r", 1]) == r"['\r', 1]"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Équipe Café", "e\N{COMBINING ACUTE ACCENT}quipe cafe\N{COMBINING ACUTE ACCENT}"),
        ("  Padded team ", "padded team"),
        ("ΟΔΟΣ", "οδος"),
    ],
)
def test_names_are_equal_in_any_case_however_an_accent_is_written_and_trimmed(one: str, other: str) -> None:
    assert normalized_name(one) == normalized_name(other)


def test_names_that_look_different_are_different() -> None:
    assert normalized_name("Équipe") != normalized_name("Equipe")
    assert normalized_name("a b") != normalized_name("ab")
