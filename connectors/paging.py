"""Lists read by offset, completely or not at all.

Offsets drift: a row deleted before the offset hides another row, an insert shows one twice [docs: JumpCloud; observed: Jira],
and one of each leaves the total as it was. So pages overlap: each begins with the last row of the page before it. If the
order is stable, the shared row proves that no row was skipped. Cost: about one extra call per ``size`` pages. The reader also
compares ids and the totals of all pages, and the rows must add up to the total in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from connectors.reading import Shifted
from connectors.reading_notes import note_total
from httpclient.concurrency import Fetcher

T = TypeVar("T")

#: Two pages of a filtered list share one place in so many: one extra call for as many pages.
_OVERLAP_SHARE = 100

#: Only its answer shows that a page is beyond the end; the reader wastes at most one such call for so many pages.
_PAGES_PER_GUESS = 20


def pages(rows: int, size: int) -> int:
    """The calls for a list of so many rows, ``size`` to a page: at least one."""
    return max(1, -(-rows // size))


def total_pages(sizes: Iterable[int], size: int) -> int:
    """The calls for lists of these sizes."""
    return sum(pages(rows, size) for rows in sizes)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page: the rows as the service sent them, and the total that it tells (None: it tells no total)."""

    rows: Sequence[T]
    total: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OffsetList(Generic[T]):
    """A list that Provisor reads by offset.

    ``page`` fetches the page at an offset and asks for ``size`` rows. ``key`` identifies a row; None is for an empty row, which
    counts for the total and is left out. ``ascending`` means that the service sorts the list by that key: then the reader
    also reads rows that join meanwhile, and need not remember ids.
    """

    page: Callable[[int], Page[T]]
    size: int
    key: Callable[[T], str | None]
    ascending: bool = False

    def read(self, fetching: Fetcher, *, ahead: bool = False) -> Iterator[list[T]]:
        """The rows, each once, page by page; with ``ahead`` several pages at once (for long lists).

        The list ends at its total or, without a total, at a page with nothing new; never at a short page. Raises ``Shifted``
        when the list changed meanwhile, and the failure words.
        """
        return _Reading(self, fetching).rows(ahead=ahead)


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteredList(Generic[T]):
    """A list that the service filters after cutting it into pages, and that tells no total [observed: Jira's users].

    ``page`` fetches the visible rows of ``size`` places from an offset on. Any page may be short; the list ends at a page
    with no place of its own, beyond those that it shares with the page before. ``key`` is as in ``OffsetList``.
    """

    page: Callable[[int], Sequence[T]]
    size: int
    key: Callable[[T], str | None]

    def read(self, fetching: Fetcher) -> Iterator[list[T]]:
        """The rows, each once, page by page. Raises ``Shifted`` when the list changed meanwhile, and the failure words.

        The reader fetches later pages ahead, so far that at most 5 % of the calls are beyond the end.
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
        """Make sure that no row was skipped between the page that began at ``start`` and the next page.

        The two share some places. When none of the shared places shows a row, the reader fetches the first page again: a row
        that moved out of reach of the next page would be in it now.
        """
        known = set(self._keys(before))
        if not known.isdisjoint(self._keys(page)):
            return
        if len(before) >= self.size:
            raise Shifted("A page did not show the last rows of the full page before it.")
        if page and self._keys(fetching.one(partial(self.page, start))) != self._keys(before):
            raise Shifted("A page had changed when it was read again.")

    def _keys(self, page: Sequence[T]) -> list[str]:
        return [key for row in page if (key := self.key(row)) is not None]

    def _is_new(self, row: T, seen: set[str]) -> bool:
        key = self.key(row)
        if key is None or key in seen:
            return key is None
        seen.add(key)
        return True


def complete_ids(whole: OffsetList[T] | FilteredList[T]) -> frozenset[str]:
    """The keys of all rows of a list, read one page at a time. Raises ``Shifted`` and the failure words."""
    fetching = Fetcher(concurrency=1)
    try:
        rows = [row for page in whole.read(fetching) for row in page]
    finally:
        fetching.close()
    return frozenset(key for row in rows if (key := whole.key(row)) is not None)


class _Reading(Generic[T]):
    """One reading of a list, with a tally of its rows so far."""

    def __init__(self, of: OffsetList[T], fetching: Fetcher) -> None:
        self._of = of
        self._fetching = fetching
        self._total: int | None = None
        self._overlap = 0
        self._seen: set[str] = set()
        self._last = ""
        self._end: str | None = None
        self._count = 0
        self._doubled = False

    def rows(self, *, ahead: bool) -> Iterator[list[T]]:
        """The new rows of each page. Raises ``Shifted`` unless all rows have come."""
        first = self._fetching.one(partial(self._of.page, 0))
        self._total, size = first.total, len(first.rows)
        yield self._fresh(first)
        # With one row a page, an overlap would make no progress.
        self._overlap = 1 if size > 1 else 0
        if self._total is not None and size < self._total:
            yield from self._until_total(size, ahead=ahead)
        elif self._total is None and size:
            yield from self._between(size)
        if self._total is None and self._doubled:
            raise Shifted("A row came twice.")
        if self._total is not None and self._count != self._total:
            raise Shifted(f"{self._count} rows came of a list of {self._total}.")
        if self._total is not None:
            note_total(self._total, self._count)

    def _until_total(self, size: int, *, ahead: bool) -> Iterator[list[T]]:
        """Pages have ``size`` rows, as many as the first page had; the service may give fewer than the reader asks for."""
        if not size:
            raise Shifted("The first page was empty, and the total was not 0.")
        reached = end = size
        fetches = self._spread(size)
        for start, page in self._fetching.ahead(fetches) if ahead else map(self._fetching.one, fetches):
            yield self._fresh(page)
            reached, end = start + len(page.rows), start + size
            # A page in the middle may be shorter than the others [assumed: JumpCloud]: read on from its end.
            yield from self._between(reached, end)
        yield from self._between(max(reached, end))

    def _spread(self, size: int) -> Iterator[Callable[[], tuple[int, Page[T]]]]:
        def at(start: int) -> tuple[int, Page[T]]:
            page = self._of.page(start)
            return start, Page(page.rows[:size], page.total)

        start = size - self._overlap
        while start + self._overlap < (self._total or 0):
            yield partial(at, start)
            start += size - self._overlap

    def _between(self, reached: int, end: int | None = None) -> Iterator[list[T]]:
        """The rows from ``reached`` to ``end``; without one to the end of the list: its total, or a page with nothing new."""
        while (self._total is None or reached < self._total) and (end is None or reached < end):
            start = reached - self._overlap
            page = self._fetching.one(partial(self._of.page, start))
            rows = page.rows if end is None else page.rows[: end - start]
            yield self._fresh(Page(rows, page.total))
            if start + len(rows) <= reached:
                return
            reached = start + len(rows)

    def _fresh(self, page: Page[T]) -> list[T]:
        """The new rows of a page; a row that it shares with the page before must be the last of that page."""
        self._compare(page.total)
        if self._overlap and (not page.rows or self._of.key(page.rows[0]) != self._end):
            raise Shifted("A page did not begin with the row that the page before it ended with.")
        before = self._count
        rows = page.rows[self._overlap :]
        fresh = [row for row in rows if self._counts(row)]
        if rows and self._count == before:
            raise Shifted("A page held only rows of the pages before it.")
        if rows:
            self._end = self._of.key(rows[-1])
        return fresh

    def _compare(self, total: int | None) -> None:
        if total is None or self._total is None or total == self._total:
            return
        if total < self._total or not self._of.ascending:
            raise Shifted(f"The list had {self._total} rows, and then {total}.")
        self._total = total

    def _counts(self, row: T) -> bool:
        """Count the row if it is new, and say whether to hand it on."""
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
