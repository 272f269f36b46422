"""``python -m checks.promises``: try generated inputs against the promises, many more than the tests do.

The property tests of each kind run in their long form, with new inputs that the seed decides, on SQLite and PostgreSQL, and with
messages on RabbitMQ and Redis. The last line is a JSON object: ``ok``, the ``seed``, and for each kind how many ``cases`` were
tried and how many ``properties`` ``failed``. A property that fails is shown with its smallest example.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

_ROOT = Path(__file__).resolve().parents[1]

#: The modules whose long tests are the property tests of each kind.
KINDS = {
    "who is meant": ("tests/flow/test_addresses_change_hands.py",),
    "gone, and there": ("tests/flow/test_gone_and_there.py",),
    "whose fault": ("tests/tasks/test_faults_pass.py",),
    "one guard": ("tests/tasks/test_one_guard.py",),
    "intake": ("tests/brokers/test_hostile_messages.py",),
    "time": ("tests/tasks/test_removals_are_kept.py", "tests/tasks/test_everything_at_once.py"),
}

#: Exit statuses of pytest for a run that ended: all passed, or some failed.
_ENDED = (0, 1)


def main(words: Sequence[str]) -> int:
    """Run; 0 when every property held, 1 when not, 2 when the run came to no end."""
    parser = argparse.ArgumentParser(prog="python -m checks.promises", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides the inputs (default %(default)s)")
    parser.add_argument(
        "--cases", type=int, default=100, help="inputs of each property on each database (default %(default)s)"
    )
    parser.add_argument("--minutes", type=float, default=10, help="how long it may take (default %(default)s)")
    options = parser.parse_args(words)
    with TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        command = [
            *(sys.executable, "-m", "pytest", "-q", "-m", "long", "-n", "4", "--dist", "load"),
            *("--hypothesis-profile=explore", f"--hypothesis-seed={options.seed}", f"--junit-xml={results}"),
            *(module for modules in KINDS.values() for module in modules),
        ]
        environment = os.environ | {"PROVISOR_CASES": str(options.cases)}
        try:
            ended = subprocess.run(  # noqa: S603 - the command is made above
                command, cwd=_ROOT, env=environment, timeout=60 * options.minutes, check=False
            )
        except subprocess.TimeoutExpired:
            return _say(
                {"ok": False, "seed": options.seed, "why": f"not over after {options.minutes:g} minutes"}, status=2
            )
        if ended.returncode not in _ENDED:
            return _say({"ok": False, "seed": options.seed, "why": "the tests could not be run"}, status=2)
        kinds = _counted(ET.parse(results), cases=options.cases)  # noqa: S314 - pytest wrote it a moment ago
    ok = all(kind["cases"] and not kind["failed"] for kind in kinds.values())
    return _say({"ok": ok, "seed": options.seed, "kinds": kinds}, status=0 if ok else 1)


def _counted(results: ET.ElementTree[ET.Element], *, cases: int) -> dict[str, dict[str, int]]:
    """What came of each kind. A property that failed, or was skipped, has tried nothing that counts."""
    passed, failed = Counter[str](), Counter[str]()
    for test in results.iter("testcase"):
        module = test.get("classname", "").replace(".", "/") + ".py"
        kind = next(name for name, modules in KINDS.items() if module in modules)
        if test.find("failure") is not None or test.find("error") is not None:
            failed[kind] += 1
        elif test.find("skipped") is None:
            passed[kind] += 1
    return {
        kind: {"properties": passed[kind] + failed[kind], "cases": cases * passed[kind], "failed": failed[kind]}
        for kind in KINDS
    }


def _say(result: dict[str, object], *, status: int) -> int:
    print(json.dumps(result))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
