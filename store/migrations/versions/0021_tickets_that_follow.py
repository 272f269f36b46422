"""What tickets show of what may change, and by when they are to be done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)


def upgrade() -> None:
    op.add_column('tickets', sa.Column('due_on', sa.Date(), nullable=True))
    op.add_column('tickets', sa.Column('overdue_at', _MOMENT, nullable=True))
    op.add_column('tickets', sa.Column('unmapped', sa.Text(), nullable=True))
    op.add_column('tickets', sa.Column('shown', sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    for column in ('shown', 'unmapped', 'overdue_at', 'due_on'):
        op.drop_column('tickets', column)
