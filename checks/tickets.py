"""``python -m checks.tickets``: thousands of operations that people carry out, and what their tickets say in the end.

A worker in a process of its own opens and follows the tickets on a simulated site, and is killed again and again. A tenth of the
answers to what makes a ticket is lost; tickets are closed untrue, declined and called back; many vanish at once, some cannot be
read, and the site's automation closes and opens others again. Judged by what the simulated systems hold
(``tests/crash/test_many_tickets.py``). The last line is a JSON object: ``ok``, ``void`` (why the run proves nothing, where it
does not), and

- ``operations``, ``tickets``, and how many operations have ``twins`` or are ``lost``;
- ``wrong``: what is not as it should be, by kind, with its number;
- ``kinds`` of operations, what ``happened`` to their tickets on the way, ``answers_lost``, ``kills``, ``seconds``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

_ROOT = Path(__file__).resolve().parents[1]
_MODULE = "tests/crash/test_many_tickets.py"

#: What has to have happened on the way to some tickets, else nothing is proved.
_HAPPENS = (
    "opened again as untrue",
    "hidden",
    "unreadable",
    "closed again by automation",
    "opened again by automation",
)

#: Exit statuses of pytest for a run that ended: all passed, or some failed.
_ENDED = (0, 1)


def main(words: Sequence[str]) -> int:
    """Run; 0 when every operation has its one ticket with its end on it, 1 when not, 2 when it came to no end."""
    options = _parser().parse_args(words)
    operations, kills = (40, 2) if options.short else (options.operations, options.kills)
    try:
        status, figures = tried(operations, kills, seconds=60 * options.minutes)
    except subprocess.TimeoutExpired:
        return _say({"ok": False, "void": [f"not over after {options.minutes:g} minutes"]}, 2)
    if status not in _ENDED or figures is None:
        return _say({"ok": False, "void": ["the operations came to no end"]}, 2)
    void = list(why_void(figures, kills))
    ok = status == 0 and not void and figures["tickets"] == operations and not figures["wrong"]
    return _say({"ok": ok, "void": void, **figures}, 0 if ok else 1)


def tried(operations: int, kills: int, *, seconds: float) -> tuple[int, dict[str, Any] | None]:
    """Have so many operations carried out; pytest's exit status and the figures. Raises ``subprocess.TimeoutExpired``."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-q", "-m", "long", "-n", "0", "-p", "no:cacheprovider", _MODULE]
        sizes = {"PROVISOR_TICKETS": str(operations), "PROVISOR_KILLS": str(kills), "PROVISOR_PROOF": folder}
        ended = subprocess.run(  # noqa: S603 - the command is made above
            command, cwd=_ROOT, env=os.environ | sizes, timeout=seconds, check=False, stdout=sys.stderr
        )
        told = Path(folder) / "tickets.json"
        return ended.returncode, json.loads(told.read_text("utf-8")) if told.exists() else None


def why_void(figures: Mapping[str, Any], kills: int) -> Iterable[str]:
    """Why a run proves nothing, a clause for each reason."""
    if not figures["answers_lost"]:
        yield "no answer was lost"
    if figures["kills"] < kills:
        yield f"the worker was killed {figures['kills']} times, and not {kills}"
    for name in _HAPPENS:
        if not figures["happened"].get(name):
            yield f"no ticket was {name}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m checks.tickets", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--operations", type=int, default=2000, help="how many (default %(default)s)")
    parser.add_argument("--kills", type=int, default=20, help="of the worker (default %(default)s)")
    parser.add_argument("--minutes", type=float, default=10, help="how long it may take (default %(default)s)")
    parser.add_argument("--short", action="store_true", help="forty operations and two kills: shows that it works")
    return parser


def _say(result: Mapping[str, object], status: int) -> int:
    print(json.dumps(result))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
