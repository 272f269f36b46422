"""All benchmarks, one after the other: what ``make bench`` runs. Each can be run alone too."""

import sys

from benchmarks import fulfilment, intake, sync
from benchmarks.command import run

if __name__ == "__main__":
    sys.exit(run("benchmarks", fulfilment, sync, intake))
