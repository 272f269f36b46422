"""The command line of a benchmark, alone or with others."""

from __future__ import annotations

import argparse
import sys
from types import ModuleType

from benchmarks.report import Report, WrongResult, show


def run(program: str, *benchmarks: ModuleType) -> int:
    """Run benchmarks one after the other; 1 when one of them gave a wrong result, whatever the aims."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=benchmarks[0].__doc__)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    for benchmark in benchmarks:
        benchmark.add_options(parser)
    options = parser.parse_args()
    reports: list[Report] = []
    code = 0
    for benchmark in benchmarks:
        try:
            reports.append(benchmark.measure(options))
        except WrongResult as wrong:
            print(f"Wrong result: {wrong}", file=sys.stderr)
            code = 1
        else:
            if not options.json:
                show(reports[-1:], as_json=False)
    if options.json and reports:
        show(reports, as_json=True)
    return code
