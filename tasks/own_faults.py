"""Failures that arise within Provisor, not in a system."""

from __future__ import annotations

from access.failures import Transient


class OwnFault(Transient):
    """A mistake of our own kept the attempt from ending. It holds the one piece of work that met it."""


class Race(OwnFault):
    """Another worker was at the same access in the same moment: no mistake, and over soon."""


def own_fault(exc: Exception) -> OwnFault:
    """A mistake of ours as a failure. The exception's own text may hold anybody's data, so only its type is repeated."""
    return OwnFault(
        f"Provisor itself failed ({type(exc).__name__}).",
        remedy="Read its log, and report the fault to its makers.",
    )
