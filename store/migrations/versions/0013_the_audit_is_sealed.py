"""The audit is append-only, its authors are a closed set, and its rows are sealed; parts keep how they were read.

Rows from before keep the authors that they have: an audit is not rewritten. They are sealed in the first minutes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)
_WAITING = sa.text('seal IS NULL')

#: What each database is asked, and its answer when the change is refused.
_ACTOR = "NEW.actor IN ('provisor', 'scheduler') OR NEW.actor LIKE 'operator:_%' OR NEW.actor LIKE 'producer:_%'"
_REMOVED = 'EXISTS (SELECT 1 FROM audit_sealed WHERE audit_id = OLD.id AND removed_by IS NOT NULL)'
_SEALING = 'OLD.seal IS NULL AND NEW.seal IS NOT NULL AND OLD.removed_by IS NULL AND NEW.removed_by IS NULL'
_REMOVAL = (
    'OLD.removed_by IS NULL AND NEW.removed_by IS NOT NULL AND NEW.salt IS NULL AND NEW.seal = OLD.seal'
    " AND NEW.digest = OLD.digest AND (SELECT kind FROM audit_seals WHERE number = NEW.removed_by) = 'removal'"
)
_REFUSALS = [
    ('audit', 'INSERT', _ACTOR, 'an audit row may not have this author'),
    ('audit', 'UPDATE', 'FALSE', 'an audit row may not be changed'),
    ('audit', 'DELETE', _REMOVED, 'an audit row may not be deleted unless a seal says so'),
    ('audit_sealed', 'INSERT', 'NEW.seal IS NULL AND NEW.removed_by IS NULL', 'a row may not be born sealed'),
    (
        'audit_sealed',
        'UPDATE',
        f'NEW.audit_id = OLD.audit_id AND (({_SEALING}) OR ({_REMOVAL}))',
        'a sealed row may not be changed',
    ),
    (
        'audit_sealed',
        'DELETE',
        'OLD.removed_by IS NOT NULL AND NOT EXISTS (SELECT 1 FROM audit WHERE id = OLD.audit_id)',
        'a sealed row may not be forgotten',
    ),
    (
        'audit_seals',
        'INSERT',
        "NEW.previous = COALESCE((SELECT hash FROM audit_seals WHERE number = NEW.number - 1), "
        f"CASE WHEN NEW.number = 1 THEN '{'0' * 64}' END)",
        'a seal may only follow the newest',
    ),
    ('audit_seals', 'UPDATE', 'FALSE', 'a seal may not be changed'),
    ('audit_seals', 'DELETE', 'FALSE', 'a seal may not be deleted'),
]

_SQLITE = """
CREATE TRIGGER {table}_{event}_refused BEFORE {event} ON {table}
WHEN ({holds}) IS NOT TRUE
BEGIN
    SELECT RAISE(ABORT, '{says}');
END
"""
_POSTGRESQL = """
CREATE FUNCTION provisor_{table}_{event}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF ({holds}) IS NOT TRUE THEN
        RAISE EXCEPTION '{says}' USING ERRCODE = 'check_violation';
    END IF;
    RETURN {row};
