"""Lists whose pages are cut first and filtered then: a short page says nothing, and nothing may be missed all the same."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from connectors.paging import FilteredList
from connectors.reading import Shifted
from httpclient import Fetcher

SIZE = 20


class Places:
    """A list of places, some of which show nothing."""

    def __init__(self, length: int, *, hidden: Callable[[int], bool] = lambda _: False) -> None:
        self.rows: list[str | None] = [None if hidden(number) else f"{number:06d}" for number in range(length)]
        self.asked: list[int] = []
        self.before: Callable[[int], None] = lambda _: None

    @property
    def shown(self) -> list[str]:
        return [row for row in self.rows if row is not None]

    def page(self, start: int) -> list[str]:
        self.asked.append(start)
        self.before(start)
        return [row for row in self.rows[start : start + SIZE] if row is not None]

    def read(self, fetching: Fetcher) -> list[str]:
        return [row for page in FilteredList(page=self.page, size=SIZE, key=str).read(fetching) for row in page]


@pytest.mark.parametrize("length", [0, 1, 19, 20, 21, 38, 39, 40, 200])
def test_a_list_is_read_to_a_page_with_nothing_new_and_pages_have_a_place_in_common(
    fetching: Fetcher, length: int
) -> None:
    places = Places(length)
    assert places.read(fetching) == places.shown
    last = 0 if length == 0 else -(-max(1, length - 1) // 19) * 19
    assert places.asked == list(range(0, last + 1, 19))


def test_a_service_that_ignores_offsets_is_noticed(fetching: Fetcher) -> None:
    places = Places(SIZE)
    whole = FilteredList(page=lambda _: places.page(0), size=SIZE, key=str)
    with pytest.raises(Shifted):
        list(whole.read(fetching))


@pytest.mark.parametrize("hidden", [lambda n: n % 5 == 4, lambda n: n % 19 == 0, lambda n: 10 <= n < 27])
def test_places_that_show_nothing_hide_nothing_else(fetching: Fetcher, hidden: Callable[[int], bool]) -> None:
    places = Places(200, hidden=hidden)
    assert places.read(fetching) == places.shown


def swap(places: Places, gone: int) -> None:
    del places.rows[gone]
    places.rows.append("late")


@pytest.mark.parametrize(("gone", "at"), [(0, 19), (18, 19), (3, 38), (20, 190)])
def test_a_row_that_leaves_before_the_offset_is_noticed_though_another_joins(
    fetching: Fetcher, gone: int, at: int
) -> None:
    places = Places(200)
    places.before = lambda start: swap(places, gone) if start == at else None
    with pytest.raises(Shifted):
        places.read(fetching)


def test_it_is_noticed_where_the_common_place_shows_nothing(fetching: Fetcher) -> None:
    """Where nothing hides, it is the row in common that tells; here it is the page that is asked for again."""
    places = Places(200, hidden=lambda n: n % 19 == 0)
    places.before = lambda start: swap(places, 5) if start == 95 else None
    with pytest.raises(Shifted):
        places.read(fetching)


def test_the_end_is_not_believed_after_a_full_page_whose_last_row_is_gone_from_it(fetching: Fetcher) -> None:
    places = Places(45)

    def shrink(start: int) -> None:
        if start == 38:
            del places.rows[:10]

    places.before = shrink
    with pytest.raises(Shifted):
        places.read(fetching)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5])
def test_whoever_comes_and_goes_no_row_that_stays_is_missed(fetching: Fetcher, share: float) -> None:
    rng = random.Random(12)  # noqa: S311 - repeatable
    read = 0
    for number in range(300):
        hides = [rng.random() < share for _ in range(100)]
        places = Places(rng.randrange(2, 100), hidden=hides.__getitem__)
        stay = set(places.shown)

        def change(_: int, places: Places = places, stay: set[str] = stay, number: int = number) -> None:
            if rng.random() < 0.2:
                stay.discard(places.rows.pop(rng.randrange(len(places.rows))) or "")
                places.rows.append(f"new {number} {rng.random()}")

        places.before = change
        try:
            rows = places.read(fetching)
        except Shifted:
            continue
        read += 1
        assert stay <= set(rows)
    assert read > 50
