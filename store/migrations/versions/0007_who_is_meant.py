"""Who is meant: whether an account was proven, what a person decided, and which organization or site a system is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of claims that stand it is not known: what takes more than they gave waits for a person where nothing else proves it.
    op.add_column('claims', sa.Column('account_proven', sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column('requests', sa.Column('settled_account', sa.Text(), nullable=True))
    op.add_column('requests', sa.Column('candidates', sa.JSON(none_as_null=True), nullable=True))
    op.create_table('tenants',
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('known_since', store.tables.Moment(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('system', name=op.f('pk_tenants'))
    )


def downgrade() -> None:
    op.drop_table('tenants')
    op.drop_column('requests', 'candidates')
    op.drop_column('requests', 'settled_account')
    op.drop_column('claims', 'account_proven')
