"""Comments that are owed to tickets, and what a person has to look at on a ticket."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables
from store.migrations.checks import exchange_checks

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)
_MISSING = sa.text('missing_since IS NOT NULL')
_OWED = sa.text('due_at IS NOT NULL')
_TROUBLE = "trouble IN ('unsaid', 'left_open', 'untracked')"
_OLD_KINDS = "kind IN ('fault', 'blocked', 'late', 'held')"
_KINDS = "kind IN ('fault', 'blocked', 'late', 'held', 'unsaid', 'left_open', 'untracked')"
_OLD_ENTITIES = "entity IN ('fault', 'request', 'operation', 'plan', 'producer')"
_ENTITIES = "entity IN ('fault', 'request', 'operation', 'plan', 'producer', 'ticket')"


def upgrade() -> None:
    op.add_column('tickets', sa.Column('phase', sa.Text(), nullable=True))
    op.add_column('tickets', sa.Column('missing_since', _MOMENT, nullable=True))
    op.add_column('tickets', sa.Column('trouble', sa.Text(), nullable=True))
    exchange_checks(
        [
            ('tickets', 'ck_tickets_trouble_known', None, _TROUBLE),
            ('alarms', 'ck_alarms_kind_known', _OLD_KINDS, _KINDS),
            ('alarms', 'ck_alarms_entity_known', _OLD_ENTITIES, _ENTITIES),
        ]
    )
    op.create_index(
        'ix_tickets_missing', 'tickets', ['missing_since'], sqlite_where=_MISSING, postgresql_where=_MISSING
    )
    op.create_table(
        'ticket_comments',
        sa.Column('ticket_id', sa.Text(), nullable=False),
        sa.Column('marker', sa.Text(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False),
        sa.Column('owed_since', _MOMENT, nullable=False),
        sa.Column('due_at', _MOMENT, nullable=True),
        sa.Column('tries', sa.Integer(), server_default=sa.text('0'), nullable=False),
        sa.Column('said_at', _MOMENT, nullable=True),
        sa.Column('error', sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(['ticket_id'], ['tickets.id'], name=op.f('fk_ticket_comments_ticket_id')),
        sa.PrimaryKeyConstraint('ticket_id', 'marker', name=op.f('pk_ticket_comments')),
    )
    op.create_index(
        'ix_ticket_comments_owed',
        'ticket_comments',
        ['ticket_id'],
        sqlite_where=_OWED,
        postgresql_where=_OWED,
    )


def downgrade() -> None:
    op.drop_table('ticket_comments')
    op.execute("DELETE FROM alarms WHERE entity = 'ticket'")
    exchange_checks(
        [
            ('tickets', 'ck_tickets_trouble_known', _TROUBLE, None),
            ('alarms', 'ck_alarms_kind_known', _KINDS, _OLD_KINDS),
            ('alarms', 'ck_alarms_entity_known', _ENTITIES, _OLD_ENTITIES),
        ]
    )
    op.drop_index('ix_tickets_missing', table_name='tickets')
    op.drop_column('tickets', 'trouble')
    op.drop_column('tickets', 'missing_since')
    op.drop_column('tickets', 'phase')