END
$$
"""
_EMPTYING = """
CREATE FUNCTION provisor_audit_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit may not be emptied' USING ERRCODE = 'check_violation';
END
$$
"""
_TO_BE_SEALED = """
CREATE FUNCTION provisor_audit_to_be_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_sealed (audit_id) SELECT id FROM born;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.add_column('parts', sa.Column('facts', sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        'audit_seals',
        sa.Column('number', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('rows', sa.Integer(), nullable=False),
        sa.Column('statement', sa.JSON(none_as_null=True), nullable=True),
        sa.Column('digest', sa.Text(), nullable=False),
        sa.Column('previous', sa.Text(), nullable=False),
        sa.Column('sealed_at', _MOMENT, nullable=False),
        sa.Column('hash', sa.Text(), nullable=False),
        sa.Column('signature', sa.Text(), nullable=True),
        sa.Column('key_id', sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('rows', 'removal', 'break')", name=op.f('ck_audit_seals_kind_known')),
        sa.CheckConstraint("(kind = 'rows') = (statement IS NULL)", name=op.f('ck_audit_seals_says_or_closes')),
        sa.PrimaryKeyConstraint('number', name=op.f('pk_audit_seals')),
        sa.UniqueConstraint('previous', name=op.f('uq_audit_seals_previous')),
        sa.UniqueConstraint('hash', name=op.f('uq_audit_seals_hash')),
    )
    op.create_table(
        'audit_sealed',
        sa.Column('audit_id', sa.Integer(), autoincrement=False, nullable=False),
        sa.Column('seal', sa.Integer(), nullable=True),
        sa.Column('salt', sa.Text(), nullable=True),
        sa.Column('digest', sa.Text(), nullable=True),
        sa.Column('removed_by', sa.Integer(), nullable=True),
        sa.CheckConstraint('(seal IS NULL) = (digest IS NULL)', name=op.f('ck_audit_sealed_sealed_means_hashed')),
        sa.ForeignKeyConstraint(['seal'], ['audit_seals.number'], name=op.f('fk_audit_sealed_seal')),
        sa.ForeignKeyConstraint(['removed_by'], ['audit_seals.number'], name=op.f('fk_audit_sealed_removed_by')),
        sa.PrimaryKeyConstraint('audit_id', name=op.f('pk_audit_sealed')),
    )
    op.create_index('ix_audit_sealed_seal', 'audit_sealed', ['seal', 'audit_id'])
    op.create_index(
        'ix_audit_sealed_waiting', 'audit_sealed', ['audit_id'], sqlite_where=_WAITING, postgresql_where=_WAITING
    )
    op.create_table(
        'audit_turns',
        sa.Column('name', sa.Text(), nullable=False),
        sa.Column('next_at', _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_audit_turns')),
    )
    op.execute('INSERT INTO audit_sealed (audit_id) SELECT id FROM audit')
    _refuse()


def _refuse() -> None:
    """Have the database itself keep the audit as it was written, and note each new row as one to be sealed."""
    if op.get_bind().dialect.name == 'sqlite':
        for table, event, holds, says in _REFUSALS:
            op.execute(_SQLITE.format(table=table, event=event.lower(), holds=holds, says=says))
        op.execute(
            'CREATE TRIGGER audit_to_be_sealed AFTER INSERT ON audit '
            'BEGIN INSERT INTO audit_sealed (audit_id) VALUES (NEW.id); END'
        )
        return
    for table, event, holds, says in _REFUSALS:
        name, row = f'{table}_{event.lower()}', 'OLD' if event == 'DELETE' else 'NEW'
        op.execute(_POSTGRESQL.format(table=table, event=event.lower(), holds=holds, says=says, row=row))
        op.execute(
            f'CREATE TRIGGER {name}_refused BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION provisor_{name}()'
        )
    op.execute(_EMPTYING)
    for table in ('audit', 'audit_sealed', 'audit_seals'):
        op.execute(
            f'CREATE TRIGGER {table}_emptying_refused BEFORE TRUNCATE ON {table} '
            'FOR EACH STATEMENT EXECUTE FUNCTION provisor_audit_emptied()'
        )
    op.execute(_TO_BE_SEALED)
    op.execute(
        'CREATE TRIGGER audit_to_be_sealed AFTER INSERT ON audit REFERENCING NEW TABLE AS born '
        'FOR EACH STATEMENT EXECUTE FUNCTION provisor_audit_to_be_sealed()'
    )


def downgrade() -> None:
    sqlite = op.get_bind().dialect.name == 'sqlite'
    on = '' if sqlite else ' ON {table}'
    op.execute('DROP TRIGGER audit_to_be_sealed' + on.format(table='audit'))
    for table, event, _, _ in _REFUSALS:
        op.execute(f'DROP TRIGGER {table}_{event.lower()}_refused' + on.format(table=table))
    if not sqlite:
        for table in ('audit', 'audit_sealed', 'audit_seals'):
            op.execute(f'DROP TRIGGER {table}_emptying_refused ON {table}')
        for table, event, _, _ in _REFUSALS:
            op.execute(f'DROP FUNCTION provisor_{table}_{event.lower()}()')
        op.execute('DROP FUNCTION provisor_audit_emptied()')
        op.execute('DROP FUNCTION provisor_audit_to_be_sealed()')
    for table in ('audit_turns', 'audit_sealed', 'audit_seals'):
        op.drop_table(table)
    op.drop_column('parts', 'facts')
