"""Pictures of the systems, and the rate budget."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('accounts',
    sa.Column('part_id', sa.Integer(), nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('username', sa.Text(), nullable=True),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('email_source', sa.Text(), nullable=True),
    sa.Column('created_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('last_active', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('attributes', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('part_id', 'id', name=op.f('pk_accounts')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.create_index('ix_accounts_email', ['email'], unique=False)
        batch_op.create_index('ix_accounts_id', ['id'], unique=False)

    op.create_table('budgets',
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('endpoint_class', sa.Text(), nullable=False),
    sa.Column('tokens', sa.Float(), nullable=False),
    sa.Column('refilled_at', store.tables.Moment(timezone=True), nullable=False),
    sa.Column('blocked_until', store.tables.Moment(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('system', 'endpoint_class', name=op.f('pk_budgets'))
    )
    op.create_table('grants',
    sa.Column('part_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('resource', sa.Text(), nullable=False),
    sa.Column('principal_kind', sa.Text(), nullable=False),
    sa.Column('principal', sa.Text(), nullable=False),
    sa.Column('since', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('first_seen', store.tables.Moment(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('part_id', 'kind', 'resource', 'principal_kind', 'principal', name=op.f('pk_grants')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('grants', schema=None) as batch_op:
        batch_op.create_index('ix_grants_held_by_group', ['principal'], unique=False, sqlite_where=sa.text("principal_kind = 'group'"), postgresql_where=sa.text("principal_kind = 'group'"))
        batch_op.create_index('ix_grants_principal', ['principal'], unique=False)

    op.create_table('parts',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('read_at', store.tables.Moment(timezone=True), nullable=False),
    sa.Column('rows', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('complete', sa.Boolean(), server_default=sa.text('(false)'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_parts'))
    )
    op.create_table('resources',
    sa.Column('part_id', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('parent', sa.Text(), nullable=True),
    sa.Column('url', sa.Text(), nullable=True),
    sa.Column('attributes', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('part_id', 'kind', 'id', name=op.f('pk_resources')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('resources', schema=None) as batch_op:
        batch_op.create_index('ix_resources_id', ['id', 'kind'], unique=False)

    op.create_table('sync_runs',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('plan', sa.JSON(), nullable=True),
    sa.Column('stage', sa.Integer(), server_default=sa.text('(-1)'), nullable=False),
    sa.Column('previous_run_id', sa.Text(), nullable=True),
    sa.Column('started_at', store.tables.Moment(timezone=True), nullable=False),
    sa.Column('finished_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('calls', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('tries', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('credential_of', sa.Text(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('due_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('dispatched_until', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('lease_until', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('fence', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint("state <> 'failed' OR error IS NOT NULL", name=op.f('ck_sync_runs_failed_means_a_reason')),
    sa.CheckConstraint("state IN ('running', 'complete', 'failed')", name=op.f('ck_sync_runs_state_known')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sync_runs'))
    )
    with op.batch_alter_table('sync_runs', schema=None) as batch_op:
        batch_op.create_index('ix_sync_runs_due', ['due_at'], unique=False)
        batch_op.create_index('ix_sync_runs_system', ['system', 'started_at'], unique=False)
        batch_op.create_index('uq_sync_runs_one_running', ['system'], unique=True, sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))

    op.create_table('sync_schedule',
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('next_at', store.tables.Moment(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('system', name=op.f('pk_sync_schedule'))
    )
    op.create_table('picture_parts',
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('part_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['part_id'], ['parts.id'], name=op.f('fk_picture_parts_part_id')),
    sa.ForeignKeyConstraint(['run_id'], ['sync_runs.id'], name=op.f('fk_picture_parts_run_id')),
    sa.PrimaryKeyConstraint('run_id', 'name', name=op.f('pk_picture_parts'))
    )
    with op.batch_alter_table('picture_parts', schema=None) as batch_op:
        batch_op.create_index('ix_picture_parts_part_id', ['part_id'], unique=False)

    op.create_table('pictures',
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('full_run_at', store.tables.Moment(timezone=True), nullable=False),
    sa.Column('began_at', store.tables.Moment(timezone=True), nullable=False),
    sa.Column('completed_at', store.tables.Moment(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['sync_runs.id'], name=op.f('fk_pictures_run_id')),
    sa.PrimaryKeyConstraint('system', name=op.f('pk_pictures'))
    )
    op.create_table('sync_shards',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('stage', sa.Integer(), nullable=False),
    sa.Column('parts', sa.JSON(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('tries', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('due_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('lease_until', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('fence', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint("state IN ('ready', 'done')", name=op.f('ck_sync_shards_state_known')),
    sa.ForeignKeyConstraint(['run_id'], ['sync_runs.id'], name=op.f('fk_sync_shards_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_sync_shards'))
    )
    with op.batch_alter_table('sync_shards', schema=None) as batch_op:
        batch_op.create_index('ix_sync_shards_run_id', ['run_id', 'state', 'due_at'], unique=False)



def downgrade() -> None:
    with op.batch_alter_table('sync_shards', schema=None) as batch_op:
        batch_op.drop_index('ix_sync_shards_run_id')

    op.drop_table('sync_shards')
    op.drop_table('pictures')
    with op.batch_alter_table('picture_parts', schema=None) as batch_op:
        batch_op.drop_index('ix_picture_parts_part_id')

    op.drop_table('picture_parts')
    op.drop_table('sync_schedule')
    with op.batch_alter_table('sync_runs', schema=None) as batch_op:
        batch_op.drop_index('uq_sync_runs_one_running', sqlite_where=sa.text("state = 'running'"), postgresql_where=sa.text("state = 'running'"))
        batch_op.drop_index('ix_sync_runs_system')
        batch_op.drop_index('ix_sync_runs_due')

    op.drop_table('sync_runs')
    with op.batch_alter_table('resources', schema=None) as batch_op:
        batch_op.drop_index('ix_resources_id')

    op.drop_table('resources')
    op.drop_table('parts')
    with op.batch_alter_table('grants', schema=None) as batch_op:
        batch_op.drop_index('ix_grants_principal')
        batch_op.drop_index('ix_grants_held_by_group', sqlite_where=sa.text("principal_kind = 'group'"), postgresql_where=sa.text("principal_kind = 'group'"))

    op.drop_table('grants')
    op.drop_table('budgets')
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.drop_index('ix_accounts_id')
        batch_op.drop_index('ix_accounts_email')

    op.drop_table('accounts')
