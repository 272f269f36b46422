"""Other people's words: fit to be quoted, and compared as names."""

from __future__ import annotations

import unicodedata


def one_line(text: object) -> str:
    """The text with a question mark for each line break and control character: these could rewrite a terminal or a log."""
    return "".join(char if char.isprintable() else "?" for char in str(text))


def shortened(text: object, *, most: int = 60) -> str:
    """The text on one line, cut after ``most`` characters with an ellipsis: for quotes in errors."""
    line = one_line(str(text)[: most + 1])
    return line if len(line) <= most else f"{line[:most]}…"


def normalized_name(name: str) -> str:
    """The form in which names of groups, projects, roles and fields are equal.

    One case, one way to write an accent (canonical caseless match, Unicode Standard, section 3.13), no spaces around.
    Not for email addresses, which ``access.email_address`` compares: there ``ß`` and ``ss`` are two people.
    """
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).strip()
