"""When credentials end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables
from store.migrations.checks import exchange_checks

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)
_OLD_KINDS = "kind IN ('fault', 'blocked', 'late', 'held', 'unsaid', 'left_open', 'untracked', 'settings')"
_KINDS = "kind IN ('fault', 'blocked', 'late', 'held', 'unsaid', 'left_open', 'untracked', 'settings', 'credential')"
_OLD_ENTITIES = "entity IN ('fault', 'request', 'operation', 'plan', 'producer', 'ticket', 'settings')"
_ENTITIES = "entity IN ('fault', 'request', 'operation', 'plan', 'producer', 'ticket', 'settings', 'credential')"


def upgrade() -> None:
    op.create_table(
        'credential_ends',
        sa.Column('place', sa.Text(), nullable=False),
        sa.Column('looked_at', _MOMENT, nullable=False),
        sa.Column('ends_at', _MOMENT, nullable=True),
        sa.Column('told_by', sa.Text(), nullable=True),
        sa.Column('near', sa.Boolean(), server_default=sa.text('false'), nullable=False),
        sa.CheckConstraint("told_by IN ('service', 'settings')", name=op.f('ck_credential_ends_told_by_known')),
        sa.CheckConstraint('(ends_at IS NULL) = (told_by IS NULL)', name=op.f('ck_credential_ends_end_told')),
        sa.PrimaryKeyConstraint('place', name=op.f('pk_credential_ends')),
    )
    exchange_checks(
        [
            ('alarms', 'ck_alarms_kind_known', _OLD_KINDS, _KINDS),
            ('alarms', 'ck_alarms_entity_known', _OLD_ENTITIES, _ENTITIES),
        ]
    )


def downgrade() -> None:
    op.execute("DELETE FROM alarms WHERE entity = 'credential'")
    exchange_checks(
        [
            ('alarms', 'ck_alarms_kind_known', _KINDS, _OLD_KINDS),
            ('alarms', 'ck_alarms_entity_known', _ENTITIES, _OLD_ENTITIES),
        ]
    )
    op.drop_table('credential_ends')
