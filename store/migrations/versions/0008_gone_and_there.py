"""Gone, and there: what cannot be seen by its name, tickets that are hidden, and times in which a backup was put back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables

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
    _exchange(_CHECKS)
    lifecycle = sa.table('lifecycle', sa.column('entity'), sa.column('from_state'), sa.column('to_state'))
    op.bulk_insert(lifecycle, [{'entity': e, 'from_state': f, 'to_state': t} for e, f, t in _STEPS])


def downgrade() -> None:
    for entity, start, end in _STEPS:
        op.execute(
            f"DELETE FROM lifecycle WHERE entity = '{entity}' AND from_state = '{start}' AND to_state = '{end}'"
        )
    _exchange(tuple((table, name, new, old) for table, name, old, new in _CHECKS))
    op.drop_table('restored_accesses')
    op.drop_table('restores')
    op.drop_index('ix_operations_missing', table_name='operations')
    op.drop_column('operations', 'missing')


def _exchange(checks: tuple[tuple[str, str, str, str], ...]) -> None:
    if op.get_bind().dialect.name == 'sqlite':
        _exchange_on_sqlite(checks)
        return
    for table, name, old, new in checks:
        op.execute(f'ALTER TABLE {table} DROP CONSTRAINT {name}')
        op.execute(f'ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({new})')


def _exchange_on_sqlite(checks: tuple[tuple[str, str, str, str], ...]) -> None:
    """Change the text of the tables, as revision 0006 does and explains."""
    connection = op.get_bind()
    version = connection.exec_driver_sql('PRAGMA schema_version').scalar_one()
    connection.exec_driver_sql('PRAGMA writable_schema=ON')
    for table, name, old, new in checks:
        text = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
        ).scalar_one()
        before, after = (f'CONSTRAINT {name} CHECK ({condition})' for condition in (old, new))
        if text.count(before) != 1:
            raise RuntimeError(
                f'The table {table} is not of the form of revision {down_revision}: {before!r} is not there once.'
            )
        connection.exec_driver_sql(
            "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (text.replace(before, after), table)
        )
    connection.exec_driver_sql(f'PRAGMA schema_version={version + 1}')
    connection.exec_driver_sql('PRAGMA writable_schema=RESET')
