"""Documents of evidence: JSON in one spelling, with its own digest, so that every byte of a file counts.

A checker that imports nothing of ours can spell it too: members sorted, one space of indentation, ASCII, a line feed at the end.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

#: The member that holds the digest of all others.
DIGEST = "document_sha256"


def spelled(document: Mapping[str, Any]) -> bytes:
    """The document as a file has it."""
    return (json.dumps(document, sort_keys=True, indent=1, ensure_ascii=True) + "\n").encode()


def with_digest(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document with its own digest: over its spelling without that member."""
    return {**document, DIGEST: hashlib.sha256(spelled(document)).hexdigest()}
