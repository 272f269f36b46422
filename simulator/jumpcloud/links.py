from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Unseen:
    seen_from: float
    found_from: float
    """When lists with a filter see the change."""
    left: str
    right: str
    added: bool


class Links:
    """Who is tied to what, both ways and in order: groups to their users, applications to what is bound to them.

    The truth changes at once; a change may be given a time (seconds since 1970) from which reads are to see it.
    """

    def __init__(self, clock: Callable[[], float], filter_lag: Callable[[], float] = lambda: 0.0) -> None:
        self._clock = clock
        self._filter_lag = filter_lag
        self._rights: dict[str, dict[str, None]] = {}
        self._lefts: dict[str, list[str]] = {}
        self._listed: dict[str, list[str]] = {}
        self._unseen: list[_Unseen] = []

    def __len__(self) -> int:
        return sum(len(rights) for rights in self._rights.values())

    def has(self, left: str, right: str) -> bool:
        """Return whether the two are tied in truth."""
        return right in self._rights.get(left, ())

    def add(self, left: str, right: str, *, seen_from: float = 0, first: bool = False) -> None:
        """Tie two that are not tied; `first` puts it before all others of `left`."""
        rights = self._rights.setdefault(left, {})
        if first:
            self._rights[left] = {right: None, **rights}
        else:
            rights[right] = None
        self._lefts.setdefault(right, []).append(left)
        self._changed(left, right, seen_from, added=True)

    def remove(self, left: str, right: str, *, seen_from: float = 0) -> None:
        """Untie two; raises KeyError when they are not tied."""
        del self._rights[left][right]
        lefts = self._lefts[right]
        lefts.remove(left)
        if not lefts:
            del self._lefts[right]
        self._changed(left, right, seen_from, added=False)

    def fill(self, left: str, rights: Iterable[str]) -> None:
        """Make `rights` all that `left` is tied to."""
        for right in list(self._rights.get(left, ())):
            self.remove(left, right)
        self._rights[left] = dict.fromkeys(rights)
        for right in self._rights[left]:
            self._lefts.setdefault(right, []).append(left)
        self._listed.pop(left, None)

    def rights(self, left: str) -> Sequence[str]:
        """Return everything tied to `left`, in truth; not to be changed by the caller."""
        listed = self._listed.get(left)
        if listed is None:
            listed = self._listed[left] = list(self._rights.get(left, ()))
        return listed

    def lefts(self, right: str) -> Sequence[str]:
        """Return everything that `right` is tied to, in truth; not to be changed by the caller."""
        return self._lefts.get(right, ())

    def seen_rights(self, left: str, *, filtered: bool = False) -> Sequence[str]:
        """Return everything tied to `left` as reads, or lists with a filter, see it now."""
        return self._as_seen(
            self.rights(left), lambda change: change.right if change.left == left else None, filtered=filtered
        )

    def seen_lefts(self, right: str, *, filtered: bool = False) -> Sequence[str]:
        """Return everything that `right` is tied to as reads, or lists with a filter, see it now."""
        return self._as_seen(
            self.lefts(right), lambda change: change.left if change.right == right else None, filtered=filtered
        )

    def _as_seen(self, true: Sequence[str], other: Callable[[_Unseen], str | None], *, filtered: bool) -> Sequence[str]:
        if not self._unseen:
            return true
        now = self._clock()
        self._unseen = [change for change in self._unseen if max(change.seen_from, change.found_from) > now]
        seen: list[str] | None = None
        for change in reversed(self._unseen):
            end = other(change)
            if end is None or (change.found_from if filtered else change.seen_from) <= now:
                continue
            if seen is None:
                seen = list(true)
            if not change.added:
                seen.append(end)
            elif end in seen:
                seen.remove(end)
        return true if seen is None else seen

    def _changed(self, left: str, right: str, seen_from: float, *, added: bool) -> None:
        self._listed.pop(left, None)
        now = self._clock()
        lag = self._filter_lag()
        if seen_from > now or lag:
            self._unseen.append(_Unseen(seen_from, max(seen_from, now) + lag, left, right, added))
