"""Sums over the ledger: by system, entitlement, person, cause or access, and the lag of removals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from access.ledger import Cause, Ended, Overstay, Understay, Whose

_ZERO = timedelta(0)


class By(StrEnum):
    """What the rows of a report stand for."""

    SYSTEM = "system"
    ENTITLEMENT = "entitlement"
    PERSON = "person"
    CAUSE = "cause"
    #: Each time by itself.
    ACCESS = "access"


@dataclass(slots=True)
class Sum:
    """The times of one system, entitlement, person or cause together; ``title`` is what people call it.

    ``running`` of the ``times`` past due last. ``missing`` is how long claimed access was not there.
    """

    key: str
    title: str
    times: int = 0
    running: int = 0
    total: timedelta = _ZERO
    bound: timedelta = _ZERO
    missing: timedelta = _ZERO
    causes: dict[Cause, timedelta] = field(default_factory=lambda: dict.fromkeys(Cause, _ZERO))

    def add(self, overstay: Overstay, causes: Mapping[Cause, timedelta]) -> None:
        """Count a time past due, or what of it had these causes."""
        self.times += 1
        self.running += overstay.ended is None
        self.bound += overstay.bound
        for cause, lasted in causes.items():
            self.causes[cause] += lasted
            self.total += lasted


_NAMES: Mapping[By, Callable[[Whose], tuple[str, str]]] = {
    By.SYSTEM: lambda whose: (str(whose.entitlement.system), whose.entitlement.system.label),
    By.ENTITLEMENT: lambda whose: (str(whose.entitlement), whose.title),
    By.PERSON: lambda whose: (whose.person, whose.account_title),
}


def summed(overstays: Iterable[Overstay], understays: Iterable[Understay], by: By) -> Sequence[Sum]:
    """The sums, the longest time past due first. By cause, the sum of what had it; missing access has no cause."""
    sums: dict[str, Sum] = {}
    if by is By.CAUSE:
        sums = {str(cause): Sum(str(cause), str(cause)) for cause in Cause}
        for overstay in overstays:
            for cause, lasted in overstay.causes.items():
                if lasted:
                    sums[str(cause)].add(overstay, {cause: lasted})
        return sorted(sums.values(), key=lambda each: -each.total)
    name = _NAMES[by]
    for overstay in overstays:
        key, title = name(overstay.whose)
        sums.setdefault(key, Sum(key, title)).add(overstay, overstay.causes)
    for understay in understays:
        key, title = name(understay.whose)
        sums.setdefault(key, Sum(key, title)).missing += understay.total
    return sorted(sums.values(), key=lambda each: (-each.total, -each.missing, each.key))


@dataclass(frozen=True, slots=True)
class Lag:
    """How long after they were due the removals of a system were seen done."""

    system: str
    removals: int
    p50: timedelta
    p95: timedelta
    longest: timedelta


def lags(overstays: Iterable[Overstay]) -> Sequence[Lag]:
    """The lag of each system, of the removals that were seen done."""
    by_system: dict[str, list[timedelta]] = {}
    for each in overstays:
        if each.ended is Ended.GONE:
            by_system.setdefault(str(each.whose.entitlement.system), []).append(each.total)
    return [
        Lag(system, len(lasted), quantile(lasted, 50), quantile(lasted, 95), max(lasted))
        for system, lasted in sorted(by_system.items())
    ]


def quantile(values: Sequence[timedelta], percent: int) -> timedelta:
    """The least of the values that ``percent`` of 100 do not exceed (nearest rank). Raises ``ValueError`` for none."""
    if not values:
        raise ValueError("There are no values.")
    return sorted(values)[max(1, -(-len(values) * percent // 100)) - 1]
