"""Both benchmarks, one after the other: what ``make bench`` runs. Each can be run alone, with options of its own."""

from __future__ import annotations

import subprocess
import sys


def main() -> int:
    """Run them; the first exit code that is not zero, which only a wrong result gives."""
    codes = [
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *sys.argv[1:]], check=False).returncode
        for name in ("fulfilment", "sync")
    ]
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main())
