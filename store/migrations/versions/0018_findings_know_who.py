"""Findings know who made a difference, what explains access, and who answers for it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables
from store.migrations.checks import exchange_checks

revision = '0018'
down_revision = '0017'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)
_CHECKS = (
    (
        'ck_findings_done_means_a_record',
        '(done_by IS NULL) = (done_at IS NULL) AND (done_by IS NULL) = (done_record IS NULL)',
    ),
    ('ck_findings_done_means_known', 'done_by IS NULL OR (not_known IS NULL AND ask_since IS NULL)'),
)


_LIVES = sa.text("finding_id IS NOT NULL AND state IN ('waiting', 'begun')")


def upgrade() -> None:
    for name, kind in (
        ('ours_at', _MOMENT),
        ('done_at', _MOMENT),
        ('done_record', sa.Text()),
        ('not_known', sa.Text()),
        ('ask_since', _MOMENT),
    ):
        op.add_column('findings', sa.Column(name, kind, nullable=True))
    # The moment of the write is not stored: it went out before the difference was seen.
    op.execute('UPDATE findings SET ours_at = first_seen_at WHERE ours')
    op.drop_column('findings', 'ours')
    # Nothing told who did it before this form.
    op.execute('UPDATE findings SET done_by = NULL')
    exchange_checks([('findings', name, None, condition) for name, condition in _CHECKS])
    op.add_column('baseline', sa.Column('cause', sa.Text(), nullable=True))
    op.add_column('managed', sa.Column('owner', sa.Text(), nullable=True))
    op.add_column('managed', sa.Column('fed_by', sa.Text(), nullable=True))
    op.add_column('managed', sa.Column('of_product', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        'digests',
        sa.Column('owner', sa.Text(), nullable=False),
        sa.Column('told_at', _MOMENT, nullable=False),
        sa.Column('numbers', sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint('owner', name=op.f('pk_digests')),
    )
    op.create_index(
        'uq_plan_lines_finding',
        'plan_lines',
        ['finding_id'],
        unique=True,
        sqlite_where=_LIVES,
        postgresql_where=_LIVES,
    )


def downgrade() -> None:
    op.drop_index('uq_plan_lines_finding', table_name='plan_lines')
    op.drop_table('digests')
    for name in ('of_product', 'fed_by', 'owner'):
        op.drop_column('managed', name)
    op.drop_column('baseline', 'cause')
    exchange_checks([('findings', name, condition, None) for name, condition in reversed(_CHECKS)])
    op.add_column('findings', sa.Column('ours', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute('UPDATE findings SET ours = (ours_at IS NOT NULL)')
    for name in ('ask_since', 'not_known', 'done_record', 'done_at', 'ours_at'):
        op.drop_column('findings', name)
