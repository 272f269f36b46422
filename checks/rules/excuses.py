"""A check that is switched off on a line is named there, with the reason: ``noqa: CODE - why``, ``type: ignore[code] # why``."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

from checks.tree import Finding, Tree

_REASON = r"\s*(?:--?|#)\s*\S.{3,}"
_FORMS = {
    "noqa": re.compile(rf"#\s*noqa:\s*[A-Z]+[0-9]+(?:,\s*[A-Z]+[0-9]+)*{_REASON}", re.IGNORECASE),
    "type: ignore": re.compile(rf"#\s*type:\s*ignore\[[\w,\s-]+\]{_REASON}"),
}
_BEGINS = {"noqa": re.compile(r"#\s*noqa\b", re.IGNORECASE), "type: ignore": re.compile(r"#\s*type:\s*ignore\b")}


def findings(tree: Tree) -> Iterator[Finding]:
    """Checks that are switched off without a code or without a reason."""
    for path in tree.ending(".py"):
        text = tree.read(path)
        if not any(begins.search(text) for begins in _BEGINS.values()):
            continue
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type != tokenize.COMMENT:
                continue
            for kind, begins in _BEGINS.items():
                if (found := begins.search(token.string)) and not _FORMS[kind].match(token.string, found.start()):
                    yield Finding(path, f"'{kind}' without its code or without a reason; write both.", token.start[0])
