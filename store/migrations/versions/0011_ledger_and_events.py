"""The ledger of access that was held past due or missing, what removals waited for, events, and notices before an end."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)
_CAUSES = ('person', 'ticket', 'credential', 'away', 'budget', 'unseen')
_CAUSE_COLUMNS = tuple(f'{cause}_us' for cause in _CAUSES)
_SEEN_BY = "seen_by IN ('look', 'removal', 'snapshot')"
_UNPLACED = sa.text('position IS NULL')

#: Of these tables rows are neither changed nor deleted.
_APPEND_ONLY = ('removal_waits', 'overstays', 'understays')
#: Of these tables the times of one access do not overlap.
_TIMES = ('overstays', 'understays')

_OVERLAP = 'SELECT 1 FROM {table} WHERE access_key = NEW.access_key AND since < NEW.until AND until > NEW.since'


def _whose() -> list[sa.Column[Any]]:
    return [
        sa.Column('access_key', sa.Text(), nullable=False),
        sa.Column('system', sa.Text(), nullable=False),
        sa.Column('entitlement', sa.Text(), nullable=False),
        sa.Column('title', sa.Text(), nullable=False),
        sa.Column('account_id', sa.Text(), nullable=True),
        sa.Column('account_title', sa.Text(), nullable=False),
        sa.Column('email', sa.Text(), nullable=True),
        sa.Column('request_id', sa.Text(), nullable=False),
    ]


def upgrade() -> None:
    op.add_column('operations', sa.Column('there_at', _MOMENT, nullable=True))
    _make_ledger()
    _make_events()
    if op.get_bind().dialect.name == 'sqlite':
        _protect_on_sqlite()
    else:
        _protect_on_postgresql()


def _make_ledger() -> None:
    op.create_table(
        'removal_waits',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('topic', sa.Text(), nullable=False),
        sa.Column('ref', sa.Text(), nullable=False),
        sa.Column('cause', sa.Text(), nullable=False),
        sa.Column('since', _MOMENT, nullable=False),
        sa.CheckConstraint(f'cause IN {_CAUSES}', name=op.f('ck_removal_waits_cause_known')),
        sa.CheckConstraint("topic IN ('request', 'operation')", name=op.f('ck_removal_waits_topic_known')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_removal_waits')),
    )
    op.create_index('ix_removal_waits_ref', 'removal_waits', ['topic', 'ref', 'id'])
    op.create_table(
        'overstays',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        *_whose(),
        sa.Column('claim_id', sa.Text(), nullable=True),
        sa.Column('operation_id', sa.Text(), nullable=True),
        sa.Column('since', _MOMENT, nullable=False),
        sa.Column('until', _MOMENT, nullable=False),
        sa.Column('ended', sa.Text(), nullable=False),
        sa.Column('total_us', sa.BigInteger(), nullable=False),
        sa.Column('bound_us', sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _CAUSE_COLUMNS),
        sa.CheckConstraint("ended IN ('gone', 'held', 'settled')", name=op.f('ck_overstays_ended_known')),
        sa.CheckConstraint('until >= since', name=op.f('ck_overstays_time_runs_forward')),
        sa.CheckConstraint('bound_us BETWEEN 0 AND total_us', name=op.f('ck_overstays_bound_within')),
        sa.CheckConstraint(
            ' AND '.join(f'{name} >= 0' for name in _CAUSE_COLUMNS), name=op.f('ck_overstays_no_negative_time')
        ),
        sa.CheckConstraint(f'{" + ".join(_CAUSE_COLUMNS)} = total_us', name=op.f('ck_overstays_causes_add_up')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_overstays')),
    )
    op.create_table(
        'losses',
        sa.Column('access_key', sa.Text(), nullable=False),
        sa.Column('claim_id', sa.Text(), nullable=False),
        sa.Column('since', _MOMENT, nullable=False),
        sa.Column('bound_us', sa.BigInteger(), nullable=False),
        sa.Column('seen_by', sa.Text(), nullable=False),
        sa.CheckConstraint('bound_us >= 0', name=op.f('ck_losses_no_negative_time')),
        sa.CheckConstraint(_SEEN_BY, name=op.f('ck_losses_seen_by_known')),
        sa.PrimaryKeyConstraint('access_key', name=op.f('pk_losses')),
    )
    op.create_table(
        'understays',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        *_whose(),
        sa.Column('claim_id', sa.Text(), nullable=False),
        sa.Column('since', _MOMENT, nullable=False),
        sa.Column('until', _MOMENT, nullable=False),
        sa.Column('ended', sa.Text(), nullable=False),
        sa.Column('seen_by', sa.Text(), nullable=False),
        sa.Column('total_us', sa.BigInteger(), nullable=False),
        sa.Column('bound_us', sa.BigInteger(), nullable=False),
        sa.CheckConstraint("ended IN ('back', 'over')", name=op.f('ck_understays_ended_known')),
        sa.CheckConstraint(_SEEN_BY, name=op.f('ck_understays_seen_by_known')),
        sa.CheckConstraint('until >= since', name=op.f('ck_understays_time_runs_forward')),
        sa.CheckConstraint('total_us >= 0 AND bound_us >= 0', name=op.f('ck_understays_no_negative_time')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_understays')),
    )
    for table in _TIMES:
        op.create_index(f'ix_{table}_access_key', table, ['access_key', 'until'])
        op.create_index(f'ix_{table}_until', table, ['until'])


def _make_events() -> None:
    op.create_table(
        'events',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('position', sa.BigInteger(), nullable=True),
        sa.Column('at', _MOMENT, nullable=False),
        sa.Column('type', sa.Text(), nullable=False),
        sa.Column('entity', sa.Text(), nullable=False),
        sa.Column('entity_id', sa.Text(), nullable=False),
        sa.Column('request_id', sa.Text(), nullable=True),
        sa.Column('data', sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_events')),
    )
    op.create_index('uq_events_position', 'events', ['position'], unique=True)
    op.create_index('ix_events_unplaced', 'events', ['id'], sqlite_where=_UNPLACED, postgresql_where=_UNPLACED)
    op.create_index('ix_events_at', 'events', ['at'])
    op.create_table(
        'notices',
        sa.Column('claim_id', sa.Text(), nullable=False),
        sa.Column('ends_at', _MOMENT, nullable=False),
        sa.Column('before_seconds', sa.Float(), nullable=False),
        sa.Column('given_at', _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_notices_claim_id')),
        sa.PrimaryKeyConstraint('claim_id', 'ends_at', 'before_seconds', name=op.f('pk_notices')),
    )


def _protect_on_sqlite() -> None:
    for table in _APPEND_ONLY:
        for event in ('UPDATE', 'DELETE'):
            op.execute(
                f"CREATE TRIGGER {table}_no_{event.lower()} BEFORE {event} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    for table in _TIMES:
        op.execute(
            f'CREATE TRIGGER {table}_no_overlap BEFORE INSERT ON {table} WHEN EXISTS ({_OVERLAP.format(table=table)}) '
            f"BEGIN SELECT RAISE(ABORT, 'a time of this access is in {table} already'); END"
        )


def _protect_on_postgresql() -> None:
    op.execute(
        'CREATE FUNCTION provisor_append_only() RETURNS trigger LANGUAGE plpgsql AS $$\n'
        'BEGIN\n'
        "    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'check_violation';\n"
        'END\n'
        '$$'
    )
    for table in _APPEND_ONLY:
        op.execute(
            f'CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} '
            'FOR EACH ROW EXECUTE FUNCTION provisor_append_only()'
        )
    for table in _TIMES:
        op.execute(
            f'CREATE FUNCTION provisor_{table}_apart() RETURNS trigger LANGUAGE plpgsql AS $$\n'
            'BEGIN\n'
            f'    IF EXISTS ({_OVERLAP.format(table=table)}) THEN\n'
            f"        RAISE EXCEPTION 'a time of this access is in {table} already' USING ERRCODE = 'check_violation';\n"
            '    END IF;\n'
            '    RETURN NEW;\n'
            'END\n'
            '$$'
        )
        op.execute(
            f'CREATE TRIGGER {table}_no_overlap BEFORE INSERT ON {table} '
            f'FOR EACH ROW EXECUTE FUNCTION provisor_{table}_apart()'
        )


def downgrade() -> None:
    for table in ('notices', 'events', 'understays', 'losses', 'overstays', 'removal_waits'):
        op.drop_table(table)
    if op.get_bind().dialect.name != 'sqlite':
        for name in ('provisor_append_only', *(f'provisor_{table}_apart' for table in _TIMES)):
            op.execute(f'DROP FUNCTION {name}()')
    op.drop_column('operations', 'there_at')
