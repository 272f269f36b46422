"""Other people's words: fit to be quoted, and compared as names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from string import ascii_lowercase, ascii_uppercase
from typing import TypeVar

T = TypeVar("T")

_ASCII = re.compile(r"[ -~]+")
_ASCII_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def one_line(text: object) -> str:
    """The text with a question mark for each line break and control character: these could rewrite a terminal or a log."""
    return "".join(char if char.isprintable() else "?" for char in str(text))


def shortened(text: object, *, most: int = 60) -> str:
    """The text on one line, cut after ``most`` characters with an ellipsis: for quotes in errors."""
    line = one_line(str(text)[: most + 1])
    return line if len(line) <= most else f"{line[:most]}…"


def plain_name(name: str) -> str:
    """The name with one way to write an accent (NFC) and no spaces around: two names of one form are one."""
    return unicodedata.normalize("NFC", name).strip()


def ascii_lower(text: str) -> str:
    """The text with its ASCII letters in lower case, and every other letter as it is."""
    return text.translate(_ASCII_LOWER)


def loose_name(name: str) -> str:
    """The form for names that something protects or denies: any case, any compatible letter (NFKC, full case folding).

    It makes more names equal than ``named`` does, and so never decides whom or what somebody means.
    """
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).strip()


def named(wanted: str, things: Iterable[T], *names: Callable[[T], str]) -> list[T]:
    """The things of which one of the ``names`` is ``wanted``: exactly, or else but for the case of ASCII letters.

    One is what is meant; several are not told apart.
    """
    things = list(things)
    for form in (plain_name, _in_any_case):
        if found := [thing for thing in things if form(wanted) in {form(name(thing)) for name in names}]:
            return found
    return []


def same_name(one: str, other: str) -> bool:
    """Whether two names may be one: but for accents, spaces around, and the case of ASCII letters."""
    return _in_any_case(one) == _in_any_case(other)


def spellings(name: str) -> tuple[str, ...]:
    """What to search a name by, in a service that may have other accents in it than we: the name, and its longest ASCII part."""
    plain = plain_name(name)
    longest = max(_ASCII.findall(plain), key=len, default="").strip()
    other = longest if len(longest) > 1 else unicodedata.normalize("NFD", plain)
    return (plain,) if plain.isascii() else (plain, other)


def begins_a_word(text: str, name: str) -> bool:
    """Whether a word of a name begins with the text, in any case. What is no letter or digit ends a word."""
    wanted, name = loose_name(text), loose_name(name)
    start = name.find(wanted) if wanted else -1
    while start >= 0:
        if start == 0 or not name[start - 1].isalnum():
            return True
        start = name.find(wanted, start + 1)
    return False


def _in_any_case(name: str) -> str:
    return ascii_lower(plain_name(name))
