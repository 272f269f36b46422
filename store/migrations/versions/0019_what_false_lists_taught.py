"""What a person who seems to leave was before, who approved a plan as its maker said, and alarms about contradicted seals."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from store.migrations.checks import exchange_checks

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

_OLD_KINDS = "kind IN ('fault', 'blocked', 'late', 'held', 'unsaid', 'left_open', 'untracked', 'settings', 'credential')"
_KINDS = (
    "kind IN ('fault', 'blocked', 'late', 'held', 'unsaid', 'left_open', 'untracked', "
    "'settings', 'credential', 'contradicted')"
)
_OLD_ENTITIES = "entity IN ('fault', 'request', 'operation', 'plan', 'producer', 'ticket', 'settings', 'credential')"
_ENTITIES = "entity IN ('fault', 'request', 'operation', 'plan', 'producer', 'ticket', 'settings', 'credential', 'place')"


def upgrade() -> None:
    op.add_column('leavers', sa.Column('was', sa.Text(), nullable=True))
    op.add_column('plans', sa.Column('approver_said', sa.Text(), nullable=True))
    exchange_checks(
        [
            ('alarms', 'ck_alarms_kind_known', _OLD_KINDS, _KINDS),
            ('alarms', 'ck_alarms_entity_known', _OLD_ENTITIES, _ENTITIES),
        ]
    )


def downgrade() -> None:
    op.execute("DELETE FROM alarms WHERE entity = 'place'")
    exchange_checks(
        [
            ('alarms', 'ck_alarms_kind_known', _KINDS, _OLD_KINDS),
            ('alarms', 'ck_alarms_entity_known', _ENTITIES, _OLD_ENTITIES),
        ]
    )
    op.drop_column('plans', 'approver_said')
    op.drop_column('leavers', 'was')
