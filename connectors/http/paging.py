"""Lists read by offset, completely or not at all.

Offsets drift: a row deleted before the offset hides one, an insert doubles one [docs: JumpCloud; observed: Jira]. So rows are
told apart by id, every page's total is watched, and the rows received must come to the total in the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from connectors.http.fetching import Fetching
from connectors.reading import Shifted

T = TypeVar("T")


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

    def read(self, fetching: Fetching, *, ahead: bool = False) -> Iterator[list[T]]:
        """The rows, each once, page by page; with ``ahead`` several pages are fetched at once (for long lists).

        The end is where the total says, or, where no total is told, an empty page; never a short page. Raises ``Shifted``
        when the list changed meanwhile, and the failure words.
        """
        first = fetching.one(partial(self.page, 0))
        tally = _Tally(self, first.total)
        yield tally.fresh(first)
        if tally.total is None:
            yield from self._until_empty(fetching, tally, len(first.rows))
        elif len(first.rows) < tally.total:
            yield from self._until_total(fetching, tally, len(first.rows), ahead=ahead)
        tally.close()

    def _until_empty(self, fetching: Fetching, tally: _Tally[T], skip: int) -> Iterator[list[T]]:
        page: Page[T] | None = None
        while skip and (page is None or page.rows):
            page = fetching.one(partial(self.page, skip))
            yield tally.fresh(page)
            skip += len(page.rows)

    def _until_total(self, fetching: Fetching, tally: _Tally[T], stride: int, *, ahead: bool) -> Iterator[list[T]]:
        """Pages are ``stride`` rows apart: as many as the first one had, which may be fewer than were asked for."""
        if not stride:
            raise Shifted("The first page was empty, and the list was said to have rows.")
        reached = stride
        for skip, page in self._spread(fetching, tally, stride, ahead=ahead):
            yield tally.fresh(page)
            reached = skip + len(page.rows)
            # A page may be shorter than the others in the middle of the list [observed: JumpCloud]: read on from where it ended.
            end = skip + stride
            yield from self._between(fetching, tally, reached, end)
            reached = max(reached, end)
        yield from self._between(fetching, tally, reached, None)

    def _spread(
        self, fetching: Fetching, tally: _Tally[T], stride: int, *, ahead: bool
    ) -> Iterator[tuple[int, Page[T]]]:
        def at(skip: int) -> tuple[int, Page[T]]:
            return skip, self.page(skip)

        def fetches() -> Iterator[Callable[[], tuple[int, Page[T]]]]:
            skip = stride
            while skip < (tally.total or 0):
                yield partial(at, skip)
                skip += stride

        return fetching.ahead(fetches()) if ahead else map(fetching.one, fetches())

    def _between(self, fetching: Fetching, tally: _Tally[T], skip: int, end: int | None) -> Iterator[list[T]]:
        """What lies from ``skip`` to ``end``, or to the end of the list."""
        while skip < (tally.total or 0) and (end is None or skip < end):
            page = fetching.one(partial(self.page, skip))
            if not page.rows:
                return
            yield tally.fresh(page, overlaps=end is not None)
            skip += len(page.rows)


class _Tally(Generic[T]):
    """What has come so far of one list."""

    def __init__(self, of: OffsetList[T], total: int | None) -> None:
        self.total = total
        self._of = of
        self._seen: set[str] = set()
        self._last = ""
        self._count = 0
        self._doubled = False

    def fresh(self, page: Page[T], *, overlaps: bool = False) -> list[T]:
        """The rows that were not there before."""
        self._compare(page.total)
        before = self._count
        fresh = [row for row in page.rows if self._counts(row)]
        if page.rows and self._count == before and not overlaps:
            raise Shifted("A page held only rows of the pages before it.")
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
