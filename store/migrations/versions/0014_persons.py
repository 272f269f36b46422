"""Persons, the accounts joined to them, and what is disputed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0014'
down_revision = '0012'
branch_labels = None
depends_on = None

_MOMENT = store.tables.Moment(timezone=True)


def upgrade() -> None:
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


def downgrade() -> None:
    for table in ('person_sources', 'person_disputes', 'person_splits', 'person_accounts', 'persons'):
        op.drop_table(table)
