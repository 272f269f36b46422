"""``python -m checks.mutants``: break the product in small ways, and count how many of the breaks the tests notice."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from checks.mutants.campaign import Campaign, UnusableTestsError
from checks.mutants.report import WANTED_SHARE, Report
from checks.mutants.test_runs import FLOOR, TIMES_SLOWER
from checks.mutants.trial import Tried

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("access", "connectors", "httpclient", "store", "tasks", "ticketing")
SLOW_PACKAGES = ("worker",)
TESTS = tuple(
    f"tests/{name}"
    for name in ("access", "config", "httpclient", "connectors", "store", "tasks", "ticketing", "flow", "sync")
) + tuple(f"tests/cli/test_doctor{part}.py" for part in ("", "_answers", "_jira", "_jumpcloud", "_tickets"))
SLOW_TESTS = ("tests/worker", "tests/cli")
#: Migrations that have run somewhere are history, and change no more.
LEFT_ALONE = ("store/migrations/versions",)

#: The exit status that a shell gives a program which SIGTERM ended.
_TERMINATED = 128 + signal.SIGTERM

_EPILOG = f"""
The seed draws mutants from {", ".join(PACKAGES)}.
Each mutant is put into a temporary copy of the project, and the tests that run its line are tried there until one fails,
those first that run little else. Wording is not mutated: logs, docstrings, annotations, sentences, arguments of errors.

The last line is a JSON object:
  mutants            how many were decided: killed and survived together
  killed             a test failed, or took too long
  timeouts           those of the killed whose test took {FLOOR:.0f} seconds and {TIMES_SLOWER} times its unmutated time
  survived           none of the tests that run its line noticed the mutant
  undecided          no test noticed it within --seconds, and some that run its line were left out. It may be a survivor:
                     share is the more honest the fewer these are; more --seconds decide them
  not_covered        those of the survivors whose line no test runs
  equivalent         drawn and passed over, since checks/mutants/equivalents.toml says why no test could notice them
  stale_equivalents  entries of that list that fit no mutation any more
  share              killed of mutants
  ok                 share is at least {WANTED_SHARE}, and mutants at least --least
"""


def main(words: Sequence[str]) -> int:
    """Run; the exit status is 0 when the run is ``ok``, 1 when not, 2 when it cannot run."""
    options = _parser().parse_args(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))  # so that children and copies go first
    sampled = PACKAGES + (SLOW_PACKAGES if options.long else ())
    campaign = Campaign(
        root=ROOT,
        packages=PACKAGES + SLOW_PACKAGES,
        sampled=options.package or sampled,
        tests=TESTS + (SLOW_TESTS if options.long else ()),
        kept=Path(__file__).with_name("equivalents.toml"),
        cache=ROOT / "var" / "mutants",
        seed=options.seed,
        count=options.count,
        least=options.least,
        minutes=options.minutes,
        seconds=options.seconds,
        jobs=options.jobs,
        left_alone=LEFT_ALONE,
        say=lambda line: print(line, file=sys.stderr, flush=True),
    )
    try:
        report = campaign.run(show)
    except UnusableTestsError as exc:
        print(f"Mutants cannot be tried. {exc}", file=sys.stderr)
        print(json.dumps({"ok": False, "mutants": 0, "seed": options.seed, "error": str(exc)}))
        return 2
    conclude(report)
    return 0 if report.ok else 1


def show(tried: Tried, source: bytes) -> None:
    """Print a mutant that no test noticed: its place and its diff."""
    if tried.killed:
        return
    mutation = tried.mutation
    left_out = f", {tried.left_out} left out" if tried.left_out else ""
    print(f"{mutation.path}:{mutation.line} {mutation.function}: {tried.verdict} ({tried.tests} tests{left_out})")
    print(mutation.diff(source) + "\n", flush=True)


def conclude(report: Report) -> None:
    """Print what else there is to know, and the JSON object."""
    for entry in report.stale:
        print(f"equivalents.toml: {entry} is stale; take the entry out.")
    if len(report.tried) < report.drawn:
        print(f"The time was over after {len(report.tried)} of {report.drawn} mutants.")
    if not report.enough:
        print(f"{report.decided} decided mutants are too few to judge by; {report.least} are the least.")
    print(report.as_json())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "make mutants", description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="draws the mutants: the same seed draws the same ones (1)")
    parser.add_argument("--count", type=int, default=100, help="how many mutants to try (100)")
    parser.add_argument("--least", type=int, default=60, help="how many have to be decided for the run to be ok (60)")
    parser.add_argument("--minutes", type=float, default=9.0, help="when to stop; what was not tried then is left (9)")
    parser.add_argument("--seconds", type=float, default=45.0, help="tests of one mutant, by their unmutated time (45)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="mutants at once (one for each core)")
    parser.add_argument("--long", action="store_true", help="draw from worker too, with its tests")
    parser.add_argument("--package", action="append", help="draw from this package only; may be repeated")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
