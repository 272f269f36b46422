"""A sequence of requests instead of clocks, a lease for the intake, and dead letters of bounded size."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

_KEPT = 1024 * 1024
_BEGINNING = 64 * 1024


def upgrade() -> None:
    _number_requests()
    op.create_table('intake_lease',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('until', store.tables.Moment(timezone=True), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_intake_lease_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_intake_lease'))
    )
    with op.batch_alter_table('dead_letters', schema=None) as batch_op:
        batch_op.add_column(sa.Column('properties', sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column('length', sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column('sha256', sa.Text(), nullable=True))
        batch_op.add_column(sa.Column('acknowledged_at', store.tables.Moment(timezone=True), nullable=True))
        batch_op.add_column(sa.Column('acknowledged_why', sa.Text(), nullable=True))
    _measure_dead_letters()
    with op.batch_alter_table('dead_letters', schema=None) as batch_op:
        batch_op.alter_column('length', existing_type=sa.BigInteger(), nullable=False)
        batch_op.alter_column('sha256', existing_type=sa.Text(), nullable=False)
        batch_op.create_index('ix_dead_letters_sha256', ['sha256'], unique=False)
        batch_op.create_index('ix_dead_letters_received_at', ['received_at'], unique=False)


def _number_requests() -> None:
    op.add_column('requests', sa.Column('sequence', sa.BigInteger(), nullable=True))
    op.execute(
        'UPDATE requests SET sequence = numbered.place FROM '
        '(SELECT id, row_number() OVER (ORDER BY received_at, id) AS place FROM requests) AS numbered '
        'WHERE numbered.id = requests.id'
    )
    op.create_index('ix_requests_sequence', 'requests', ['sequence'], unique=True)


def _measure_dead_letters() -> None:
    """One at a time: until now they were kept whole, however long they were."""
    connection = op.get_bind()
    numbers = connection.execute(sa.text('SELECT id FROM dead_letters')).scalars().all()
    for number in numbers:
        body = bytes(connection.execute(sa.text('SELECT body FROM dead_letters WHERE id = :n'), {'n': number}).scalar_one())
        kept = body if len(body) <= _KEPT else body[:_BEGINNING]
        connection.execute(
            sa.text('UPDATE dead_letters SET body = :body, length = :length, sha256 = :sha256 WHERE id = :n'),
            {'body': kept, 'length': len(body), 'sha256': hashlib.sha256(body).hexdigest(), 'n': number},
        )


def downgrade() -> None:
    with op.batch_alter_table('dead_letters', schema=None) as batch_op:
        batch_op.drop_index('ix_dead_letters_received_at')
        batch_op.drop_index('ix_dead_letters_sha256')
        for name in ('acknowledged_why', 'acknowledged_at', 'sha256', 'length', 'properties'):
            batch_op.drop_column(name)
    op.drop_table('intake_lease')
    op.drop_index('ix_requests_sequence', table_name='requests')
    op.drop_column('requests', 'sequence')
