"""Lists behind an offset, read completely whatever the service does meanwhile, or said to have shifted."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pytest

from connectors.paging import OffsetList, Page
from connectors.reading import Incomplete, Shifted
from httpclient import Fetcher


class Served:
    """A list of numbers behind an offset, with the options of a service."""

    def __init__(self, length: int, *, limit: int = 10, totals: bool = True) -> None:
        self.rows = [f"{number:06d}" for number in range(length)]
        self.limit = limit
        self.totals = totals
        self.asked: list[int] = []
        self.short: dict[int, int] = {}

    def page(self, skip: int) -> Page[str]:
        self.asked.append(skip)
        rows = self.rows[skip : skip + self.limit][: self.short.get(skip, self.limit)]
        return Page(rows, len(self.rows) if self.totals else None)

    def read(self, fetching: Fetcher, *, ahead: bool = True, ascending: bool = False) -> list[str]:
        whole = OffsetList(page=self.page, size=10, key=str, ascending=ascending)
        return [row for page in whole.read(fetching, ahead=ahead) for row in page]


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("length", [0, 1, 9, 10, 11, 20, 95, 200])
def test_a_list_is_read_whole_in_order_by_pages_that_overlap_by_one_row(
    fetching: Fetcher,
    length: int,
    ahead: bool,  # noqa: FBT001 - a parameter of the rule
) -> None:
    served = Served(length)
    assert served.read(fetching, ahead=ahead) == served.rows
    assert sorted(served.asked) == list(range(0, max(1, length - 1), 9))


def test_a_service_that_gives_fewer_rows_than_asked_for_is_followed(fetching: Fetcher) -> None:
    served = Served(95, limit=7)
    assert served.read(fetching) == served.rows
    assert len(served.asked) == 16


def test_a_service_that_gives_a_row_at_a_time_is_followed(fetching: Fetcher) -> None:
    served = Served(5, limit=1)
    assert served.read(fetching) == served.rows
    served.totals = False
    assert served.read(fetching) == served.rows


def test_a_short_page_in_the_middle_is_no_end(fetching: Fetcher) -> None:
    served = Served(95)
    served.short = {27: 4, 45: 2, 46: 3, 63: 9, 90: 3}
    assert served.read(fetching) == served.rows


def test_a_short_first_page_is_no_end(fetching: Fetcher) -> None:
    served = Served(35)
    served.short = {0: 9}
    assert served.read(fetching) == served.rows


@pytest.mark.parametrize("length", [0, 5, 10, 25])
def test_without_totals_only_a_page_with_nothing_new_is_the_end(fetching: Fetcher, length: int) -> None:
    served = Served(length, totals=False)
    served.short = {0: 3}
    assert served.read(fetching) == served.rows
    assert len(served.asked) == 1 or served.asked[-1] == length - 1


def test_without_totals_a_row_that_comes_twice_is_a_shift(fetching: Fetcher) -> None:
    served = Served(25, totals=False)

    def page(skip: int) -> Page[str]:
        if skip == 9:
            served.rows.insert(0, "first")
        return served.page(skip)

    with pytest.raises(Shifted):
        list(OffsetList(page=page, size=10, key=str).read(fetching))


def test_a_service_that_ignores_offsets_is_noticed(fetching: Fetcher) -> None:
    for page in (Page(["a", "b"]), Page(["a", "b"], 30)):
        whole = OffsetList(page=dict.fromkeys(range(30), page).__getitem__, size=10, key=str)
        with pytest.raises(Shifted):
            list(whole.read(fetching))


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize(("at", "total"), [(9, 24), (18, 26)])
def test_a_total_that_moves_and_comes_back_is_a_shift(
    fetching: Fetcher, at: int, total: int, *, ascending: bool
) -> None:
    served = Served(25)

    def page(skip: int) -> Page[str]:
        found = served.page(skip)
        return Page(found.rows, total if skip == at else found.total)

    with pytest.raises(Shifted):
        list(OffsetList(page=page, size=10, key=str, ascending=ascending).read(fetching))


def test_a_total_the_rows_do_not_come_to_is_a_shift(fetching: Fetcher) -> None:
    served = Served(25)
    whole = OffsetList(page=lambda skip: Page(served.page(skip).rows, 26), size=10, key=str)
    with pytest.raises(Shifted):
        list(whole.read(fetching))


@pytest.mark.parametrize("ahead", [True, False])
def test_a_sorted_list_may_grow_at_its_end(fetching: Fetcher, ahead: bool) -> None:  # noqa: FBT001 - a parameter of the rule
    served = Served(25)

    def page(skip: int) -> Page[str]:
        if skip == 18:
            served.rows += [f"{number:06d}" for number in range(25, 43)]
        return served.page(skip)

    whole = OffsetList(page=page, size=10, key=str, ascending=True)
    assert [row for rows in whole.read(fetching, ahead=ahead) for row in rows] == served.rows


@pytest.mark.parametrize("totals", [True, False])
@pytest.mark.parametrize(("gone", "at"), [(0, 9), (8, 9), (5, 18), (17, 18), (9, 90)])
def test_a_row_that_leaves_before_the_offset_is_noticed_though_another_joins(
    fetching: Fetcher,
    gone: int,
    at: int,
    totals: bool,  # noqa: FBT001 - a parameter of the rule
) -> None:
    served = Served(95, totals=totals)

    def page(skip: int) -> Page[str]:
        if skip == at:
            del served.rows[gone]
            served.rows.append("late")
        return served.page(skip)

    with pytest.raises(Shifted):
        list(OffsetList(page=page, size=10, key=str).read(fetching))


def test_whoever_comes_and_goes_no_row_that_stays_is_missed(fetching: Fetcher) -> None:
    rng = random.Random(11)  # noqa: S311 - repeatable
    read = 0
    for number in range(600):
        served = Served(rng.randrange(2, 60))
        stay = set(served.rows)

        def page(skip: int, served: Served = served, stay: set[str] = stay, number: int = number) -> Page[str]:
            for _ in range(rng.choice((0, 0, 0, 0, 1))):
                gone = served.rows.pop(rng.randrange(len(served.rows)))
                stay.discard(gone)
                served.rows.insert(rng.randrange(len(served.rows) + 1), f"new {number} {rng.random()}")
            return served.page(skip)

        try:
            rows = [row for page in OffsetList(page=page, size=10, key=str).read(fetching) for row in page]
        except Shifted:
            continue
        read += 1
        assert stay <= set(rows)
    assert read > 200


def test_rows_that_say_nothing_count_and_are_left_out(fetching: Fetcher) -> None:
    rows: list[str | None] = ["a", None, "b", None]
    whole: OffsetList[str | None] = OffsetList(page=lambda skip: Page(rows[skip:], 4), size=10, key=lambda row: row)
    assert list(whole.read(fetching)) == [["a", "b"]]


def test_pages_are_fetched_together_and_no_further_ahead_than_there_is_room(fetching: Fetcher) -> None:
    served = Served(1000)
    most, inside, lock, together = 0, 0, threading.Lock(), threading.Event()

    def page(skip: int) -> Page[str]:
        nonlocal most, inside
        with lock:
            inside += 1
            most = max(most, inside)
            if inside > 1:
                together.set()
        if skip:  # the first page says how many there are
            assert together.wait(300)
        with lock:
            inside -= 1
        return served.page(skip)

    reading = OffsetList(page=page, size=10, key=str).read(fetching, ahead=True)
    assert len(list(islice(reading, 3))) == 3
    time.sleep(0.05)  # noqa: TID251 - the reader runs in other threads
    assert len(served.asked) <= 3 + fetching.concurrency
    del reading
    assert 2 <= most <= fetching.concurrency


def test_many_threads_share_the_room(fetching: Fetcher) -> None:
    most, inside, lock = 0, 0, threading.Lock()

    def page(skip: int) -> Page[str]:
        nonlocal most, inside
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.002)  # noqa: TID251 - calls are to overlap
        with lock:
            inside -= 1
        return Served(25).page(skip)

    def read(_: int) -> int:
        whole = OffsetList(page=page, size=10, key=str)
        return sum(len(rows) for rows in whole.read(fetching, ahead=True))

    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(read, range(24))) == [25] * 24
    assert most <= fetching.concurrency


def test_a_failure_comes_where_its_page_would_have(fetching: Fetcher) -> None:
    served = Served(100)

    def page(skip: int) -> Page[str]:
        if skip == 27:
            raise Incomplete("no")
        return served.page(skip)

    reading = OffsetList(page=page, size=10, key=str).read(fetching, ahead=True)
    assert [rows[0] for rows in islice(reading, 3)] == ["000000", "000010", "000019"]
    with pytest.raises(Incomplete):
        next(reading)
