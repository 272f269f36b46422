"""What runs come to: counts, and the bounds of what they show."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from checks.removals.false_lists import Corruption
from checks.removals.trial import Outcome

#: Runs, false answers, and false answers of each corruption and on each list, below which nothing is proven.
_LEAST_RUNS, _LEAST_CORRUPTED, _LEAST_OF_EACH, _LEAST_ON_EACH = 500, 10_000, 300, 20
_NORMAL_95 = 1.959964


def counted(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What came of the runs."""
    fired = sum((each.fired for each in outcomes), Counter[tuple[str, str]]())
    of_each, on_each = Counter[str](), Counter(dict.fromkeys(set().union(*(each.read for each in outcomes)), 0))
    for (route, corruption), number in fired.items():
        of_each[corruption] += number
        on_each[route] += number
    rightful = sum(each.rightful for each in outcomes)
    done = rightful - sum(len(each.left) for each in outcomes)
    wrong_runs = sum(bool(each.wrongful) for each in outcomes)
    return {
        "runs": len(outcomes),
        "corrupted": fired.total(),
        "of_each": {str(each): of_each[each] for each in Corruption},
        "on_each": dict(sorted(on_each.items())),
        "syncs": dict(sorted(sum((each.syncs for each in outcomes), Counter[str]()).items())),
        "wrongful_removals": sum(len(each.wrongful) for each in outcomes),
        "rightful_holdings": sum(each.kept for each in outcomes),
        "wrongful_at_most": at_most(wrong_runs, len(outcomes)),
        "rightful_removals": rightful,
        "rightful_removals_done": round(done / rightful, 4) if rightful else None,
        "rightful_removals_done_95": wilson(done, rightful),
    }


def wilson(successes: int, of: int) -> tuple[float, float] | None:
    """The 95 % bounds of a share, by Wilson's score; None of nothing."""
    if not of:
        return None
    share, z2 = successes / of, _NORMAL_95**2
    middle = share + z2 / (2 * of)
    half = _NORMAL_95 * math.sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return round((middle - half) / (1 + z2 / of), 5), round(min(1.0, (middle + half) / (1 + z2 / of)), 5)


def at_most(seen: int, of: int) -> float | None:
    """The upper 95 % bound of a share: three of so many where none was seen; None of nothing."""
    bounds = wilson(seen, of)
    if bounds is None:
        return None
    return bounds[1] if seen else round(min(1.0, 3 / of), 5)


def why_void(found: Mapping[str, Any]) -> Iterable[str]:
    """Why a run proves nothing, a clause for each reason."""
    if found["runs"] < _LEAST_RUNS:
        yield f"there were {found['runs']} runs, fewer than {_LEAST_RUNS}"
    if found["corrupted"] < _LEAST_CORRUPTED:
        yield f"{found['corrupted']} answers were false, fewer than {_LEAST_CORRUPTED}"
    for name, number in found["of_each"].items():
        if number < _LEAST_OF_EACH:
            yield f"'{name}' fired {number} times, fewer than {_LEAST_OF_EACH}"
    for name, number in found["on_each"].items():
        if number < _LEAST_ON_EACH:
            yield f"'{name}' was false {number} times, fewer than {_LEAST_ON_EACH}"
    if not found["rightful_removals"]:
        yield "nothing was to be taken away"
