"""The simulated systems in a process of their own, with a client of their control API."""

from __future__ import annotations

import json
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

import requests

_STOP_SECONDS = 10


class Simulated:
    """``python -m simulator`` with these options, on free ports, until the block ends."""

    def __init__(self, *systems: str, **sizes: int) -> None:
        ports = [f"--{system}-port=0" for system in (*systems, "control")]
        options = [f"--{name}={size}" for name, size in sizes.items()]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "simulator", "--json", *ports, *options], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        if not said:
            raise RuntimeError("The simulator did not start. Read what it said above.")
        #: Addresses and credentials, by system.
        self.facts: dict[str, dict[str, str]] = json.loads(said)
        self._control = requests.Session()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._control.close()
        self._process.terminate()
        self._process.wait(_STOP_SECONDS)

    def state(self, system: str) -> dict[str, Any]:
        """The truth."""
        found: dict[str, Any] = self._ask("GET", f"/state/{system}")
        return found

    def calls(self, *, last: int = 0, system: str | None = None) -> dict[str, Any]:
        """How often each route was called, and the latest calls."""
        params: dict[str, str | int] = {"last": last} | ({"system": system} if system else {})
        found: dict[str, Any] = self._ask("GET", "/requests", params=params)
        return found

    def forget_calls(self) -> None:
        """Count from zero again."""
        self._ask("DELETE", "/requests")

    def hold(self, **rule: Any) -> str:
        """Let the next call that meets the rule stand still before it is carried out; the id of that fault."""
        return str(self._ask("POST", "/faults", json={**rule, "hold": "before"})["id"])

    def until_held(self, fault: str) -> None:
        """Wait until a fault holds a call."""
        self._ask("GET", f"/faults/{fault}", params={"holding": 1, "timeout": 60})

    def drop(self, fault: str) -> None:
        """What a fault holds is lost."""
        self._ask("POST", f"/faults/{fault}/release", json={"drop": True})

    def latency(self, ms: float) -> None:
        """Let every answer take this much longer."""
        self._ask("POST", "/latency", json={"latency_ms": ms})

    def act(self, system: str, do: str, **details: Any) -> None:
        """Change something as a person in the console would."""
        self._ask("POST", f"/actions/{system}", json={"do": do, **details})

    def limit(self, **rule: Any) -> None:
        """Refuse calls beyond a rate, as the service would."""
        self._ask("POST", "/limits", json=rule)

    def switch(self, system: str, **values: Any) -> None:
        """Set switches of one system."""
        self._ask("PATCH", f"/switches/{system}", json=values)

    def _ask(self, method: str, path: str, **details: Any) -> Any:
        answer = self._control.request(method, self.facts["control"]["url"] + path, timeout=120, **details)
        answer.raise_for_status()
        return answer.json() if answer.content else None
