"""Names that people gave, for comparing."""

from __future__ import annotations


def folded(name: str) -> str:
    """A name for comparing: without regard to case, spacing and the shape of the apostrophe."""
    return " ".join(name.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").casefold().split())
