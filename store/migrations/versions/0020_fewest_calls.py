"""A removal of what a claim gave is sent without a look before, and the rate of a budget is found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables
from store.migrations.checks import exchange_checks

revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('budgets', sa.Column('rate', sa.Float(), nullable=True))
    op.add_column('budgets', sa.Column('rate_since', store.tables.Moment(timezone=True), nullable=True))
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


def downgrade() -> None:
    op.execute("UPDATE operations SET before = NULL WHERE before = 'unread'")
    exchange_checks(
        [
            (
                'operations',
                'ck_operations_before_known',
                "before IN ('present', 'absent', 'unread')",
                "before IN ('present', 'absent')",
            )
        ]
    )
    op.drop_column('budgets', 'rate_since')
    op.drop_column('budgets', 'rate')
