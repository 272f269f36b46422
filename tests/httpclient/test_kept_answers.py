"""Answers that serve more than one reader: never longer than each of them is content with, and never past a write."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.failures import Transient
from httpclient import Response, read_again, shared_reads
from httpclient.kept_answers import KeptAnswers

NOW = datetime(2026, 11, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = 60 * SECOND


class Service:
    """A service that answers with the number of the read, and a client's answers."""

    def __init__(self, status: int = 200) -> None:
        self.kept = KeptAnswers()
        self.status = status
        self.reads = 0

    def read(self, name: str = "thing", *, at_most_old: timedelta | None = None, now: datetime = NOW) -> int:
        return int(self.kept.answer(name, self._read, at_most_old=at_most_old, now=now).body)

    def _read(self) -> Response:
        self.reads += 1
        return Response(self.status, body=self.reads)


def test_without_a_block_every_read_is_made() -> None:
    service = Service()
    assert [service.read(), service.read()] == [1, 2]


def test_in_a_block_a_read_is_made_once_until_something_is_written() -> None:
    service = Service()
    with shared_reads():
        assert [service.read(), service.read("other"), service.read()] == [1, 2, 1]
        read_again()
        assert service.read() == 3
    assert service.read() == 4


def test_two_clients_share_nothing() -> None:
    one, other = Service(), Service()
    with shared_reads():
        one.read()
        other.read()
    assert (one.reads, other.reads) == (1, 1)


def test_a_recent_answer_never_serves_who_wants_one_of_now() -> None:
    """A block that met an old answer does not hand it to the next reader as if it were its own."""
    service = Service()
    service.read(at_most_old=MINUTE)
    with shared_reads():
        assert service.read(at_most_old=MINUTE) == 1
        assert service.read() == 2


def test_in_a_block_that_begins_anew_no_older_answer_serves_anybody() -> None:
    service = Service()
    service.read(at_most_old=MINUTE)
    with shared_reads(anew=True):
        assert [service.read(at_most_old=MINUTE), service.read(at_most_old=MINUTE)] == [2, 2]
    assert service.read(at_most_old=MINUTE) == 2


def test_what_was_not_found_is_asked_for_again() -> None:
    service = Service(status=404)
    assert [service.read(at_most_old=MINUTE), service.read(at_most_old=MINUTE)] == [1, 2]


def test_an_answer_that_is_none_of_the_service_is_not_kept() -> None:
    kept, bodies = KeptAnswers(), iter(("<html>Back soon</html>", {"surprise": True}, ["found"]))

    def read() -> list[str]:
        return kept.answer("thing", lambda: Response(200, body=next(bodies)), at_most_old=MINUTE, now=NOW).read_as(
            list[str], what="things"
        )

    for _ in range(2):
        with pytest.raises(Transient):
            read()
    assert [read(), read()] == [["found"], ["found"]]


def test_another_credential_sees_nothing_of_what_the_one_before_saw() -> None:
    service = Service()
    service.read(at_most_old=MINUTE)
    service.kept.forget()
    assert service.read(at_most_old=MINUTE) == 2


@given(st.lists(st.tuples(st.integers(0, 90), st.sampled_from((None, 0, 10, 60))), max_size=30))
def test_no_reader_gets_an_answer_that_is_older_than_it_is_content_with(
    reads: Sequence[tuple[int, int | None]],
) -> None:
    service, now, read_at = Service(), NOW, [NOW]
    for later, most in reads:
        now += later * SECOND
        before = service.reads
        number = service.read(at_most_old=None if most is None else most * SECOND, now=now)
        if service.reads > before:
            read_at.append(now)
        assert now - read_at[number] <= (most or 0) * SECOND
        assert most is not None or number == service.reads
