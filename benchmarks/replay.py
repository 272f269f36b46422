"""The calls that Provisor makes for one request, from the simulator's log; the bare task repeats them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from benchmarks.grants import Grant
from benchmarks.report import WrongResult

_CHANGE = "POST /api/v2/usergroups/{group}/members"


@dataclass(frozen=True, slots=True)
class ReplayedCall:
    """``path`` and ``query`` have {user}, {email} and {group} where the grant's were."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]

    def document(self) -> dict[str, Any]:
        return asdict(self)

    def body(self, grant: Grant) -> Mapping[str, str] | None:
        """The body of the one call that has one; the log holds none."""
        if self.method == "GET":
            return None
        return {"op": "add" if grant.action == "grant" else "remove", "type": "user", "id": grant.user}


def replayed(latest: Sequence[Mapping[str, Any]], grant: Grant) -> list[ReplayedCall]:
    """What to replay, from the simulator's log of one grant. Raises ``WrongResult`` for a body that it does not know."""
    calls = []
    for call in latest:
        query = tuple((name, _general(value, grant)) for name, value in parse_qsl(call["query"]))
        made = ReplayedCall(call["method"], _general(call["path"], grant), query)
        if made.method != "GET" and f"{made.method} {made.path}" != _CHANGE:
            raise WrongResult(f"The bare task cannot make the call {made.method} {made.path}: teach it the body.")
        calls.append(made)
    return calls


def _general(text: str, grant: Grant) -> str:
    for name, value in (("user", grant.user), ("group", grant.group), ("email", grant.email)):
        text = unquote(text).replace(value, f"{{{name}}}")
    return text
