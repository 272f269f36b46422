"""``python -m checks.storms``: carry requests out in storms of real processes, and judge by the simulated systems' journals.

Each storm has its own database, queues and simulated company, and proxies before its servers; workers are real processes. What
is asked for are grants, some of them for a time, removals, and tickets that people carry out, in both systems; nobody asks about
one member of each group. When the storm is over, everything has to come to its end by itself.

Each storm prints one JSON object: ``storm``, ``ok``, ``seconds``, ``requests``, how many of them are ``done``, and

- ``lost``: what came to no end or to a wrong one; ``doubled``: changes, issues or requests that are there more than once;
- ``wrongful``: access that somebody lost or got though nobody asked, or lost too early; ``kept``: access that was to be gone;
- ``fired``: how often each fault came about; ``void``: why the storm proves nothing, where it does not.

The last line is one over all of them.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import structlog

from checks.storms.site import Ground, OutOfTime, Site, Sizes
from checks.storms.verdict import BROKEN, Findings, summed, why_void
from checks.storms.weather import STORMS, Storm
from demo.patience import Patience

#: Files that are only of this run are kept in memory where the machine has such a place.
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made there has a name of its own


def main(words: Sequence[str]) -> int:
    """Run; 0 when every storm was weathered, 1 when not or when one proves nothing."""
    options = _parser().parse_args(words)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.WARNING)
    # Ended as by Ctrl-C, it takes its databases and queues with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    results = []
    where = str(_MEMORY) if _MEMORY.is_dir() else None
    with TemporaryDirectory(prefix="storms-", dir=where) as folder, Ground.prepared(Path(folder)) as ground:
        for name in options.storm or STORMS:
            storm = STORMS[name]
            asked = {key: getattr(options, key) for key in ("requests", "tickets", "times", "seconds")}
            given = {key: value for key, value in asked.items() if value is not None}
            sizes = replace(storm.short if options.short else storm.full, **given)
            results.append(weathered(name, storm, ground, sizes, seed=options.seed, minutes=options.minutes))
            print(json.dumps(results[-1]), flush=True)
    result = summed(results) | {"seed": options.seed}
    print(json.dumps(result))
    return 0 if result["ok"] else 1


def weathered(name: str, storm: Storm, ground: Ground, sizes: Sizes, *, seed: int, minutes: float) -> dict[str, Any]:
    """One storm, and what came of it."""
    begun = monotonic()
    result = {"storm": name, "about": storm.about, "requests": sizes.requests, "tickets": sizes.tickets}
    found, fired, void = Findings(), {}, []
    try:
        with storm.site(ground, sizes, Random(f"{seed} {name}"), Patience(60 * minutes)) as site:
            _blow(storm, site)
            found, fired, void = site.findings(), dict(site.fired), why_void(site.fired, site.wanted)
    except subprocess.CalledProcessError as exc:
        void = [f"this machine cannot have it: {exc}"]
    for line in [*found.lines()][:20]:
        print(f"{name}: {line}", file=sys.stderr)
    broken = any(getattr(found, each) for each in BROKEN)
    return {
        **result,
        "ok": not broken and not void,
        "seconds": round(monotonic() - begun),
        **found.counts(),
        "fired": fired,
        "void": void,
    }


def _blow(storm: Storm, site: Site) -> None:
    """The storm, and the calm after it, as long as there is time."""
    try:
        storm.blow(site)
        site.stack.faults.clear()
        site.wait(site.everything_over)
    except OutOfTime:
        print(f"its time is over: {site.stack.story()}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m checks.storms", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--storm", action="append", choices=STORMS, help="only this one; may be repeated")
    parser.add_argument(
        "--seed", type=int, default=1, help="decides what is asked for and disturbed (default %(default)s)"
    )
    parser.add_argument("--short", action="store_true", help="small ones, in seconds: shows that it works")
    parser.add_argument("--minutes", type=float, default=10, help="of a quiet machine, for each (default %(default)s)")
    parser.add_argument("--requests", type=int, help="how many requests each storm has")
    parser.add_argument("--tickets", type=int, help="how many of them people carry out")
    parser.add_argument("--times", type=int, help="how often its fault comes")
    parser.add_argument("--seconds", type=float, help="how long it lasts, where it lasts")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
