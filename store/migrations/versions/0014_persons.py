"""Persons, the accounts joined to them, what is disputed, and people who have left."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables
from store.migrations.checks import exchange_checks

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)

#: (table, constraint, before, after).
_CHECKS = (
    (
        'operations',
        'ck_operations_via_known',
        "via IN ('connector', 'ticket')",
        "via IN ('connector', 'ticket', 'propagation')",
    ),
)

_STEPS = (
    ('', 'left'),
    ('', 'noticed'),
    ('left', 'back'),
    ('left', 'noticed'),
    ('noticed', 'false_alarm'),
    ('noticed', 'seen'),
    ('seen', 'false_alarm'),
    ('seen', 'left'),
    ('seen', 'noticed'),
)

_SQLITE_TRIGGER = """
CREATE TRIGGER leavers_step_{when} BEFORE {event} ON leavers
WHEN {guard} NOT EXISTS (
    SELECT 1 FROM lifecycle WHERE entity = 'leaver' AND from_state = {start} AND to_state = NEW.state
)
BEGIN
    SELECT RAISE(ABORT, 'a leaver may not take this step');
END
"""


def upgrade() -> None:
    _make_persons()
    _make_leavers()
    _enforce_lifecycle()
    exchange_checks(_CHECKS)


def _make_persons() -> None:
    op.create_table(
        'persons',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('title', sa.Text(), nullable=False),
        sa.Column('address', sa.Text(), nullable=True),
        sa.Column('status', sa.Text(), nullable=False),
        sa.Column('since', _MOMENT, nullable=False),
        sa.CheckConstraint("status IN ('active', 'suspended', 'gone')", name=op.f('ck_persons_status_known')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_persons')),
    )
    op.create_index('ix_persons_address', 'persons', ['address'])
    op.create_table(
        'person_accounts',
        sa.Column('system', sa.Text(), nullable=False),
        sa.Column('account_id', sa.Text(), nullable=False),
        sa.Column('person', sa.Text(), nullable=False),
        sa.Column('proof', sa.Text(), nullable=False),
        sa.Column('address', sa.Text(), nullable=True),
        sa.Column('joined', sa.Boolean(), nullable=False),
        sa.Column('seen_until', _MOMENT, nullable=False),
        sa.Column('joined_at', _MOMENT, nullable=True),
        sa.Column('decided_by', sa.Text(), nullable=True),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.CheckConstraint(
            "proof IN ('shown', 'managed', 'linked', 'made', 'decided')", name=op.f('ck_person_accounts_proof_known')
        ),
        sa.CheckConstraint('joined = (joined_at IS NOT NULL)', name=op.f('ck_person_accounts_joined_means_when')),
        sa.CheckConstraint(
            "proof <> 'decided' OR (decided_by IS NOT NULL AND reason IS NOT NULL)",
            name=op.f('ck_person_accounts_decided_means_by_whom'),
        ),
        sa.ForeignKeyConstraint(['person'], ['persons.id'], name=op.f('fk_person_accounts_person')),
        sa.PrimaryKeyConstraint('system', 'account_id', name=op.f('pk_person_accounts')),
    )
    op.create_index('ix_person_accounts_person', 'person_accounts', ['person'])
    op.create_table(
        'person_splits',
        sa.Column('system', sa.Text(), nullable=False),
        sa.Column('account_id', sa.Text(), nullable=False),
        sa.Column('person', sa.Text(), nullable=False),
        sa.Column('decided_by', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('decided_at', _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(['person'], ['persons.id'], name=op.f('fk_person_splits_person')),
        sa.PrimaryKeyConstraint('system', 'account_id', 'person', name=op.f('pk_person_splits')),
    )
    op.create_table(
        'person_disputes',
        sa.Column('system', sa.Text(), nullable=False),
        sa.Column('account_id', sa.Text(), nullable=False),
        sa.Column('person', sa.Text(), nullable=False),
        sa.Column('why', sa.Text(), nullable=False),
        sa.Column('first_seen', _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(['person'], ['persons.id'], name=op.f('fk_person_disputes_person')),
        sa.PrimaryKeyConstraint('system', 'account_id', 'person', name=op.f('pk_person_disputes')),
    )
    op.create_table(
        'person_sources',
        sa.Column('system', sa.Text(), nullable=False),
        sa.Column('run_id', sa.Text(), nullable=False),
        sa.Column('at', _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint('system', name=op.f('pk_person_sources')),
    )


def _make_leavers() -> None:
    op.create_table(
        'leavers',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('person', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('noticed_at', _MOMENT, nullable=False),
        sa.Column('read_at', _MOMENT, nullable=True),
        sa.Column('left_at', _MOMENT, nullable=True),
        sa.Column('ended_at', _MOMENT, nullable=True),
        sa.Column('due_at', _MOMENT, nullable=True),
        sa.Column('evidence', sa.Text(), nullable=True),
        sa.Column('why', sa.Text(), nullable=True),
        sa.Column('maker', sa.Text(), nullable=True),
        sa.Column('reason', sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('suspended', 'deleted', 'asked')", name=op.f('ck_leavers_kind_known')),
        sa.CheckConstraint(
            "state IN ('noticed', 'seen', 'left', 'false_alarm', 'back')", name=op.f('ck_leavers_state_known')
        ),
        sa.CheckConstraint(
            "state NOT IN ('seen', 'left') OR kind = 'asked' OR read_at IS NOT NULL",
            name=op.f('ck_leavers_seen_means_read'),
        ),
        sa.CheckConstraint("state <> 'left' OR left_at IS NOT NULL", name=op.f('ck_leavers_left_means_when')),
        sa.CheckConstraint(
            "kind <> 'asked' OR (maker IS NOT NULL AND reason IS NOT NULL)",
            name=op.f('ck_leavers_asked_means_by_whom'),
        ),
        sa.ForeignKeyConstraint(['person'], ['persons.id'], name=op.f('fk_leavers_person')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_leavers')),
    )
    op.create_index('ix_leavers_due_at', 'leavers', ['due_at'])
    is_open = sa.text('ended_at IS NULL')
    op.create_index(
        'uq_leavers_person', 'leavers', ['person'], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )


def _enforce_lifecycle() -> None:
    table = sa.table('lifecycle', sa.column('entity'), sa.column('from_state'), sa.column('to_state'))
    op.bulk_insert(table, [{'entity': 'leaver', 'from_state': f, 'to_state': t} for f, t in _STEPS])
    if op.get_bind().dialect.name == 'sqlite':
        born = {'when': 'born', 'event': 'INSERT', 'guard': '', 'start': "''"}
        guard = 'NEW.state <> OLD.state AND'
        moved = {'when': 'moved', 'event': 'UPDATE OF state', 'guard': guard, 'start': 'OLD.state'}
        for form in (born, moved):
            op.execute(_SQLITE_TRIGGER.format(**form))
        return
    calls = "EXECUTE FUNCTION provisor_step('leaver')"
    op.execute(f'CREATE TRIGGER leavers_born BEFORE INSERT ON leavers FOR EACH ROW {calls}')
    op.execute(
        f'CREATE TRIGGER leavers_moved BEFORE UPDATE OF state ON leavers '
        f'FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state) {calls}'
    )


def downgrade() -> None:
    op.execute("UPDATE operations SET via = 'ticket' WHERE via = 'propagation'")
    exchange_checks(tuple((table, name, new, old) for table, name, old, new in _CHECKS))
    op.execute("DELETE FROM lifecycle WHERE entity = 'leaver'")
    for table in ('leavers', 'person_sources', 'person_disputes', 'person_splits', 'person_accounts', 'persons'):
        op.drop_table(table)
