"""Plans with their lines, what the fuse has counted, and what reconciliation keeps."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables
from store.migrations.checks import exchange_checks

revision = '0012'
down_revision = '0009'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)

#: (table, constraint, before, after).
_CHECKS = (
    (
        'alarms',
        'ck_alarms_kind_known',
        "kind IN ('fault', 'blocked', 'late')",
        "kind IN ('fault', 'blocked', 'late', 'held')",
    ),
    (
        'alarms',
        'ck_alarms_entity_known',
        "entity IN ('fault', 'request', 'operation')",
        "entity IN ('fault', 'request', 'operation', 'plan', 'producer')",
    ),
)

_STEPS = (
    ('plan', '', 'open'),
    ('plan', 'approved', 'done'),
    ('plan', 'approved', 'dropped'),
    ('plan', 'approved', 'held'),
    ('plan', 'held', 'approved'),
    ('plan', 'held', 'done'),
    ('plan', 'held', 'dropped'),
    ('plan', 'open', 'approved'),
    ('plan', 'open', 'done'),
    ('plan', 'open', 'dropped'),
    ('plan', 'open', 'held'),
    ('plan_line', '', 'waiting'),
    ('plan_line', 'begun', 'done'),
    ('plan_line', 'begun', 'failed'),
    ('plan_line', 'waiting', 'begun'),
    ('plan_line', 'waiting', 'done'),
    ('plan_line', 'waiting', 'dropped'),
)

_LIVING = {'plans': 'plan', 'plan_lines': 'plan_line'}

_SQLITE_TRIGGER = """
CREATE TRIGGER {table}_step_{when} BEFORE {event} ON {table}
WHEN {guard} NOT EXISTS (
    SELECT 1 FROM lifecycle WHERE entity = '{entity}' AND from_state = {start} AND to_state = NEW.state
)
BEGIN
    SELECT RAISE(ABORT, 'a {entity} may not take this step');
