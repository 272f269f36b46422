from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Generic, Protocol, TypeVar


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=_HasId)

_KEPT = 32
"""Listings kept at once; a client pages through very few queries at a time."""


class Table(Generic[R]):
    """Records by id, with listings that are made once and kept until something changes.

    A change may be given a time (seconds since 1970) from which reads are to see it; the truth changes at once.
    """

    def __init__(self, clock: Callable[[], float], filter_lag: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._filter_lag = filter_lag
        self._rows: dict[str, R] = {}
        self._old: dict[str, tuple[float, R | None]] = {}
        self._unfound: dict[str, tuple[float, R | None]] = {}
        self._listings: dict[Hashable, list[R]] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[R]:
        return iter(self._rows.values())

    def __contains__(self, ident: object) -> bool:
        return ident in self._rows

    def get(self, ident: str) -> R | None:
        """Return the true record."""
        return self._rows.get(ident)

    def put(self, row: R, *, seen_from: float = 0) -> None:
        """Add or replace a record."""
        self._change(row.id, seen_from)
        self._rows[row.id] = row

    def remove(self, ident: str, *, seen_from: float = 0) -> None:
        """Take a record away; raises KeyError when it is not there."""
        self._change(ident, seen_from)
        del self._rows[ident]

    def fill(self, rows: Iterable[R]) -> None:
        """Add many records at once."""
        self._rows.update((row.id, row) for row in rows)
        self._listings.clear()

    def seen(self, ident: str) -> R | None:
        """Return the record as reads see it now."""
        self._settle()
        return self._old[ident][1] if ident in self._old else self._rows.get(ident)

    def found(self, ident: str) -> R | None:
        """Return the record as lists with a filter see it now."""
        self._settle()
        return self._unfound[ident][1] if ident in self._unfound else self.seen(ident)

    def listing(self, query: Hashable, make: Callable[[Iterable[R]], list[R]], *, filtered: bool = False) -> list[R]:
        """Return what `make` makes of the records as reads see them; kept under `query` until something changes.

        A `filtered` list is behind other reads by the lag of filters.
        """
        self._settle()
        unseen = {**self._old, **(self._unfound if filtered else {})}
        if unseen:
            shown: Mapping[str, R | None] = {**self._rows, **{ident: row for ident, (_, row) in unseen.items()}}
            return make([row for row in shown.values() if row is not None])
        kept = self._listings.get(query)
        if kept is None:
            if len(self._listings) >= _KEPT:
                self._listings.pop(next(iter(self._listings)))
            kept = self._listings[query] = make(self._rows.values())
        return kept

    def _change(self, ident: str, seen_from: float) -> None:
        self._listings.clear()
        now = self._clock()
        before = self._rows.get(ident)
        if seen_from > now:
            self._old[ident] = (seen_from, self._old[ident][1] if ident in self._old else before)
        if lag := self._filter_lag():
            until = max(seen_from, now) + lag
            self._unfound[ident] = (until, self._unfound[ident][1] if ident in self._unfound else before)

    def _settle(self) -> None:
        if self._old or self._unfound:
            now = self._clock()
            self._old = {ident: old for ident, old in self._old.items() if old[0] > now}
            self._unfound = {ident: old for ident, old in self._unfound.items() if old[0] > now}
