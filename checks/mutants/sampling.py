"""Which mutants a seed draws."""

from __future__ import annotations

from collections.abc import Iterable

from checks.mutants.equivalents import Known
from checks.mutants.mutation import Mutation


def draw(
    found: Iterable[Mutation], equivalents: Iterable[Known], *, seed: int, count: int
) -> tuple[list[Mutation], int]:
    """At most ``count`` mutations in the order of the seed, and how many equivalents were drawn and passed over."""
    known = list(equivalents)
    drawn: list[Mutation] = []
    passed_over = 0
    for each in sorted(found, key=lambda each: (each.rank(seed), each.start)):
        if len(drawn) == count:
            break
        if any(entry.fits(each) for entry in known):
            passed_over += 1
        else:
            drawn.append(each)
    return drawn, passed_over
