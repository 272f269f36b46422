"""How many inputs the long form of a property test tries."""

from __future__ import annotations

import os


def larger(usual: int) -> int:
    """``usual``, or as many as PROVISOR_CASES says: ``make prove-promises`` tries hundreds."""
    return int(os.environ.get("PROVISOR_CASES", usual))
