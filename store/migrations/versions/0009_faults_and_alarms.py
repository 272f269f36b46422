"""Faults and who waits for their end, alarms, and since when work could be carried out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)
_OPEN = sa.text('closed_at IS NULL')


def upgrade() -> None:
    for table in ('requests', 'operations'):
        op.add_column(table, sa.Column('begun_at', _MOMENT, nullable=True))
    op.create_table(
        'faults',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('place', sa.Text(), nullable=False),
        sa.Column('scope', sa.Text(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('what', sa.Text(), nullable=False),
        sa.Column('remedy', sa.Text(), nullable=False),
        sa.Column('since', _MOMENT, nullable=False),
        sa.Column('met_at', _MOMENT, nullable=False),
        sa.Column('shared_at', _MOMENT, nullable=True),
        sa.Column('next_test_at', _MOMENT, nullable=True),
        sa.Column('tests', sa.Integer(), server_default=sa.text('0'), nullable=False),
        sa.CheckConstraint(
            "scope IN ('system', 'credential', 'permission', 'project', 'entitlement', 'own')",
            name=op.f('ck_faults_scope_known'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_faults')),
    )
    op.create_index('uq_faults_key', 'faults', ['place', 'scope', 'name'], unique=True)
    op.create_table(
        'fault_rows',
        sa.Column('topic', sa.Text(), nullable=False),
        sa.Column('ref', sa.Text(), nullable=False),
        sa.Column('fault_id', sa.Integer(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False),
        sa.Column('lane', sa.Text(), nullable=False),
        sa.Column('since', _MOMENT, nullable=False),
        sa.CheckConstraint("topic IN ('request', 'operation')", name=op.f('ck_fault_rows_topic_known')),
        sa.ForeignKeyConstraint(['fault_id'], ['faults.id'], name=op.f('fk_fault_rows_fault_id')),
        sa.PrimaryKeyConstraint('topic', 'ref', name=op.f('pk_fault_rows')),
    )
    op.create_index('ix_fault_rows_fault_id', 'fault_rows', ['fault_id'])
    op.create_table(
        'alarms',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('entity', sa.Text(), nullable=False),
        sa.Column('ref', sa.Text(), nullable=False),
        sa.Column('what', sa.Text(), nullable=False),
        sa.Column('remedy', sa.Text(), nullable=False),
        sa.Column('raised_at', _MOMENT, nullable=False),
        sa.Column('closed_at', _MOMENT, nullable=True),
        sa.CheckConstraint("kind IN ('fault', 'blocked', 'late')", name=op.f('ck_alarms_kind_known')),
        sa.CheckConstraint("entity IN ('fault', 'request', 'operation')", name=op.f('ck_alarms_entity_known')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_alarms')),
    )
    op.create_index(
        'uq_alarms_open',
        'alarms',
        ['kind', 'entity', 'ref'],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def downgrade() -> None:
    for table in ('alarms', 'fault_rows', 'faults'):
        op.drop_table(table)
    for table in ('operations', 'requests'):
        op.drop_column(table, 'begun_at')
