from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from access.failures import Permanent

#: Methods that change nothing on the other side.
READS = frozenset({"GET", "HEAD"})

#: Query parameters; a sequence is sent as a repeated parameter.
Params = Mapping[str, str | int | Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One exchange with an upstream that is described and not yet sent.

    ``route`` is a template with ``{names}`` that ``path`` fills, percent-encoded. Errors name a call by its template.
    ``expects`` are the client errors (4xx) that the caller reads itself; every other one ends in a failure word. They
    count in the service's own words, or with ``any_wording`` whoever worded them: for a caller that then looks for itself.
    ``idempotent`` says that sending the call twice has one effect: only such calls are repeated, and only they may end in
    ``Transient`` after they were sent. A ``body`` of None sends none. ``endpoint_class`` is the share of the rate budget
    that the call is taken from: ``read`` or ``write`` by method, unless the vendor meters the endpoint apart.
    ``at_most_old`` is how old an answer may be that serves a read; None for one of now.
    """

    method: str
    route: str
    path: Mapping[str, str] = field(default_factory=dict)
    params: Params = field(default_factory=dict)
    body: Any = None
    expects: frozenset[int] = frozenset()
    any_wording: bool = False
    idempotent: bool = True
    endpoint_class: str = ""
    at_most_old: timedelta | None = None

    @property
    def url_path(self) -> str:
        """The route with its parts filled in.

        Raises ``Permanent`` for a part that would climb out of the route: URL libraries resolve dot segments even when
        they are percent-encoded.
        """
        for name, part in self.path.items():
            if part in {"", ".", ".."}:
                raise Permanent(f"'{part}' cannot name a {name}.", remedy="Name it by its id.")
        try:
            return self.route.format(**{name: quote(part, safe="") for name, part in self.path.items()})
        except UnicodeError as exc:
            raise Permanent("A name holds characters that no URL can carry.", remedy="Name it by its id.") from exc

    @property
    def metered_as(self) -> str:
        """The endpoint class that the rate limiter is asked for."""
        return self.endpoint_class or ("read" if self.method in READS else "write")

    def __str__(self) -> str:
        return f"{self.method} {self.route}"
