"""A list that changes while it is read by offset is either read completely or said to have shifted."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from connectors.paging import OffsetList, Page
from connectors.reading import Shifted
from httpclient import Fetcher

SIZE = 3


def read(pages: Sequence[tuple[str, int]], *, ascending: bool) -> str:
    """The rows of a list whose first page, second page, … show these rows and totals; pages overlap by one row."""
    stride = SIZE - 1

    def page(start: int) -> Page[str]:
        rows, total = pages[start // stride]
        return Page(rows, total)

    fetching = Fetcher(concurrency=1)
    whole = OffsetList(page=page, size=SIZE, key=str, ascending=ascending)
    return "".join(row for rows in whole.read(fetching) for row in rows)


@pytest.mark.parametrize("ascending", [True, False])
def test_a_list_that_stays_as_it_is_is_read_once(*, ascending: bool) -> None:
    assert read([("abc", 5), ("cde", 5)], ascending=ascending) == "abcde"


def test_rows_that_join_a_sorted_list_are_read_too() -> None:
    assert read([("abc", 5), ("cde", 6), ("ef", 6)], ascending=True) == "abcdef"


def test_rows_that_join_a_list_without_order_may_have_been_skipped() -> None:
    with pytest.raises(Shifted, match="had 5 rows, and then 6"):
        read([("abc", 5), ("cde", 6), ("ef", 6)], ascending=False)


@pytest.mark.parametrize("ascending", [True, False])
def test_a_list_that_shrinks_may_have_skipped_a_row(*, ascending: bool) -> None:
    with pytest.raises(Shifted, match="had 5 rows, and then 4"):
        read([("abc", 5), ("cd", 4)], ascending=ascending)
