"""Patterns over the written form of entitlements: ``*`` and ``?``, which also stand for colons. A bracket is a bracket."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from access.entitlements import RIGHTS
from access.text import ascii_lower, loose_name, plain_name

_WILDCARDS = "*?"
_RIGHTS = frozenset(right for right, _ in RIGHTS.values())


def matches(pattern: str, written: str) -> bool:
    """Whether the pattern matches: names as they are, but for accents and spaces around them."""
    return _matches(plain_form(pattern), plain_form(written))


def matches_loosely(pattern: str, written: str) -> bool:
    """Whether the pattern matches as it is, in any case, or for any compatible letter: for what denies or protects.

    Without case a letter may be two (``ß``), which a ``?`` does not match any more.
    """
    return matches(pattern, written) or _matches(_loose(pattern), _loose(written))


def spelled_like(pattern: str, written: str) -> str | None:
    """The written form with its names in the case of the pattern, where only the case of ASCII letters keeps it from matching.

    None where more keeps it from that, or nothing. Only names without a wildcard may have another case.
    """
    if not _matches(ascii_lower(plain_form(pattern)), ascii_lower(plain_form(written))):
        return None
    names, spelled = written.split(":"), pattern.split(":")
    literal = [part for part in spelled if not set(part) & set(_WILDCARDS)]
    whole = len(spelled) == len(names)
    aligned = spelled if whole else spelled[: next((i for i, part in enumerate(spelled) if part not in literal), 0)]
    parts = [
        theirs if theirs in literal and ascii_lower(plain_name(theirs)) == ascii_lower(plain_name(name)) else name
        for theirs, name in zip(aligned, names, strict=False)
    ] + names[len(aligned) :]
    other = ":".join(parts)
    return other if not matches(pattern, written) and matches(pattern, other) else None


def matches_text(pattern: str, text: str) -> bool:
    """Whether a pattern over any other text matches all of it, as it is."""
    return _matches(pattern, text)


def may_overlap(one: str, other: str) -> bool:
    """Whether some entitlement may match both patterns, in any case."""
    a, b = loose_name(one), loose_name(other)
    seen, left = set(), [(0, 0)]
    while left:
        i, j = left.pop()
        if (i, j) in seen or i > len(a) or j > len(b):
            continue
        seen.add((i, j))
        mine, theirs = a[i : i + 1], b[j : j + 1]
        if "*" in (mine, theirs):  # A star stands for nothing, or for the next character of the other.
            left += [(i + 1, j), (i, j + 1)]
        elif mine and theirs and (mine == theirs or "?" in (mine, theirs)):
            left.append((i + 1, j + 1))
    return (len(a), len(b)) in seen


@lru_cache(maxsize=4096)
def plain_form(written: str) -> str:
    """A pattern or a written form as it is matched: each name in its plain form, each word of ours in lower case."""
    parts = [plain_name(part) for part in written.split(":")]
    words = [ascii_lower(part) for part in parts]
    parts[:2] = words[:2]  # System and kind are words, and no names.
    if words[-1] in _RIGHTS:
        parts[-1] = words[-1]
    return ":".join(parts)


@lru_cache(maxsize=4096)
def _loose(written: str) -> str:
    return ":".join(map(loose_name, written.split(":")))


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    wild = {"*": ".*", "?": "."}
    return re.compile("".join(wild.get(char) or re.escape(char) for char in pattern), re.DOTALL)


def _matches(pattern: str, written: str) -> bool:
    return _compiled(pattern).fullmatch(written) is not None
