"""The first form."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import store.tables

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('audit',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('at', store.tables.Moment(timezone=True), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('entity', sa.Text(), nullable=False),
    sa.Column('entity_id', sa.Text(), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.Column('detail', sa.JSON(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit'))
    )
    with op.batch_alter_table('audit', schema=None) as batch_op:
        batch_op.create_index('ix_audit_request_id', ['request_id', 'id'], unique=False)

    op.create_table('dead_letters',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('content_type', sa.Text(), nullable=True),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('received_at', store.tables.Moment(timezone=True), nullable=False),
    sa.Column('resent_at', store.tables.Moment(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_dead_letters'))
    )
    op.create_table('inbox',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('content_type', sa.Text(), nullable=True),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('received_at', store.tables.Moment(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inbox'))
    )
    op.create_table('known_addresses',
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('email', sa.Text(), nullable=False),
    sa.Column('account_id', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('learned_at', store.tables.Moment(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('system', 'email', name=op.f('pk_known_addresses'))
    )
    op.create_table('lifecycle',
    sa.Column('entity', sa.Text(), nullable=False),
    sa.Column('from_state', sa.Text(), nullable=False),
    sa.Column('to_state', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('entity', 'from_state', 'to_state', name=op.f('pk_lifecycle'))
    )
    op.create_table('outbox',
    sa.Column('id', sa.Integer(), autoincrement=True, nullable=False),
    sa.Column('topic', sa.Text(), nullable=False),
    sa.Column('ref', sa.Text(), nullable=False),
    sa.Column('lane', sa.Text(), nullable=False),
    sa.Column('created_at', store.tables.Moment(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_outbox'))
    )
    op.create_table('requests',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('fingerprint', sa.Text(), nullable=False),
    sa.Column('body', sa.JSON(), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('entitlement', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('tries', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('received_at', store.tables.Moment(timezone=True), nullable=False),
    sa.Column('first_tried_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('finished_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('due_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('dispatched_until', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('lease_until', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('fence', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint("state IN ('received', 'planned', 'fulfilling', 'done', 'refused', 'failed', 'withdrawn')", name=op.f('ck_requests_state_known')),
    sa.CheckConstraint("state NOT IN ('refused', 'failed') OR reason IS NOT NULL", name=op.f('ck_requests_no_means_a_reason')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_requests'))
    )
    with op.batch_alter_table('requests', schema=None) as batch_op:
        batch_op.create_index('ix_requests_due', ['due_at'], unique=False, sqlite_where=sa.text('due_at IS NOT NULL'))
        batch_op.create_index('ix_requests_state', ['state', 'received_at'], unique=False)

    op.create_table('claims',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('account_id', sa.Text(), nullable=True),
    sa.Column('account_title', sa.Text(), nullable=False),
    sa.Column('entitlement', sa.Text(), nullable=False),
    sa.Column('named', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('access_key', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('pre_existing', sa.Boolean(), nullable=True),
    sa.Column('duration_seconds', sa.Float(), nullable=True),
    sa.Column('starts_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('ends_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('ended_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('why_ended', sa.Text(), nullable=True),
    sa.Column('ended_by', sa.Text(), nullable=True),
    sa.Column('due_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('dispatched_until', store.tables.Moment(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('pending', 'active', 'ending', 'ended', 'void')", name=op.f('ck_claims_state_known')),
    sa.CheckConstraint("state NOT IN ('active', 'ending') OR (starts_at IS NOT NULL AND account_id IS NOT NULL AND pre_existing IS NOT NULL)", name=op.f('ck_claims_active_means_seen')),
    sa.CheckConstraint('duration_seconds IS NULL OR starts_at IS NULL OR ends_at IS NOT NULL', name=op.f('ck_claims_an_end_is_kept')),
    sa.ForeignKeyConstraint(['request_id'], ['requests.id'], name=op.f('fk_claims_request_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_claims')),
    sa.UniqueConstraint('request_id', name=op.f('uq_claims_request_id'))
    )
    with op.batch_alter_table('claims', schema=None) as batch_op:
        batch_op.create_index('ix_claims_access_key', ['access_key', 'state'], unique=False)
        batch_op.create_index('ix_claims_due', ['due_at'], unique=False)

    op.create_table('operations',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=False),
    sa.Column('claim_id', sa.Text(), nullable=True),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('position', sa.Integer(), nullable=False),
    sa.Column('direction', sa.Text(), nullable=False),
    sa.Column('system', sa.Text(), nullable=False),
    sa.Column('entitlement', sa.Text(), nullable=False),
    sa.Column('named', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('url', sa.Text(), nullable=True),
    sa.Column('account_id', sa.Text(), nullable=True),
    sa.Column('account_title', sa.Text(), nullable=False),
    sa.Column('email', sa.Text(), nullable=True),
    sa.Column('products', sa.JSON(), nullable=False),
    sa.Column('access_key', sa.Text(), nullable=False),
    sa.Column('via', sa.Text(), nullable=False),
    sa.Column('why', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('before', sa.Text(), nullable=True),
    sa.Column('wrote_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('evidence', sa.Text(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('tries', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('created_at', store.tables.Moment(timezone=True), nullable=False),
    sa.Column('first_tried_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('verified_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('due_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('dispatched_until', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('lease_until', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('fence', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint("before IN ('present', 'absent')", name=op.f('ck_operations_before_known')),
    sa.CheckConstraint("direction IN ('give', 'take')", name=op.f('ck_operations_direction_known')),
    sa.CheckConstraint("purpose IN ('request', 'expiry')", name=op.f('ck_operations_purpose_known')),
    sa.CheckConstraint("state <> 'done' OR (verified_at IS NOT NULL AND evidence IS NOT NULL)", name=op.f('ck_operations_done_means_seen')),
    sa.CheckConstraint("state <> 'failed' OR error IS NOT NULL", name=op.f('ck_operations_failed_means_a_reason')),
    sa.CheckConstraint("state IN ('waiting', 'ready', 'running', 'with_person', 'done', 'failed', 'dropped')", name=op.f('ck_operations_state_known')),
    sa.CheckConstraint("via IN ('connector', 'ticket')", name=op.f('ck_operations_via_known')),
    sa.CheckConstraint("wrote_at IS NULL OR before IS NOT NULL OR via = 'ticket'", name=op.f('ck_operations_looked_before_writing')),
    sa.ForeignKeyConstraint(['claim_id'], ['claims.id'], name=op.f('fk_operations_claim_id')),
    sa.ForeignKeyConstraint(['request_id'], ['requests.id'], name=op.f('fk_operations_request_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_operations'))
    )
    with op.batch_alter_table('operations', schema=None) as batch_op:
        batch_op.create_index('ix_operations_due', ['due_at'], unique=False)
        batch_op.create_index('ix_operations_request_id', ['request_id', 'position'], unique=False)
        batch_op.create_index('uq_operations_one_at_an_access', ['access_key'], unique=True, sqlite_where=sa.text("state IN ('running', 'with_person')"), postgresql_where=sa.text("state IN ('running', 'with_person')"))

    op.create_table('tickets',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('operation_id', sa.Text(), nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('marker', sa.Text(), nullable=False),
    sa.Column('project', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('issue_id', sa.Text(), nullable=True),
    sa.Column('issue_key', sa.Text(), nullable=True),
    sa.Column('url', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=True),
    sa.Column('after_key', sa.Text(), nullable=True),
    sa.Column('tries', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('create_tried_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('answers', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.Column('answered_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('opened_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('closed_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('due_at', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('dispatched_until', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('lease_until', store.tables.Moment(timezone=True), nullable=True),
    sa.Column('fence', sa.Integer(), server_default=sa.text('0'), nullable=False),
    sa.CheckConstraint("state IN ('intended', 'open', 'answered', 'verified', 'declined', 'lost', 'withdrawn', 'escalated')", name=op.f('ck_tickets_state_known')),
    sa.CheckConstraint("state IN ('intended', 'withdrawn', 'lost') OR issue_id IS NOT NULL", name=op.f('ck_tickets_open_means_it_exists')),
    sa.ForeignKeyConstraint(['operation_id'], ['operations.id'], name=op.f('fk_tickets_operation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tickets')),
    sa.UniqueConstraint('marker', name=op.f('uq_tickets_marker'))
    )
    with op.batch_alter_table('tickets', schema=None) as batch_op:
        batch_op.create_index('ix_tickets_due', ['due_at'], unique=False)
        batch_op.create_index('uq_tickets_issue', ['provider', 'issue_id'], unique=True)
        batch_op.create_index('uq_tickets_one_for_an_operation', ['operation_id'], unique=True, sqlite_where=sa.text("state IN ('intended', 'open', 'answered')"), postgresql_where=sa.text("state IN ('intended', 'open', 'answered')"))

    _enforce_lifecycle()


#: What may follow what, as of this migration: (entity, from, to); "" is how an entity is born.
_STEPS = [
    ('claim', '', 'pending'),
    ('claim', 'active', 'ended'),
    ('claim', 'active', 'ending'),
    ('claim', 'ending', 'ended'),
    ('claim', 'pending', 'active'),
    ('claim', 'pending', 'void'),
    ('operation', '', 'ready'),
    ('operation', '', 'running'),
    ('operation', '', 'waiting'),
    ('operation', 'failed', 'ready'),
    ('operation', 'ready', 'dropped'),
    ('operation', 'ready', 'failed'),
    ('operation', 'ready', 'running'),
    ('operation', 'running', 'done'),
    ('operation', 'running', 'dropped'),
    ('operation', 'running', 'failed'),
    ('operation', 'running', 'ready'),
    ('operation', 'running', 'with_person'),
    ('operation', 'waiting', 'dropped'),
    ('operation', 'waiting', 'ready'),
    ('operation', 'with_person', 'done'),
    ('operation', 'with_person', 'dropped'),
    ('operation', 'with_person', 'failed'),
    ('operation', 'with_person', 'ready'),
    ('request', '', 'received'),
    ('request', 'failed', 'fulfilling'),
    ('request', 'fulfilling', 'done'),
    ('request', 'fulfilling', 'failed'),
    ('request', 'fulfilling', 'withdrawn'),
    ('request', 'planned', 'done'),
    ('request', 'planned', 'failed'),
    ('request', 'planned', 'fulfilling'),
    ('request', 'planned', 'received'),
    ('request', 'planned', 'refused'),
    ('request', 'planned', 'withdrawn'),
    ('request', 'received', 'done'),
    ('request', 'received', 'failed'),
    ('request', 'received', 'fulfilling'),
    ('request', 'received', 'planned'),
    ('request', 'received', 'refused'),
    ('request', 'received', 'withdrawn'),
    ('ticket', '', 'intended'),
    ('ticket', 'answered', 'declined'),
    ('ticket', 'answered', 'escalated'),
    ('ticket', 'answered', 'lost'),
    ('ticket', 'answered', 'open'),
    ('ticket', 'answered', 'verified'),
    ('ticket', 'answered', 'withdrawn'),
    ('ticket', 'intended', 'lost'),
    ('ticket', 'intended', 'open'),
    ('ticket', 'intended', 'withdrawn'),
    ('ticket', 'open', 'answered'),
    ('ticket', 'open', 'declined'),
    ('ticket', 'open', 'lost'),
    ('ticket', 'open', 'verified'),
    ('ticket', 'open', 'withdrawn'),
]

_LIVING = {"requests": "request", "operations": "operation", "claims": "claim", "tickets": "ticket"}

_SQLITE_TRIGGER = """
CREATE TRIGGER {table}_step_{when} BEFORE {event} ON {table}
WHEN {guard} NOT EXISTS (
    SELECT 1 FROM lifecycle WHERE entity = '{entity}' AND from_state = {start} AND to_state = NEW.state
)
BEGIN
    SELECT RAISE(ABORT, 'a {entity} may not take this step');
