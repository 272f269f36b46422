"""The simulated systems of the demonstration: one process each, and the control API that shows their state."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from demo.patience import Patience, slowness

#: In seconds of a quiet machine.
_START_SECONDS = 30.0
_STOP_SECONDS = 5.0

#: Between two looks at a process that starts.
_LOOK_SECONDS = 1.0
#: A call takes milliseconds, on a busy machine seconds.
_CALL_SECONDS = 120.0


class SimulatorProblem(Exception):  # noqa: N818 - told to whoever runs the demonstration
    """A simulated system did not start or did not do what it was asked."""


@dataclass(frozen=True, slots=True)
class Simulator:
    """One simulated system in a process of its own; every call may raise ``SimulatorProblem``."""

    name: str
    process: subprocess.Popen[str]
    facts: dict[str, str]
    control: str

    @property
    def url(self) -> str:
        """Where its API is."""
        return self.facts["url"]

    def state(self) -> dict[str, Any]:
        """The state of this system, from its control API."""
        found: dict[str, Any] = self._call("GET", f"/state/{self.name}")
        return found

    def act(self, verb: str, **details: Any) -> None:
        """Do what a person would in its console."""
        self._call("POST", f"/actions/{self.name}", {"do": verb, **details})

    def set_time(self, ahead: float) -> None:
        """Let the system's clock go so many seconds ahead of ours, or behind."""
        self._call("PUT", f"/state/{self.name}", {"ahead": ahead})

    def requests(self) -> list[dict[str, Any]]:
        """How often each route was called since the start, or since ``forget_requests``."""
        found: list[dict[str, Any]] = self._call("GET", "/requests?last=0")["counts"]
        return [each for each in found if each["system"] == self.name]

    def forget_requests(self) -> None:
        """Count calls from here on."""
        self._call("DELETE", "/requests")

    def break_down(self, **fault: Any) -> str:
        """Put a fault in place; its id."""
        return str(self._call("POST", "/faults", fault)["id"])

    def played(self, fault: str) -> int:
        """How often a fault has been injected."""
        return int(self._call("GET", f"/faults/{fault}?timeout=0")["played"])

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        connection = http.client.HTTPConnection(urlsplit(self.control).netloc, timeout=_CALL_SECONDS)
        try:
            connection.request(method, path, body=None if body is None else json.dumps(body))
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as exc:
            raise SimulatorProblem(f"The simulated {self.name} does not answer at its control API ({exc!r}).") from exc
        finally:
            connection.close()
        if answer.status >= 300:  # noqa: PLR2004 - whatever is no success
            raise SimulatorProblem(f"The simulated {self.name} refused {method} {path}: {content.decode()[:300]}")
        return json.loads(content or b"null")


@contextmanager
def simulated_systems(folder: Path, content: dict[str, Any]) -> Iterator[Callable[[], tuple[Simulator, Simulator]]]:
    """Run JumpCloud and Jira Cloud. Gives what waits for both to say where they are; it raises ``SimulatorProblem``."""
    seed = folder / "world.json"
    seed.write_text(json.dumps(content), encoding="utf-8")
    with _started("jumpcloud", folder, seed) as jumpcloud, _started("jira", folder, seed) as jira:
        yield lambda: (_announced("jumpcloud", jumpcloud, folder), _announced("jira", jira, folder))


@contextmanager
def _started(name: str, folder: Path, seed: Path) -> Iterator[subprocess.Popen[str]]:
    options = (f"--{name}-port=0", "--control-port=0", f"--seed-file={seed}", "--json")
    with (folder / f"{name}.log").open("w") as log:
        # Ctrl-C reaches this process alone: the simulators stay until the worker has stopped.
        process = subprocess.Popen(  # noqa: S603 - our own program, no shell
            [sys.executable, "-m", "simulator", *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(_STOP_SECONDS * slowness())
                except subprocess.TimeoutExpired:
                    process.kill()


def _announced(name: str, process: subprocess.Popen[str], folder: Path) -> Simulator:
    """The simulator, once its first line says where it is."""
    assert process.stdout is not None
    lines: list[str] = []
    stdout = process.stdout
    reader = threading.Thread(target=lambda: lines.append(stdout.readline()), daemon=True)
    reader.start()
    patience = Patience(_START_SECONDS)
    while reader.is_alive() and patience.lasts():
        reader.join(_LOOK_SECONDS)
    if not lines or not lines[0].strip():
        raise SimulatorProblem(f"The simulated {name} did not start; see {folder / f'{name}.log'}.")
    said = json.loads(lines[0])
    return Simulator(name, process, said[name], said["control"]["url"])
