"""Alarms about settings that were changed and are not in force, and tickets that a restored database does not know."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables
from store.migrations.checks import exchange_checks

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)
_OLD_KINDS = "kind IN ('fault', 'blocked', 'late', 'held', 'unsaid', 'left_open', 'untracked')"
_KINDS = "kind IN ('fault', 'blocked', 'late', 'held', 'unsaid', 'left_open', 'untracked', 'settings')"
_OLD_ENTITIES = "entity IN ('fault', 'request', 'operation', 'plan', 'producer', 'ticket')"
_ENTITIES = "entity IN ('fault', 'request', 'operation', 'plan', 'producer', 'ticket', 'settings')"


def upgrade() -> None:
    op.create_table(
        'lost_tickets',
        sa.Column('marker', sa.Text(), nullable=False),
        sa.Column('request_id', sa.Text(), nullable=False),
        sa.Column('direction', sa.Text(), nullable=False),
        sa.Column('entitlement', sa.Text(), nullable=False),
        sa.Column('account_id', sa.Text(), nullable=False),
        sa.Column('project', sa.Text(), nullable=False),
        sa.Column('issue_key', sa.Text(), nullable=False),
        sa.Column('issue_url', sa.Text(), nullable=False),
        sa.Column('phase', sa.Text(), nullable=False),
        sa.Column('status', sa.Text(), nullable=False),
        sa.Column('seen_at', _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint('marker', name=op.f('pk_lost_tickets')),
    )
    op.create_index('ix_lost_tickets_request_id', 'lost_tickets', ['request_id'])
    exchange_checks(
        [
            ('alarms', 'ck_alarms_kind_known', _OLD_KINDS, _KINDS),
            ('alarms', 'ck_alarms_entity_known', _OLD_ENTITIES, _ENTITIES),
        ]
    )


def downgrade() -> None:
    op.drop_table('lost_tickets')
    op.execute("DELETE FROM alarms WHERE entity = 'settings'")
    exchange_checks(
        [
            ('alarms', 'ck_alarms_kind_known', _KINDS, _OLD_KINDS),
            ('alarms', 'ck_alarms_entity_known', _ENTITIES, _OLD_ENTITIES),
        ]
    )
