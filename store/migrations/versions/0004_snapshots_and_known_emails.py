"""Tables by the field's words: snapshots instead of pictures, e-mail addresses instead of addresses."""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

_TABLES = (('pictures', 'snapshots'), ('picture_parts', 'snapshot_parts'), ('known_addresses', 'known_emails'))


def upgrade() -> None:
    _rename(_TABLES)


def downgrade() -> None:
    _rename([(new, old) for old, new in _TABLES])


def _rename(tables: Sequence[tuple[str, str]]) -> None:
    for old, new in tables:
        op.rename_table(old, new)
        if op.get_bind().dialect.name == 'postgresql':
            _rename_on_postgresql(old, new)
    before, after = tables[1]
    with op.batch_alter_table(after, schema=None) as batch_op:
        batch_op.drop_index(f'ix_{before}_part_id')
        batch_op.create_index(f'ix_{after}_part_id', ['part_id'], unique=False)


def _rename_on_postgresql(old: str, new: str) -> None:
    """Constraints carry the name of their table; SQLite has them in the text of the table, and nothing asks for them by name."""
    names = op.get_bind().exec_driver_sql(
        "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass", (new,)
    ).scalars().all()
    for name in names:
        if f'_{old}' in name:
            op.execute(f'ALTER TABLE {new} RENAME CONSTRAINT {name} TO {name.replace(f"_{old}", f"_{new}", 1)}')