END
"""


def upgrade() -> None:
    _make_plans()
    _make_fuse()
    _make_managed()
    _make_findings()
    exchange_checks(_CHECKS)
    _enforce_lifecycle()


def _make_plans() -> None:
    op.create_table(
        'plans',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('sequence', sa.Integer(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('title', sa.Text(), nullable=False),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('maker', sa.Text(), nullable=True),
        sa.Column('made_at', _MOMENT, nullable=False),
        sa.Column('automatic', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('person', sa.Text(), nullable=True),
        sa.Column('certificate', sa.JSON(), nullable=False),
        sa.Column('approved_by', sa.Text(), nullable=True),
        sa.Column('approved_why', sa.Text(), nullable=True),
        sa.Column('approved_at', _MOMENT, nullable=True),
        sa.Column('self_approved', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('beyond_fuse', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('held_why', sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('open', 'approved', 'held', 'done', 'dropped')", name=op.f('ck_plans_state_known')
        ),
        sa.CheckConstraint("kind IN ('reconcile', 'leaver', 'bulk', 'restore', 'clock')", name=op.f('ck_plans_kind_known')),
        sa.CheckConstraint(
            "state <> 'approved' OR (approved_by IS NOT NULL AND approved_why IS NOT NULL AND approved_at IS NOT NULL)",
            name=op.f('ck_plans_approved_means_by_somebody'),
        ),
        sa.CheckConstraint("state <> 'held' OR held_why IS NOT NULL", name=op.f('ck_plans_held_means_a_reason')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_plans')),
        sa.UniqueConstraint('sequence', name=op.f('uq_plans_sequence')),
    )
    op.create_index('ix_plans_state', 'plans', ['state'])
    op.create_table(
        'plan_lines',
        sa.Column('id', sa.Text(), nullable=False),
        sa.Column('plan_id', sa.Text(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False),
        sa.Column('reaction', sa.Text(), nullable=False),
        sa.Column('system', sa.Text(), nullable=False),
        sa.Column('account_id', sa.Text(), nullable=False),
        sa.Column('account_title', sa.Text(), nullable=False),
        sa.Column('entitlement', sa.Text(), nullable=True),
        sa.Column('title', sa.Text(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('finding_id', sa.Text(), nullable=True),
        sa.Column('claim_id', sa.Text(), nullable=True),
        sa.Column('weight', sa.Integer(), server_default=sa.text('0'), nullable=False),
        sa.Column('ends_at', _MOMENT, nullable=True),
        sa.Column('state', sa.Text(), nullable=False),
        sa.Column('request_id', sa.Text(), nullable=True),
        sa.Column('note', sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'begun', 'done', 'failed', 'dropped')", name=op.f('ck_plan_lines_state_known')
        ),
        sa.CheckConstraint(
            "reaction IN ('take', 'give', 'deprovision', 'ticket', 'none')", name=op.f('ck_plan_lines_reaction_known')
        ),
        sa.CheckConstraint(
            "state NOT IN ('begun', 'failed') OR request_id IS NOT NULL",
            name=op.f('ck_plan_lines_begun_means_a_request'),
        ),
        sa.CheckConstraint(
            "reaction NOT IN ('take', 'give', 'ticket') OR entitlement IS NOT NULL",
            name=op.f('ck_plan_lines_access_means_an_entitlement'),
        ),
        sa.ForeignKeyConstraint(['plan_id'], ['plans.id'], name=op.f('fk_plan_lines_plan_id')),
        sa.ForeignKeyConstraint(['request_id'], ['requests.id'], name=op.f('fk_plan_lines_request_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_plan_lines')),
        sa.UniqueConstraint('request_id', name=op.f('uq_plan_lines_request_id')),
    )
    op.create_index('uq_plan_lines_number', 'plan_lines', ['plan_id', 'number'], unique=True)
    op.create_index('ix_plan_lines_state', 'plan_lines', ['plan_id', 'state', 'weight'])
    found = sa.text('finding_id IS NOT NULL')
    op.create_index(
        'ix_plan_lines_finding_id', 'plan_lines', ['finding_id'], sqlite_where=found, postgresql_where=found
    )


def _make_fuse() -> None:
    op.create_table(
        'fuse_scopes',
        sa.Column('scope', sa.Text(), nullable=False),
        sa.Column('seen_at', _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint('scope', name=op.f('pk_fuse_scopes')),
    )
    op.create_table(
        'fuse_counts',
        sa.Column('scope', sa.Text(), nullable=False),
        sa.Column('ref', sa.Text(), nullable=False),
        sa.Column('at', _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(['scope'], ['fuse_scopes.scope'], name=op.f('fk_fuse_counts_scope')),
        sa.PrimaryKeyConstraint('scope', 'ref', name=op.f('pk_fuse_counts')),
    )
    op.create_index('ix_fuse_counts_at', 'fuse_counts', ['scope', 'at'])


def _make_managed() -> None:
    op.create_table(
        'managed',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        sa.Column('system', sa.Text(), nullable=False),
        sa.Column('kind', sa.Text(), nullable=False),
        sa.Column('resource', sa.Text(), nullable=False),
        sa.Column('entitlement', sa.Text(), nullable=False),
        sa.Column('title', sa.Text(), nullable=False),
        sa.Column('profile', sa.Text(), nullable=False),
        sa.Column('auto', sa.Boolean(), nullable=False),
        sa.Column('ticket', sa.Boolean(), nullable=False),
        sa.Column('gone', sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column('baseline_run_id', sa.Text(), nullable=True),
        sa.Column('baseline_at', _MOMENT, nullable=True),
        sa.CheckConstraint("profile IN ('watch', 'mend', 'strict')", name=op.f('ck_managed_profile_known')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_managed')),
    )
    op.create_index('uq_managed_resource', 'managed', ['system', 'kind', 'resource'], unique=True)
    op.create_index('uq_managed_entitlement', 'managed', ['entitlement'], unique=True)
    op.create_table(
        'baseline',
        sa.Column('managed_id', sa.Integer(), nullable=False),
        sa.Column('holder_kind', sa.Text(), nullable=False),
        sa.Column('holder', sa.Text(), nullable=False),
        sa.Column('doubted_at', _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(['managed_id'], ['managed.id'], name=op.f('fk_baseline_managed_id')),
        sa.PrimaryKeyConstraint('managed_id', 'holder_kind', 'holder', name=op.f('pk_baseline')),
        sqlite_with_rowid=False,
    )
    doubted = sa.text('doubted_at IS NOT NULL')
    op.create_index(
        'ix_baseline_doubted_at', 'baseline', ['doubted_at'], sqlite_where=doubted, postgresql_where=doubted
    )


def _make_findings() -> None:
    texts = ('kind', 'system', 'key', 'account_id', 'account_title', 'title', 'detail')
    flags = ('holder_is_group', 'ours')
    op.create_table(
        'findings',
        sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        *(sa.Column(name, sa.Text(), nullable=True) for name in ('entitlement', 'claim_id', 'request_id')),
        *(sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False) for name in flags),
        sa.Column('first_run_id', sa.Text(), nullable=False),
        sa.Column('first_seen_at', _MOMENT, nullable=False),
        sa.Column('last_seen_at', _MOMENT, nullable=True),
        sa.Column('done_by', sa.Text(), nullable=True),
        sa.Column('ignored_until', _MOMENT, nullable=True),
        sa.Column('ignored_by', sa.Text(), nullable=True),
        sa.Column('ignored_why', sa.Text(), nullable=True),
        sa.Column('adopted_by_request', sa.Text(), nullable=True),
        sa.Column('closed_at', _MOMENT, nullable=True),
        sa.Column('closed_why', sa.Text(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('missing', 'unexpected', 'returned', 'orphan', 'leftover', 'unverified', 'dangling', 'disputed')",
            name=op.f('ck_findings_kind_known'),
        ),
        sa.CheckConstraint(
            'closed_at IS NULL OR closed_why IS NOT NULL', name=op.f('ck_findings_closed_means_a_reason')
        ),
        sa.CheckConstraint(
            'ignored_until IS NULL OR (ignored_by IS NOT NULL AND ignored_why IS NOT NULL)',
            name=op.f('ck_findings_ignored_means_by_somebody'),
        ),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_findings')),
    )
    is_open = sa.text('closed_at IS NULL')
    op.create_index(
        'uq_findings_open',
        'findings',
        ['system', 'kind', 'key'],
        unique=True,
        sqlite_where=is_open,
        postgresql_where=is_open,
    )
    op.create_index('ix_findings_first_seen_at', 'findings', ['first_seen_at'])
    op.create_table(
        'reconciliations',
        sa.Column('system', sa.Text(), nullable=False),
        sa.Column('run_id', sa.Text(), nullable=True),
        sa.Column('policy', sa.Text(), nullable=True),
        sa.Column('began_at', _MOMENT, nullable=True),
        sa.Column('reconciled_at', _MOMENT, nullable=True),
        sa.Column('managed_grants', sa.Integer(), server_default=sa.text('0'), nullable=False),
        sa.Column('people', sa.Integer(), server_default=sa.text('0'), nullable=False),
        sa.Column('lease_until', _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint('system', name=op.f('pk_reconciliations')),
    )


def _enforce_lifecycle() -> None:
    table = sa.table('lifecycle', sa.column('entity'), sa.column('from_state'), sa.column('to_state'))
    op.bulk_insert(table, [{'entity': e, 'from_state': f, 'to_state': t} for e, f, t in _STEPS])
    sqlite = op.get_bind().dialect.name == 'sqlite'
    for name, entity in _LIVING.items():
        if sqlite:
            born = {'when': 'born', 'event': 'INSERT', 'guard': '', 'start': "''"}
            guard = 'NEW.state <> OLD.state AND'
            moved = {'when': 'moved', 'event': 'UPDATE OF state', 'guard': guard, 'start': 'OLD.state'}
            for form in (born, moved):
                op.execute(_SQLITE_TRIGGER.format(table=name, entity=entity, **form))
            continue
        calls = f"EXECUTE FUNCTION provisor_step('{entity}')"
        op.execute(f'CREATE TRIGGER {name}_born BEFORE INSERT ON {name} FOR EACH ROW {calls}')
        op.execute(
            f'CREATE TRIGGER {name}_moved BEFORE UPDATE OF state ON {name} '
            f'FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state) {calls}'
        )


def downgrade() -> None:
    for table in (
        'reconciliations',
        'findings',
        'baseline',
        'managed',
        'fuse_counts',
        'fuse_scopes',
        'plan_lines',
        'plans',
    ):
        op.drop_table(table)
    op.execute("DELETE FROM lifecycle WHERE entity IN ('plan', 'plan_line')")
    op.execute("DELETE FROM alarms WHERE kind = 'held'")
    exchange_checks(tuple((table, name, new, old) for table, name, old, new in _CHECKS))
