"""What a property of a promise tried and what came of it: told to ``make prove-promises``, which counts (``checks/promises.py``).

A case is told when it is over, as one line of JSON in the folder that PROVISOR_PROOF names. Without that nothing is told, and
the property is a test like any other.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path


class Broken(AssertionError):  # noqa: N818 - each is called by what came of it
    """A promise that was not kept."""


class Wrongful(Broken):
    """Somebody was given, or lost, what the truth says was not theirs to be given or to lose."""


class Lost(Broken):
    """What was asked for came to no end, or to a wrong one, though every fault had passed."""


class Kept(Broken):
    """Access is there though it counts as gone, or was to be gone."""


def promise(word: type[Broken], holds: object, *story: object) -> None:
    """Raise ``word`` with the story unless the promise holds."""
    if not holds:
        raise word(*story)


class Case:
    """One case: which faults fired how often, and how many removals were rightful and done."""

    def __init__(self) -> None:
        self.faults: Counter[str] = Counter()
        self.rightful = self.done = 0

    def removal(self, *, done: bool) -> None:
        """A removal that the truth wants; whether it was carried out."""
        self.rightful += 1
        self.done += done


class Proof:
    """The cases of one property of a kind (a letter of the promises, A to F), on one database.

    ``faults`` are those that may fire: one that never does is told, too.
    """

    def __init__(self, kind: str, *, on: str, faults: Iterable[str] = ()) -> None:
        self._faults = dict.fromkeys(map(str, faults), 0)
        self._about = {"kind": kind, "on": on, "property": os.environ["PYTEST_CURRENT_TEST"].partition(" ")[0]}
        self._broken = False

    @contextmanager
    def case(self, *inputs: object) -> Iterator[Case]:
        """Try one case with what was drawn for it. After one that fails, Hypothesis looks for a smaller one: that is not told."""
        case, ended = Case(), "well"
        try:
            yield case
        except Broken as broken:
            ended = type(broken).__name__.lower()
            raise
        except Exception:
            ended = "failed"
            raise
        finally:
            if not self._broken:
                self._tell(case, inputs, ended)
            self._broken = self._broken or ended != "well"

    def _tell(self, case: Case, inputs: tuple[object, ...], ended: str) -> None:
        if (folder := os.environ.get("PROVISOR_PROOF")) is None:
            return
        line = self._about | {
            "inputs": sha256(repr(inputs).encode()).hexdigest(),
            "ended": ended,
            "faults": self._faults | case.faults,
            "rightful": case.rightful,
            "done": case.done,
        }
        with (Path(folder) / f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
