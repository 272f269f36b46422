"""A worker in a process of its own. Parent and child exchange lines of JSON over the child's standard streams."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

#: What a child does at a command, by name.
Commands = Mapping[str, Callable[[dict[str, Any]], Any]]


class Child:
    """``python -m <module>``, which gets its setup as the first line; killed when the block ends, since nothing of it is kept."""

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
        """Send a command; the answer. Raises ``RuntimeError`` with the end of the child's log when the child has ended."""
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


def serve(start: Callable[[dict[str, Any]], Commands]) -> None:
    """The child's side: set up, then carry commands out until the parent is gone."""
    commands = start(json.loads(sys.stdin.readline()))
    _say(None)
    for line in sys.stdin:
        details = json.loads(line)
        _say(commands[details.pop("do")](details))
    os._exit(0)


def _say(answer: Any) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
