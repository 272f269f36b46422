from datetime import UTC, datetime, timedelta

import pytest

from access.entitlements import System
from store.tables import known_emails
from store.unit_of_work import Store

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("asked", ["ada@bücher.example", "ADA@xn--bcher-kva.example"])
def test_an_account_is_known_by_every_form_of_its_address(store: Store, asked: str) -> None:
    with store.write() as work:
        work.known_emails.learn(System.JIRA, "Ada@BÜCHER.example", "a1", source="test", now=NOW)
    with store.read() as work:
        assert work.known_emails.account(System.JIRA, asked) == "a1"
        assert work.known_emails.account(System.JUMPCLOUD, asked) is None
        assert work.known_emails.account(System.JIRA, "ada@bucher.example") is None


def test_a_row_of_an_earlier_version_is_found_and_replaced(store: Store) -> None:
    earlier = {"system": "jira", "email": "ada@bücher.example", "account_id": "a1", "source": "test", "learned_at": NOW}
    with store.database.write() as connection:
        connection.execute(known_emails.insert().values(**earlier))
    with store.read() as work:
        assert work.known_emails.account(System.JIRA, "ada@bücher.example") == "a1"
    with store.write() as work:
        work.known_emails.learn(System.JIRA, "ada@bücher.example", "a2", source="test", now=NOW + timedelta(seconds=1))
    with store.read() as work:
        assert work.known_emails.all(System.JIRA) == {"a2": "ada@xn--bcher-kva.example"}
