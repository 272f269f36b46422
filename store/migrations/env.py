"""Alembic's entry: migrations run on the connection that ``migrate`` hands over, within its transaction."""

from __future__ import annotations

from alembic import context

import store.credential_tables
import store.event_tables
import store.leaver_tables
import store.ledger_tables
import store.person_tables
import store.snapshot_tables  # noqa: F401 - the tables it adds to the metadata are compared too
from store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
context.run_migrations()
