"""A removal of what a claim gave is sent without a look before."""

from __future__ import annotations

from store.migrations.checks import exchange_checks

revision = '0023'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    exchange_checks(
        [
            (
                'operations',
                'ck_operations_before_known',
                "before IN ('present', 'absent')",
                "before IN ('present', 'absent', 'unread')",
            )
        ]
    )