END
"""

_POSTGRESQL_FUNCTION = """
CREATE FUNCTION provisor_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    start text := '';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        start := OLD.state;
    END IF;
    IF NOT EXISTS (SELECT 1 FROM lifecycle WHERE entity = TG_ARGV[0] AND from_state = start AND to_state = NEW.state) THEN
        RAISE EXCEPTION 'a % may not step from "%" to "%"', TG_ARGV[0], start, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END
$$
"""


def _enforce_lifecycle() -> None:
    """Have the database itself refuse any step that is not in the table."""
    table = sa.table("lifecycle", sa.column("entity"), sa.column("from_state"), sa.column("to_state"))
    op.bulk_insert(table, [{"entity": e, "from_state": f, "to_state": t} for e, f, t in _STEPS])
    if op.get_bind().dialect.name == "sqlite":
        for name, entity in _LIVING.items():
            born = {"when": "born", "event": "INSERT", "guard": "", "start": "''"}
            moved = {"when": "moved", "event": "UPDATE OF state", "guard": "NEW.state <> OLD.state AND", "start": "OLD.state"}
            for form in (born, moved):
                op.execute(_SQLITE_TRIGGER.format(table=name, entity=entity, **form))
        return
    op.execute(_POSTGRESQL_FUNCTION)
    for name, entity in _LIVING.items():
        op.execute(
            f"CREATE TRIGGER {name}_born BEFORE INSERT ON {name} "
            f"FOR EACH ROW EXECUTE FUNCTION provisor_step('{entity}')"
        )
        op.execute(
            f"CREATE TRIGGER {name}_moved BEFORE UPDATE OF state ON {name} "
            f"FOR EACH ROW WHEN (NEW.state IS DISTINCT FROM OLD.state) EXECUTE FUNCTION provisor_step('{entity}')"
        )


def downgrade() -> None:
    with op.batch_alter_table('tickets', schema=None) as batch_op:
        batch_op.drop_index('uq_tickets_one_for_an_operation', sqlite_where=sa.text("state IN ('intended', 'open', 'answered')"), postgresql_where=sa.text("state IN ('intended', 'open', 'answered')"))
        batch_op.drop_index('uq_tickets_issue')
        batch_op.drop_index('ix_tickets_due')

    op.drop_table('tickets')
    with op.batch_alter_table('operations', schema=None) as batch_op:
        batch_op.drop_index('uq_operations_one_at_an_access', sqlite_where=sa.text("state IN ('running', 'with_person')"), postgresql_where=sa.text("state IN ('running', 'with_person')"))
        batch_op.drop_index('ix_operations_request_id')
        batch_op.drop_index('ix_operations_due')

    op.drop_table('operations')
    with op.batch_alter_table('claims', schema=None) as batch_op:
        batch_op.drop_index('ix_claims_due')
        batch_op.drop_index('ix_claims_access_key')

    op.drop_table('claims')
    with op.batch_alter_table('requests', schema=None) as batch_op:
        batch_op.drop_index('ix_requests_state')
        batch_op.drop_index('ix_requests_due', sqlite_where=sa.text('due_at IS NOT NULL'))

    op.drop_table('requests')
    op.drop_table('outbox')
    op.drop_table('lifecycle')
    op.drop_table('known_addresses')
    op.drop_table('inbox')
    op.drop_table('dead_letters')
    with op.batch_alter_table('audit', schema=None) as batch_op:
        batch_op.drop_index('ix_audit_request_id')

    op.drop_table('audit')
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION provisor_step()")
