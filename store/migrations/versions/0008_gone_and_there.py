"""Gone, and there: what cannot be seen by its name, tickets that are hidden, and times in which a backup was put back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables
from store.migrations.checks import exchange_checks

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None

_TICKET_STATES = "'intended', 'open', 'answered', 'verified', 'declined', {}'lost', 'withdrawn', 'escalated'"

#: (table, constraint, before, after).
_CHECKS = (
    (
        'tickets',
        'ck_tickets_state_known',
        f'state IN ({_TICKET_STATES.format("")})',
        f"""state IN ({_TICKET_STATES.format("'hidden', ")})""",
    ),
    (
        'operations',
        'ck_operations_obstacle_known',
        "obstacle IN ('refused', 'unseen')",
        "obstacle IN ('refused', 'unseen', 'unresolved')",
    ),
)

_STEPS = (
    ('ticket', 'answered', 'hidden'),
    ('ticket', 'hidden', 'lost'),
    ('ticket', 'hidden', 'verified'),
    ('ticket', 'hidden', 'withdrawn'),
    ('ticket', 'open', 'hidden'),
)


def upgrade() -> None:
    op.add_column('operations', sa.Column('missing', sa.Text(), nullable=True))
    op.create_index(
        'ix_operations_missing',
        'operations',
        ['missing'],
        sqlite_where=sa.text('missing IS NOT NULL'),
        postgresql_where=sa.text('missing IS NOT NULL'),
    )
    moment = store.tables.Moment(timezone=True)
    op.create_table(
        'restores',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('backup_at', moment, nullable=True),
        sa.Column('began_at', moment, nullable=False),
        sa.Column('ended_at', moment, nullable=True),
        sa.Column('after_sequence', sa.BigInteger(), nullable=False),
        sa.Column('last_sequence', sa.BigInteger(), nullable=True),
        sa.Column('systems', sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='pk_restores'),
    )
    op.create_table(
        'restored_accesses',
        sa.Column('access_key', sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint('access_key', name='pk_restored_accesses'),
    )
    exchange_checks(_CHECKS)
    lifecycle = sa.table('lifecycle', sa.column('entity'), sa.column('from_state'), sa.column('to_state'))
    op.bulk_insert(lifecycle, [{'entity': e, 'from_state': f, 'to_state': t} for e, f, t in _STEPS])


def downgrade() -> None:
    for entity, start, end in _STEPS:
        op.execute(
            f"DELETE FROM lifecycle WHERE entity = '{entity}' AND from_state = '{start}' AND to_state = '{end}'"
        )
    exchange_checks(tuple((table, name, new, old) for table, name, old, new in _CHECKS))
    op.drop_table('restored_accesses')
    op.drop_table('restores')
    op.drop_index('ix_operations_missing', table_name='operations')
    op.drop_column('operations', 'missing')
