"""Lists read by offset, completely or not at all.

Offsets drift: a row deleted before the offset hides one, an insert doubles one [docs: JumpCloud; observed: Jira], and one of
each leaves the total what it was. So pages overlap: each begins with the row that the page before it ended with. While the
order holds, that proves that nothing between them was skipped, whoever came or went meanwhile, and it costs a call more for
about as many pages as a page has rows. Besides, rows are told apart by id, every page's total is watched, and the rows
received must come to the total in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from connectors.reading import Shifted
from httpclient.fetcher import Fetcher

T = TypeVar("T")

#: Pages of a filtered list have the last place in so many in common: a call more for as many.
_OVERLAP_SHARE = 100

#: A page beyond the end is only noticed when it has come; at most one such call for so many pages is wasted.
_PAGES_PER_GUESS = 20


def pages(rows: int, size: int) -> int:
    """The calls for a list of so many rows, ``size`` to a page: at least one."""
    return max(1, -(-rows // size))


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page: the rows exactly as they were sent, and how many rows the service says the list has (None: it does not say)."""

    rows: Sequence[T]
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetList(Generic[T]):
    """A list that is read by offset.

    ``page`` fetches the page at an offset; ``size`` is how many rows it asks for. ``key`` is what tells a row from the others,
    None for a row that says nothing (it counts, and is left out). ``ascending`` says that the list is sorted by that key:
    then rows that are added meanwhile are read too, and no ids have to be remembered.
    """

    page: Callable[[int], Page[T]]
    size: int
    key: Callable[[T], str | None]
    ascending: bool = False

    def read(self, fetching: Fetcher, *, ahead: bool = False) -> Iterator[list[T]]:
        """The rows, each once, page by page; with ``ahead`` several pages are fetched at once (for long lists).

        The end is where the total says, or, where no total is told, a page with nothing new; never a short page. Raises
        ``Shifted`` when the list changed meanwhile, and the failure words.
        """
        first = fetching.one(partial(self.page, 0))
        tally = _Tally(self, first.total)
        yield tally.fresh(first)
        reached = len(first.rows)
        # Pages of one row cannot overlap and go on.
        overlap = 1 if reached > 1 else 0
        if tally.total is None:
            yield from self._until_nothing_new(fetching, tally, reached, overlap)
        elif reached < tally.total:
            yield from self._until_total(fetching, tally, reached, overlap, ahead=ahead)
        tally.close()

    def _until_nothing_new(self, fetching: Fetcher, tally: _Tally[T], reached: int, overlap: int) -> Iterator[list[T]]:
        before = 0
        while reached > before:
            before, start = reached, reached - overlap
            page = fetching.one(partial(self.page, start))
            yield tally.fresh(page, overlap=overlap)
            reached = start + len(page.rows)

    def _until_total(
        self, fetching: Fetcher, tally: _Tally[T], size: int, overlap: int, *, ahead: bool
    ) -> Iterator[list[T]]:
        """Pages have ``size`` rows: as many as the first one had, which may be fewer than were asked for."""
        if not size:
            raise Shifted("The first page was empty, and the list was said to have rows.")
        reached = end = size
        for start, page in self._spread(fetching, tally, size, overlap, ahead=ahead):
            yield tally.fresh(page, overlap=overlap)
            reached, end = start + len(page.rows), start + size
            # A page may be shorter than the others in the middle of the list [observed: JumpCloud]: read on from where it ended.
            yield from self._between(fetching, tally, reached, end, overlap)
        yield from self._between(fetching, tally, max(reached, end), None, overlap)

    def _spread(
        self, fetching: Fetcher, tally: _Tally[T], size: int, overlap: int, *, ahead: bool
    ) -> Iterator[tuple[int, Page[T]]]:
        def at(start: int) -> tuple[int, Page[T]]:
            page = self.page(start)
            return start, Page(page.rows[:size], page.total)

        def fetches() -> Iterator[Callable[[], tuple[int, Page[T]]]]:
            start = size - overlap
            while start + overlap < (tally.total or 0):
                yield partial(at, start)
                start += size - overlap

        return fetching.ahead(fetches()) if ahead else map(fetching.one, fetches())

    def _between(
        self, fetching: Fetcher, tally: _Tally[T], reached: int, end: int | None, overlap: int
    ) -> Iterator[list[T]]:
        """What lies from ``reached`` to ``end``, or to the end of the list."""
        while reached < (tally.total or 0) and (end is None or reached < end):
            start = reached - overlap
            page = fetching.one(partial(self.page, start))
            rows = page.rows if end is None else page.rows[: end - start]
            yield tally.fresh(Page(rows, page.total), overlap=overlap)
            if start + len(rows) <= reached:
                return
            reached = start + len(rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteredList(Generic[T]):
    """A list whose pages are filtered after they were cut, and that tells no total [observed: Jira's users].

    ``page`` fetches what may be seen of the ``size`` places from an offset on: any page may be short, and only one with
    nothing but places that it has in common with the page before it is the end. ``key`` is as in ``OffsetList``.
    """

    page: Callable[[int], Sequence[T]]
    size: int
    key: Callable[[T], str | None]

    def read(self, fetching: Fetcher) -> Iterator[list[T]]:
        """The rows, each once, page by page. Raises ``Shifted`` when the list changed meanwhile, and the failure words.

        Later pages are asked for ahead, as far as that wastes no more than 5 % of the calls beyond the end.
        """
        seen: set[str] = set()
        before: Sequence[T] = ()
        overlap = max(1, self.size // _OVERLAP_SHARE)
        stride = self.size - overlap
        number = 0
        while True:
            wave = min(fetching.concurrency, 1 + number // _PAGES_PER_GUESS)
            fetches = [partial(self.page, (number + ahead) * stride) for ahead in range(wave)]
            for page in fetching.ahead(fetches) if wave > 1 else map(fetching.one, fetches):
                if number:
                    self._follows(fetching, before, page, (number - 1) * stride)
                fresh = [row for row in page if self._is_new(row, seen)]
                yield fresh
                if not fresh and len(page) <= overlap:
                    return
                if not fresh:
                    raise Shifted("A page held only rows of the pages before it.")
                before = page
                number += 1

    def _follows(self, fetching: Fetcher, before: Sequence[T], page: Sequence[T], start: int) -> None:
        """Make sure that nothing was skipped between the page that began at ``start`` and the next one.

        They have some places in common. When nothing is to be seen at these, the first one is asked for again: what had
        moved out of reach of the next one would be in it now.
        """
        known = set(self._keys(before))
        if not known.isdisjoint(self._keys(page)):
            return
        if len(before) >= self.size:
            raise Shifted("A page did not show the last rows of the full page before it.")
        if page and self._keys(fetching.one(partial(self.page, start))) != self._keys(before):
            raise Shifted("A page had changed when it was asked for again.")

    def _keys(self, page: Sequence[T]) -> list[str]:
        return [key for row in page if (key := self.key(row)) is not None]

    def _is_new(self, row: T, seen: set[str]) -> bool:
        key = self.key(row)
        if key is None or key in seen:
            return key is None
        seen.add(key)
        return True


class _Tally(Generic[T]):
    """What has come so far of one list."""

    def __init__(self, of: OffsetList[T], total: int | None) -> None:
        self.total = total
        self._of = of
        self._seen: set[str] = set()
        self._last = ""
        self._end: str | None = None
        self._count = 0
        self._doubled = False

    def fresh(self, page: Page[T], *, overlap: int = 0) -> list[T]:
        """The rows that were not there before; the first ``overlap`` (0 or 1) must have been the last."""
        self._compare(page.total)
        if overlap and (not page.rows or self._of.key(page.rows[0]) != self._end):
            raise Shifted("A page did not begin with the row that the page before it ended with.")
        before = self._count
        rows = page.rows[overlap:]
        fresh = [row for row in rows if self._counts(row)]
        if rows and self._count == before:
            raise Shifted("A page held only rows of the pages before it.")
        if rows:
            self._end = self._of.key(rows[-1])
        return fresh

    def close(self) -> None:
        """Raise ``Shifted`` unless all has come."""
        if self.total is None and self._doubled:
            raise Shifted("A row came twice.")
        if self.total is not None and self._count != self.total:
            raise Shifted(f"{self._count} rows came of a list of {self.total}.")

    def _compare(self, total: int | None) -> None:
        if total is None or self.total is None or total == self.total:
            return
        if total < self.total or not self._of.ascending:
            raise Shifted(f"The list had {self.total} rows, and then {total}.")
        self.total = total

    def _counts(self, row: T) -> bool:
        """Count the row if it is new; whether it is to be handed on."""
        key = self._of.key(row)
        if key is None:
            self._count += 1
            return False
        if key <= self._last if self._of.ascending else key in self._seen:
            self._doubled = True
            return False
        self._last = key
        if not self._of.ascending:
            self._seen.add(key)
        self._count += 1
        return True
