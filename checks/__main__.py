"""``python -m checks check``: run every check, and say what each found. ``python -m checks write``: write the pages."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from checks.checks import Check, all_checks, write_pages
from checks.tree import Tree

#: mypy takes as long as everything else together.
_AT_ONCE = 2
_MOST_LINES = 60


def main(words: Sequence[str]) -> int:
    """Run; the exit status is 0 when all is well, 1 when something was found, 2 when used wrongly."""
    match list(words):
        case ["check", *names]:
            return check(names)
        case ["write"]:
            for path in write_pages():
                print(f"wrote {path}")
            return 0
    print("Use: python -m checks check [name …], or python -m checks write", file=sys.stderr)
    return 2


def check(names: Sequence[str]) -> int:
    """Run the checks of these names, or all."""
    tree = Tree.of()
    wanted = [each for each in all_checks(tree) if not names or each.name in names]
    failed = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for each, (found, seconds) in zip(wanted, pool.map(_timed, wanted), strict=True):
            failed += bool(found)
            print(f"{'FOUND' if found else 'ok':<6}{each.name:<48}{seconds:5.1f} s", flush=True)
            for line in found[:_MOST_LINES]:
                print(f"      {line}")
            if len(found) > _MOST_LINES:
                print(f"      … and {len(found) - _MOST_LINES} more; run: python -m checks check '{each.name}'")
    print(
        f"{len(wanted) - failed} checks passed, {failed} found something."
        if failed
        else f"{len(wanted)} checks passed."
    )
    return 1 if failed else 0


def _timed(each: Check) -> tuple[Sequence[str], float]:
    begun = monotonic()
    try:
        found = each.run()
    except Exception as exc:  # noqa: BLE001 - a check that cannot run has found something
        found = [f"{type(exc).__name__}: {exc}"]
    return found, monotonic() - begun


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
