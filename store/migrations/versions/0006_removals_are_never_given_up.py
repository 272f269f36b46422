"""Removals are never given up: the state blocked, and what is known of each write and of each look."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables
from store.migrations.checks import exchange_checks

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

_COLUMNS = (
    ('accepted_at', store.tables.Moment(timezone=True)),
    ('shown_since', store.tables.Moment(timezone=True)),
    ('obstacle', sa.Text()),
    ('blocked_at', store.tables.Moment(timezone=True)),
    ('retried_at', store.tables.Moment(timezone=True)),
)

_INDEXES = (
    ('ix_claims_account_id', 'claims', ['account_id']),
    ('ix_claims_email', 'claims', ['email']),
    ('ix_requests_subject', 'requests', ['subject', 'state']),
)

#: (table, constraint, before, after); a constraint that is new has nothing before, one that goes has nothing after.
_CHECKS = (
    (
        'requests',
        'ck_requests_state_known',
        "state IN ('received', 'planned', 'fulfilling', 'done', 'refused', 'failed', 'withdrawn')",
        "state IN ('received', 'planned', 'fulfilling', 'done', 'refused', 'failed', 'withdrawn', 'blocked')",
    ),
    (
        'requests',
        'ck_requests_no_means_a_reason',
        "state NOT IN ('refused', 'failed') OR reason IS NOT NULL",
        "state NOT IN ('refused', 'failed', 'blocked') OR reason IS NOT NULL",
    ),
    (
        'operations',
        'ck_operations_state_known',
        "state IN ('waiting', 'ready', 'running', 'with_person', 'done', 'failed', 'dropped')",
        "state IN ('waiting', 'ready', 'running', 'with_person', 'done', 'failed', 'dropped', 'blocked')",
    ),
    ('operations', 'ck_operations_obstacle_known', None, "obstacle IN ('refused', 'unseen')"),
    (
        'operations',
        'ck_operations_blocked_means_a_removal',
        None,
        "state <> 'blocked' OR (direction = 'take' AND error IS NOT NULL AND obstacle IS NOT NULL"
        " AND blocked_at IS NOT NULL)",
    ),
)

_STEPS = (
    ('operation', 'blocked', 'done'),
    ('operation', 'blocked', 'dropped'),
    ('operation', 'blocked', 'ready'),
    ('operation', 'running', 'blocked'),
    ('operation', 'with_person', 'blocked'),
    ('request', 'blocked', 'done'),
    ('request', 'blocked', 'fulfilling'),
    ('request', 'blocked', 'refused'),
    ('request', 'blocked', 'withdrawn'),
    ('request', 'fulfilling', 'blocked'),
    ('request', 'planned', 'blocked'),
    ('request', 'received', 'blocked'),
)


def upgrade() -> None:
    for name, kind in _COLUMNS:
        op.add_column('operations', sa.Column(name, kind, nullable=True))
    op.add_column('claims', sa.Column('email', sa.Text(), nullable=True))
    op.execute(
        'UPDATE claims SET email = ('
        'SELECT lower(max(operations.email)) FROM operations WHERE operations.claim_id = claims.id)'
    )
    for name, table, columns in _INDEXES:
        op.create_index(name, table, columns)
    exchange_checks(_CHECKS)
    lifecycle = sa.table('lifecycle', sa.column('entity'), sa.column('from_state'), sa.column('to_state'))
    op.bulk_insert(lifecycle, [{'entity': e, 'from_state': f, 'to_state': t} for e, f, t in _STEPS])


def downgrade() -> None:
    for entity, start, end in _STEPS:
        op.execute(
            f"DELETE FROM lifecycle WHERE entity = '{entity}' AND from_state = '{start}' AND to_state = '{end}'"
        )
    exchange_checks(tuple((table, name, new, old) for table, name, old, new in _CHECKS))
    for name, table, _ in _INDEXES:
        op.drop_index(name, table_name=table)
    op.drop_column('claims', 'email')
    for name, _ in _COLUMNS:
        op.drop_column('operations', name)
