"""A worker in a process of its own, and how it is spoken with: one JSON line each way, over its standard streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

#: What a child does on request, by name.
Doings = Mapping[str, Callable[[dict[str, Any]], Any]]


class Child:
    """``python -m <module>``, told how to set itself up; killed when the block ends, for nothing of it is to be kept."""

    def __init__(self, module: str, setup: Mapping[str, Any], *, log: Path) -> None:
        self._log = log
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        try:
            self._exchange(setup)
        except BaseException:
            self._process.kill()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, do: str, **details: Any) -> Any:
        """Have it do something; what it answers. Raises ``RuntimeError`` with the end of its log when it cannot."""
        return self._exchange({"do": do, **details})

    def _exchange(self, said: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(said) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            end = self._log.read_text(encoding="utf-8", errors="replace")[-3000:]
            raise RuntimeError(f"A process of the benchmark ended. The end of its log:\n{end}")
        return json.loads(answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()


def obey(start: Callable[[dict[str, Any]], Doings]) -> None:
    """The child's side: set up as told, then do what is asked until the parent is gone."""
    doings = start(json.loads(sys.stdin.readline()))
    _say(None)
    for line in sys.stdin:
        details = json.loads(line)
        _say(doings[details.pop("do")](details))
    os._exit(0)


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
