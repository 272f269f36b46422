"""A PostgreSQL whose database or role has other defaults than ours: they decide nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from access.entitlements import System
from store.database import Database
from store.unit_of_work import Store, Unavailable
from tests.conftest import PostgreSQL
from tests.patience import until
from tests.store.records import NOW, add_request

DEFAULTS = [
    "datestyle=German,DMY",
    "timezone=America/St_Johns",
    "client_encoding=LATIN1",
    "default_transaction_isolation=repeatable\\ read",
    "default_transaction_isolation=serializable",
    "bytea_output=escape",
    "standard_conforming_strings=off",
]


@pytest.mark.parametrize("default", DEFAULTS)
def test_what_is_written_is_read_again_and_who_waited_sees_it(postgresql_url: str, default: str) -> None:
    """Who waits for a lock looks after its holder has committed, and not at what there was when the wait began."""
    store = Store(Database(f"{postgresql_url}?options={quote(f'-c {default}')}", pool_size=3))

    def wait_and_look() -> int:
        with store.write(holding="place") as work:
            return sum(work.requests.counts().values())

    with ThreadPoolExecutor(1) as other:
        with store.write(holding="place") as work:
            waiting = other.submit(wait_and_look)
            until(lambda: someone_waits(store), lambda: "the other to wait for the lock")
            add_request(work, reason="Für 💣 \\'")
            work.known_emails.learn(System.JIRA, "maße@example.com", "u1", source="test", now=NOW)
        assert waiting.result() == 1
    with store.read() as work:
        found = work.requests.get("r1")
    assert found is not None
    assert (found.message.reason, found.received_at) == ("Für 💣 \\'", NOW)
    store.database.close()


def someone_waits(store: Store) -> bool:
    with store.read() as work:
        statement = text(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
            "WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted"
        )
        return bool(work.connection.execute(statement).scalar_one())


def test_a_database_that_cannot_hold_every_text_judges_no_message(postgresql: PostgreSQL) -> None:
    address = postgresql.new(encoding="LATIN1")
    store = Store(Database(address, pool_size=1))
    with pytest.raises(Unavailable, match="encoded as LATIN1"), store.read() as work:
        work.requests.counts()
    store.database.close()
    postgresql.drop(str(make_url(address).render_as_string(hide_password=False)))
