"""``python -m checks.promises``: try generated inputs against the promises while faults come and go.

The properties of each kind run in their long form, with new inputs and faults that the seed decides, on SQLite and PostgreSQL,
and with messages on RabbitMQ and Redis. Each judges by the truth that the simulated or doubled system holds, and tells its
cases (``tests/proof.py``). The last line is a JSON object: ``ok``, the ``seed``, ``inputs`` (a digest of everything drawn, which
the seed alone decides), ``void`` (why the run proves nothing, where it does not), and for each kind

- ``cases``, and how many ``on`` each database;
- cases that ended ``wrongful`` (somebody was given or lost what was not theirs), ``lost`` (what was asked for came to no end),
  ``kept`` (access that was to be gone is there), or ``failed`` otherwise;
- ``rightful_removals_done``, the share of the removals that the truth wanted;
- the ``faults`` that fired, by name.

A property ends with its first case that does not end well, and shows the smallest one like it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]

#: What each kind of promise is about, and the modules whose long tests are its properties.
KINDS = {
    "A": ("who is meant", ("tests/flow/test_addresses_change_hands.py",)),
    "B": ("gone, and there", ("tests/flow/test_gone_and_there.py",)),
    "C": ("whose fault", ("tests/flow/test_faults_over_http.py", "tests/tasks/test_faults_pass.py")),
    "D": ("one guard", ("tests/flow/test_one_guard_over_http.py", "tests/tasks/test_one_guard.py")),
    "E": ("intake", ("tests/brokers/test_generated_messages.py",)),
    "F": (
        "time",
        (
            "tests/brokers/test_removals_through_faults.py",
            "tests/tasks/test_removals_are_kept.py",
            "tests/tasks/test_everything_at_once.py",
        ),
    ),
}
_DATABASES = ("sqlite", "postgresql")
_ENDINGS = ("wrongful", "lost", "kept", "failed")

#: Cases of each kind, of these on each database, and firings of each fault, below which a run proves nothing.
_LEAST_CASES, _LEAST_ON_EACH, _LEAST_FIRED = 300, 100, 20
#: Faults that cost real seconds fire less often.
_LEAST_FIRED_SLOW = 5
_SLOW = {
    *(
        "silent",
        "worker killed",
        "worker frozen past its lease",
        "broker connections cut",
        "broker away",
        "broker silent",
    ),
    *("database sessions ended", "database silent", "leases and marks run out"),
}

#: Exit statuses of pytest for a run that ended: all passed, or some failed.
_ENDED = (0, 1)


def main(words: Sequence[str]) -> int:
    """Run; 0 when every promise was kept, 1 when not or when the run proves nothing, 2 when it came to no end."""
    options = _parser().parse_args(words)
    cases = 8 if options.short else options.cases
    begun = monotonic()
    asked = [kind for kind in KINDS if kind in options.kinds]
    modules = [module for kind in asked for module in KINDS[kind][1]]
    try:
        status, told = tried(
            modules, seed=options.seed, cases=cases, workers=options.workers, seconds=60 * options.minutes
        )
    except subprocess.TimeoutExpired:
        return _say({"ok": False, "seed": options.seed, "void": [f"not over after {options.minutes:g} minutes"]}, 2)
    if status not in _ENDED:
        return _say({"ok": False, "seed": options.seed, "void": ["the tests could not be run"]}, 2)
    kinds = {kind: counted(kind, [line for line in told if line["kind"] == kind]) for kind in asked}
    void = [] if options.short else list(why_void(kinds))
    kept = status == 0 and all(not any(kind[ending] for ending in _ENDINGS) for kind in kinds.values())
    result = {
        "ok": kept and not void,
        "seed": options.seed,
        "inputs": digest(told),
        "seconds": round(monotonic() - begun),
        "void": void,
        "kinds": kinds,
    }
    return _say(result, 0 if result["ok"] else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m checks.promises", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="decides inputs and faults (default %(default)s)")
    parser.add_argument(
        "--cases", type=int, default=160, help="cases of each kind on each database (default %(default)s)"
    )
    parser.add_argument("--kinds", default="".join(KINDS), help="only these kinds (default %(default)s)")
    parser.add_argument("--workers", type=int, default=4, help="processes that try them (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=10, help="how long it may take (default %(default)s)")
    parser.add_argument("--short", action="store_true", help="a few cases of each, in a minute: shows that it works")
    return parser


def digest(told: Iterable[Mapping[str, Any]]) -> str:
    """One digest of all inputs: those of each property in the order in which it tried them, whichever process ran it."""
    of_property: dict[str, list[str]] = defaultdict(list)
    for line in told:
        of_property[line["property"]].append(line["inputs"])
    return sha256(json.dumps(sorted(of_property.items())).encode()).hexdigest()[:16]


def tried(
    modules: Sequence[str], *, seed: int, cases: int, workers: int, seconds: float
) -> tuple[int, list[dict[str, Any]]]:
    """Run the long tests of modules; pytest's exit status, and what they told. Raises ``subprocess.TimeoutExpired``."""
    with TemporaryDirectory() as folder:
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-m", "long", "-n", str(workers), "--dist", "load"),
            *("--hypothesis-profile=explore", f"--hypothesis-seed={seed}", *modules),
        ]
        environment = os.environ | {"PROVISOR_CASES": str(cases), "PROVISOR_PROOF": folder}
        ended = subprocess.run(  # noqa: S603 - the command is made above
            command, cwd=_ROOT, env=environment, timeout=seconds, check=False, stdout=sys.stderr
        )
        files = sorted(Path(folder).iterdir())
        return ended.returncode, [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def counted(kind: str, lines: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What came of the cases of a kind."""
    ended = Counter(line["ended"] for line in lines)
    rightful, done = sum(line["rightful"] for line in lines), sum(line["done"] for line in lines)
    return {
        "name": KINDS[kind][0],
        "cases": len(lines),
        "on": {name: sum(line["on"] == name for line in lines) for name in _DATABASES},
        **{ending: ended[ending] for ending in _ENDINGS},
        "rightful_removals": rightful,
        "rightful_removals_done": round(done / rightful, 4) if rightful else None,
        "faults": dict(sorted(_fired(line["faults"] for line in lines).items())),
    }


def why_void(kinds: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    """Why a run proves nothing, a clause for each reason."""
    fired = _fired(kind["faults"] for kind in kinds.values())
    for kind, counts in kinds.items():
        if counts["cases"] < _LEAST_CASES:
            yield f"{kind} has {counts['cases']} cases, fewer than {_LEAST_CASES}"
        for name, number in counts["on"].items():
            if number < _LEAST_ON_EACH:
                yield f"{kind} has {number} cases on {name}, fewer than {_LEAST_ON_EACH}"
        if not any(counts["faults"].values()):
            yield f"no fault fired in {kind}"
        if not counts["rightful_removals"]:
            yield f"nothing was to be taken away in {kind}"
    for name, number in sorted(fired.items()):
        least = _LEAST_FIRED_SLOW if name in _SLOW else _LEAST_FIRED
        if number < least:
            yield f"'{name}' fired {number} times, fewer than {least}"


def _fired(told: Iterable[Mapping[str, int]]) -> Counter[str]:
    """How often each fault fired; those that may fire and never did, too."""
    found: Counter[str] = Counter()
    for each in told:
        found.update(each)
    return found


def _say(result: Mapping[str, object], status: int) -> int:
    print(json.dumps(result))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
