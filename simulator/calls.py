from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

REMEMBERED = 2_000
"""How many single requests are remembered; the counts cover all of them."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that reached a simulated system."""

    at: float
    """Seconds since 1970."""
    system: str
    method: str
    path: str
    query: str
    route: str
    """The path with the names of its parameters in place of their values."""
    status: int
    """0 when no answer was given."""
    ms: float
    fault: str | None
    """Id of the fault that was played, if any."""


class CallLog:
    """Counts every request by system, method and route, and remembers the latest ones."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._latest: deque[Call] = deque(maxlen=REMEMBERED)

    def record(self, call: Call) -> None:
        """Add one request."""
        self._counts[call.system, call.method, call.route] += 1
        self._latest.append(call)

    def reset(self) -> None:
        """Forget everything."""
        self._counts.clear()
        self._latest.clear()

    def count(self, system: str | None = None, method: str | None = None, route: str | None = None) -> int:
        """Return how many requests match; None matches everything."""
        return sum(
            n
            for (s, m, r), n in list(self._counts.items())
            if system in (None, s) and method in (None, m) and route in (None, r)
        )

    def latest(self, last: int | None = None, system: str | None = None) -> list[Call]:
        """Return the latest requests, oldest first."""
        calls = [call for call in list(self._latest) if system in (None, call.system)]
        return calls if last is None else calls[-last:] if last else []

    def view(self, last: int = 100, system: str | None = None) -> dict[str, Any]:
        """Return counts and the latest requests as plain JSON."""
        counts = [
            {"system": s, "method": m, "route": r, "count": n}
            for (s, m, r), n in sorted(self._counts.items())
            if system in (None, s)
        ]
        return {
            "total": self.count(system),
            "counts": counts,
            "latest": [asdict(call) for call in self.latest(last, system)],
        }


def route_of(scope: Mapping[str, Any]) -> str:
    """Return the path that the endpoint was found by; the path as sent where no endpoint was found."""
    template = getattr(scope.get("endpoint"), "route", None)
    if template is None:
        return str(scope["path"])
    mounted = str(scope.get("root_path", ""))
    if cloud_id := scope["path_params"].get("cloud_id"):
        mounted = mounted.replace(f"/{cloud_id}/", "/{cloud_id}/", 1)
    return mounted + str(template)
