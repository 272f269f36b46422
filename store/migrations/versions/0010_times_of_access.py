"""Access that is extended, begins later, or lasts until an issue is closed; and when an open ticket's access was looked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)
_EXTENSIONS = sa.text("action = 'extend' AND state IN ('received', 'planned')")
_EXTENDED = sa.text('first_request_id IS NOT NULL')


def upgrade() -> None:
    op.add_column('requests', sa.Column('starts_at', _MOMENT, nullable=True))
    op.create_index(
        'ix_requests_extensions',
        'requests',
        ['entitlement'],
        sqlite_where=_EXTENSIONS,
        postgresql_where=_EXTENSIONS,
    )
    for name in ('follows', 'first_request_id', 'until_issue'):
        op.add_column('claims', sa.Column(name, sa.Text(), nullable=True))
    op.add_column('claims', sa.Column('cut_short', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_index('uq_claims_follows', 'claims', ['follows'], unique=True)
    op.create_index(
        'ix_claims_first_request_id',
        'claims',
        ['first_request_id'],
        sqlite_where=_EXTENDED,
        postgresql_where=_EXTENDED,
    )
    op.add_column('tickets', sa.Column('looked_at', _MOMENT, nullable=True))
    op.create_table(
        'awaited_issues',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('issue_key', sa.Text(), nullable=False),
        sa.Column('error', sa.Text(), nullable=True),
        sa.Column('due_at', _MOMENT, nullable=False),
        sa.Column('dispatched_until', _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(['id'], ['claims.id'], name=op.f('fk_awaited_issues_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_awaited_issues')),
    )
    op.create_index('ix_awaited_issues_due', 'awaited_issues', ['due_at'])


def downgrade() -> None:
    op.drop_table('awaited_issues')
    op.drop_column('tickets', 'looked_at')
    op.drop_index('ix_claims_first_request_id', 'claims')
    op.drop_index('uq_claims_follows', 'claims')
    for name in ('cut_short', 'until_issue', 'first_request_id', 'follows'):
        op.drop_column('claims', name)
    op.drop_index('ix_requests_extensions', 'requests')
    op.drop_column('requests', 'starts_at')
