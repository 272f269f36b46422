"""What a connector is asked about an operation."""

from __future__ import annotations

from access.operations import Operation
from connectors.ports import Target


def target_of(operation: Operation) -> Target:
    """The target of an operation."""
    return Target(
        entitlement=operation.entitlement,
        account_id=operation.account_id,
        email=operation.email,
        products=operation.products,
    )
