"""Exchanges checks of tables that have rows, on both databases."""

from __future__ import annotations

from collections.abc import Sequence

from alembic import op

#: Table, name of the constraint, its condition before, and after; None where there is none.
Exchange = tuple[str, str, str | None, str | None]


def exchange_checks(checks: Sequence[Exchange]) -> None:
    """Put a check in the place of another. Raises ``RuntimeError`` for a table of SQLite that is not of the form before."""
    if op.get_bind().dialect.name == "sqlite":
        _exchange_on_sqlite(checks)
        return
    for table, name, old, new in checks:
        if old is not None:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        if new is not None:
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({new})")


def _exchange_on_sqlite(checks: Sequence[Exchange]) -> None:
    """Change the text of the tables: SQLite has no other way to change a check of a table with rows, keys and triggers.

    This is the procedure that SQLite documents for changes that leave the stored rows as they are ("Making Other Kinds Of
    Table Schema Changes" in its page on ALTER TABLE).
    """
    connection = op.get_bind()
    version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
    connection.exec_driver_sql("PRAGMA writable_schema=ON")
    for table, name, old, new in checks:
        text = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)
        ).scalar_one()
        changed = _changed(text, table, _check(name, old), _check(name, new))
        connection.exec_driver_sql(
            "UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (changed, table)
        )
    connection.exec_driver_sql(f"PRAGMA schema_version={version + 1}")
    connection.exec_driver_sql("PRAGMA writable_schema=RESET")


def _check(name: str, condition: str | None) -> str:
    return "" if condition is None else f"CONSTRAINT {name} CHECK ({condition})"


def _changed(text: str, table: str, old: str, new: str) -> str:
    # A new check stands before the primary key, which each of the tables has.
    anchor = f"CONSTRAINT pk_{table} "
    before, after = (old, new) if old and new else (anchor, f"{new}, \n\t{anchor}") if new else (f"{old}, \n\t", "")
    if text.count(before) != 1:
        raise RuntimeError(
            f"The table {table} is not of the form of the revision before: {before!r} is not there once."
        )
    return text.replace(before, after)
