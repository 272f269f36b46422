"""``python -m checks.simulation``: days of a company in virtual time, in weather that a seed decides.

Several worker processes share a store, two systems and a ticketing system. One thread runs at a time, and the clock is moved.
Each commit and each call out is a point where another worker may run, where a process is frozen for longer than its lease, or
where it is killed: once before, and once after. Calls fail, answers are lost, changes are accepted and not done, places are
away, the broker loses, repeats and reorders, clocks differ, people close tickets untruly or delete them, and databases are
put back. What came of it is judged by what the simulated systems hold.

A life is some days (``--life-days``), and its seed decides all of it: ``--seed N --days 3`` lives the life of seed N again. With
``--planted`` the product gets one bug after another, and each has to be found. The last line is a JSON object: ``ok``; the
``seed``, and those of lives that ended badly (``failed``); ``days``, ``days_an_hour``, ``requests``; ``crash_points`` (each
side of each point that was passed) and how many were ``covered`` by a kill; ``commits`` of the modules
that took part, and those that no life passed (``not_passed``); ``planted`` and ``found``; sentences counted as
``wrongful``, ``lost``, ``doubled``, ``overdue`` (access is there past its end); ``void``, why the run proves nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from checks.mutants.trees import copy_project, project_files
from checks.simulation.judgement import WORDS
from checks.simulation.planted import PLANTED, Planted
from checks.simulation.points import commits_of
from demo.patience import slowness

_ROOT = Path(__file__).resolve().parents[2]

#: Seconds of a quiet machine that a day may take before its life counts as one that hangs.
_HANGS_SECONDS = 60.0

#: Requests a day of a short run.
_FEW = 40

#: How many lives a planted bug may survive.
_LIVES_OF_A_BUG = 6

#: The share of the crash points of a whole run that has to be covered.
_LEAST_COVERED = 0.97


def main(words: Sequence[str]) -> int:
    """Run; 0 when all was well and every bug was found, 1 when not, or when the run proves nothing."""
    options = _parser().parse_args(words)
    begun = monotonic()
    until = begun + 60 * options.minutes
    lives, days = (2, 1) if options.short else (-(-options.days // options.life_days), options.life_days)
    requests = _FEW if options.short else options.requests
    bugs = [bug for bug in PLANTED if options.planted or (options.short and bug.short)]
    if options.bug:
        bugs = [bug for bug in PLANTED if options.bug in bug.name]
    seeds = list(_seeds(options.seed, max(lives, _LIVES_OF_A_BUG)))
    told, found = [], 0
    with ThreadPoolExecutor(options.workers) as pool:
        if not (options.planted or options.bug):
            for life in pool.map(lambda seed: lived(seed, days, requests, until=until), seeds[:lives]):
                told.append(life)
                _tell(life)
        if bugs:
            with _trees(min(options.workers, len(bugs))) as trees:
                looked = pool.map(lambda bug: _is_found(bug, trees, seeds, days, requests, until=until), bugs)
                found = sum(by is not None for by in looked)
    result = summed(told, seed=options.seed, planted=len(bugs), found=found, seconds=monotonic() - begun)
    if told and not options.short:
        result["void"] = list(why_void(result))
    result["ok"] = not result["failed"] and not result["void"] and found == len(bugs)
    print(json.dumps(result))
    return 0 if result["ok"] else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m checks.simulation", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="decides everything (default %(default)s)")
    parser.add_argument("--days", type=int, default=60, help="virtual days, in all (default %(default)s)")
    parser.add_argument("--life-days", type=int, default=3, help="days of one life (default %(default)s)")
    parser.add_argument("--requests", type=int, default=100, help="requests a day (default %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="lives at a time (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=60, help="how long it may take (default %(default)s)")
    parser.add_argument("--planted", action="store_true", help="plant the bugs instead, one after the other")
    parser.add_argument("--bug", metavar="WORDS", help="plant only those whose name has these words")
    parser.add_argument("--short", action="store_true", help="two days and a few bugs: shows that it works")
    return parser


def _seeds(seed: int, number: int) -> Iterator[int]:
    """The seeds of lives: the first is the seed itself, so that a life that failed is lived again by its own."""
    rng = Random(seed)  # noqa: S311 - a repeatable choice
    yield seed
    for _ in range(number - 1):
        yield rng.randrange(1_000_000, 1_000_000_000)


def lived(seed: int, days: int, requests: int, *, until: float, tree: Path = _ROOT) -> dict[str, Any]:
    """Live a life in a process of its own, and return what it tells; one that hangs or breaks counts as lost.

    None begins after the moment ``until`` of the monotonic clock: that one counts as lost, too.
    """
    if monotonic() > until:
        return _broken(seed, "there was no time left for it")
    words = [sys.executable, "-m", "checks.simulation.one_life", str(seed), str(days), str(requests)]
    # The order of sets is that of hashes.
    environment = os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    limit = _HANGS_SECONDS * (days + 1) * slowness()
    try:
        ended = subprocess.run(  # noqa: S603 - our own words
            words, cwd=tree, env=environment, timeout=limit, check=True, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        return _broken(seed, f"not over after {limit:.0f} s")
    except subprocess.CalledProcessError as failure:
        return _broken(seed, failure.stderr[-2000:])
    found: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return found


def _broken(seed: int, why: str) -> dict[str, Any]:
    sentences = {word: [f"The life broke off: {why}"] if word == "lost" else [] for word in WORDS}
    return {"seed": seed, "days": 0, "requests": 0, "reached": [], "crashed": [], "counts": {}, "sentences": sentences}


def _failed(life: Mapping[str, Any]) -> list[str]:
    return [f"{word}: {sentence}" for word in WORDS for sentence in life["sentences"][word]]


def _tell(life: Mapping[str, Any]) -> None:
    print(f"life {life['seed']}: {life['requests']} requests, {life['counts']}", file=sys.stderr, flush=True)
    for sentence in _failed(life)[:40]:
        print(f"  {sentence}", file=sys.stderr, flush=True)


class _trees(ExitStack):  # noqa: N801 - used as a function
    """Copies of the project, handed out one at a time."""

    def __init__(self, number: int) -> None:
        super().__init__()
        folder = Path(self.enter_context(TemporaryDirectory()))
        files = project_files(_ROOT)
        self._free: SimpleQueue[Path] = SimpleQueue()
        for each in range(number):
            copy_project(_ROOT, files, folder / str(each))
            self._free.put(folder / str(each))

    def take(self) -> Path:
        """A copy that nobody uses."""
        return self._free.get()

    def give_back(self, tree: Path) -> None:
        """Nobody uses it any more."""
        self._free.put(tree)


def _is_found(
    bug: Planted, trees: _trees, seeds: Sequence[int], days: int, requests: int, *, until: float
) -> str | None:
    """By which sentence a life finds the bug, which is told at once; None where it survives all."""
    tree = trees.take()
    by = None
    try:
        with bug.within(tree):
            for number, seed in enumerate(seeds[:_LIVES_OF_A_BUG], start=1):
                if monotonic() > until:
                    break
                if failed := _failed(lived(seed, days, requests, until=until, tree=tree)):
                    by = f"life {number}, {len(failed)} times, {failed[0]}"
                    break
    finally:
        trees.give_back(tree)
    print(f"{'found' if by else 'NOT FOUND':<10}{bug.name}: {by or ''}", file=sys.stderr, flush=True)
    return by


def summed(told: Sequence[Mapping[str, Any]], *, seed: int, planted: int, found: int, seconds: float) -> dict[str, Any]:
    """What all lives told together."""
    reached = {tuple(point) for life in told for point in life["reached"]}
    crashed = {tuple(point) for life in told for point in life["crashed"]}
    commits, passed = commits_of(reached)
    days = sum(life["days"] for life in told)
    counts: Counter[str] = Counter()
    for life in told:
        counts.update(life["counts"])
    return {
        "ok": False,
        "seed": seed,
        "failed": [life["seed"] for life in told if _failed(life)],
        "seconds": round(seconds),
        "days": days,
        "days_an_hour": round(3600 * days / seconds),
        "requests": sum(life["requests"] for life in told),
        "crash_points": len(reached),
        "covered": len(reached & crashed),
        "commits": len(commits),
        "not_passed": sorted(commits - passed),
        "not_covered": sorted(" ".join(point) for point in reached - crashed),
        **dict(sorted(counts.items())),
        "planted": planted,
        "found": found,
        **{word: sum(len(life["sentences"][word]) for life in told) for word in WORDS},
        "void": [],
    }


def why_void(result: Mapping[str, Any]) -> Iterable[str]:
    """Why a run proves nothing, a clause for each reason."""
    if result["covered"] < _LEAST_COVERED * result["crash_points"]:
        yield f"{result['covered']} of {result['crash_points']} crash points were covered"
    for what in ("kills", "outages", "restores", "snapshots", "tickets"):
        if not result.get(what):
            yield f"there were no {what}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
