"""Markdown pages, as far as the rules read them: headings, links, and what stands in code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^\s*(```|~~~)")
_INLINE = re.compile(r"(`+)(.+?)\1")
_LINK = re.compile(r"\[[^\]]*\]\(([^()\s]+(?:\([^()]*\)[^()\s]*)?)(?:\s+\"[^\"]*\")?\)")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*$")
_NO_PART_OF_AN_ANCHOR = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page, with the language of the block of code that it stands in, or None when it is prose."""

    number: int
    text: str
    code: str | None


def lines(page: str) -> Iterator[Line]:
    """The lines of a page without the fences themselves."""
    code: str | None = None
    for number, text in enumerate(page.splitlines(), start=1):
        if fence := _FENCE.match(text):
            code = None if code is not None else text[fence.end() :].strip()
        else:
            yield Line(number, text, code)


def links(page: str) -> Iterator[tuple[int, str]]:
    """Where each link leads, with its line."""
    for line in lines(page):
        if line.code is None:
            for found in _LINK.finditer(_INLINE.sub("", line.text)):
                yield line.number, found[1]


def code(page: str) -> Iterator[tuple[int, str]]:
    """Each line of a block of code and each word of code in prose, with its line."""
    for line in lines(page):
        if line.code is not None:
            yield line.number, line.text.strip()
        else:
            for found in _INLINE.finditer(line.text):
                yield line.number, found[2].strip()


def anchors(page: str) -> frozenset[str]:
    """What a link can point to within the page, made as the usual hosts of Markdown make it."""
    found: dict[str, int] = {}
    for line in lines(page):
        if line.code is None and (heading := _HEADING.match(line.text)):
            plain = _NO_PART_OF_AN_ANCHOR.sub("", heading[1].lower()).replace(" ", "-")
            seen = found.get(plain, -1) + 1
            found[plain] = seen
            if seen:
                found[f"{plain}-{seen}"] = 0
    return frozenset(found)
