"""How many inputs the long form of a property test tries."""

from __future__ import annotations

import os


def larger(usual: int, *, share: float = 1.0) -> int:
    """``usual``, or that ``share`` of as many as PROVISOR_CASES says: ``make prove-promises`` tries hundreds of each kind."""
    asked = os.environ.get("PROVISOR_CASES")
    return usual if asked is None else max(1, round(share * int(asked)))
