"""Faults of our own: counted like failed calls, so that they neither repeat for ever nor lose work in silence."""

from __future__ import annotations

from access.failures import Transient


def fault(exc: Exception) -> Transient:
    """A fault of our own as a failed try. What the exception says may be anybody's data: only its kind is repeated."""
    return Transient(
        f"Provisor itself failed ({type(exc).__name__}).",
        remedy="Read its log, and report the fault to its makers.",
    )
