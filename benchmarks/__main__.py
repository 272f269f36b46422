"""All benchmarks, one after the other: what ``make bench`` runs; or the one that is named first, as in ``calls --json``."""

import sys
from importlib import import_module

from benchmarks import fulfilment, intake, sync
from benchmarks.command import run

_BY_NAME = ("calls", "expiry", "flow", "fulfilment", "intake", "reconcile", "sync", "takeover")

if __name__ == "__main__":
    if sys.argv[1:] and sys.argv[1] in _BY_NAME:
        name = sys.argv.pop(1)
        sys.exit(run(f"benchmarks {name}", import_module(f"benchmarks.{name}")))
    sys.exit(run("benchmarks", fulfilment, sync, intake))
