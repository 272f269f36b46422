"""Both benchmarks, one after the other: what ``make bench`` runs. Each can be run alone too."""

from __future__ import annotations

import argparse
import sys

from benchmarks import fulfilment, sync
from benchmarks.report import Report, WrongResult, show


def main() -> int:
    """Run them; 1 when one of them gave a wrong result, whatever the aims."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    fulfilment.add_options(parser)
    sync.add_options(parser)
    options = parser.parse_args()
    reports: list[Report] = []
    code = 0
    for benchmark in (fulfilment, sync):
        try:
            reports.append(benchmark.measure(options))
        except WrongResult as wrong:
            print(f"Wrong result: {wrong}", file=sys.stderr)
            code = 1
        else:
            if not options.json:
                show(reports[-1:], as_json=False)
    if options.json:
        show(reports, as_json=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
