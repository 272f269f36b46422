"""``python -m checks.removals``: make list answers false, and count what is taken away for it.

Each run has a small company of its own in both simulated systems, read by the real readers, reconciled under ``strict`` without
approvals and without a fuse: what nothing explains is taken away at once, and so would be what a false list makes look so.
People give and take access by hand meanwhile, leave, and ask; then every fault is over, and one good sync follows. The truth of
the simulated systems decides. The seed and the number of a run decide everything in it (``--only`` tries one again).

The last line is a JSON object: ``ok``, the ``seed``, ``runs``, ``void`` (why this proves nothing, where it does not);
``corrupted`` (the list answers that were not what they would have been), and how many of them ``of_each`` kind of corruption
and ``on_each`` list; how the ``syncs`` ended that read them;

- ``wrongful_removals``, of ``rightful_holdings`` that false lists could have cost; ``wrongful_at_most`` is the share of runs that
  have one, with 95 % confidence (the rule of three, where none was seen);
- ``rightful_removals``, and the share ``rightful_removals_done`` by one good sync, with its 95 % bounds (Wilson).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from time import monotonic

from checks.removals.runs import tried
from checks.removals.verdict import counted, why_void

#: The share of rightful removals that one good sync has to bring about.
_WANTED_SHARE = 0.99
_SHORT_RUNS = 4


def main(words: Sequence[str]) -> int:
    """Run; 0 when nothing was wrongful and enough was done, 1 when not or when it proves nothing."""
    options = _parser().parse_args(words)
    numbers = range(_SHORT_RUNS if options.short else options.runs) if options.only is None else [options.only]
    begun = monotonic()
    outcomes = list(tried(options.seed, numbers, workers=options.workers, until=begun + 60 * options.minutes))
    for each in outcomes:
        for line in each.wrongful:
            print(f"run {each.number}: wrongful: {line}", file=sys.stderr)
        for line in each.left:
            print(f"run {each.number}: not done: {line}", file=sys.stderr)
    found = counted(outcomes)
    void = [] if options.short or options.only is not None else list(why_void(found))
    enough = found["rightful_removals_done"] is None or found["rightful_removals_done"] >= _WANTED_SHARE
    result = {
        "ok": not found["wrongful_removals"] and enough and not void,
        "seed": options.seed,
        "seconds": round(monotonic() - begun),
        "void": void,
        **found,
    }
    print(json.dumps(result))
    return 0 if result["ok"] else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m checks.removals", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="decides what happens (default %(default)s)")
    parser.add_argument("--runs", type=int, default=500, help="how many (default %(default)s)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="try this run alone")
    parser.add_argument("--workers", type=int, default=2, help="processes (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=10, help="begin no run after so long (default %(default)s)")
    parser.add_argument("--short", action="store_true", help="a few runs, in half a minute: shows that it works")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
