"""One assumed fact of a contract page, and how it is looked at in a real service."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from access.failures import Failure
from httpclient import Response
from tasks.doctor.findings import Check, Finding

#: What looks are made with: the probes of one service.
T = TypeVar("T")

_SEND_IT = "Provisor is made for both. Send the cassette, so that the page and the simulator follow."


class NotSeen(Exception):  # noqa: N818 - what kept a look from an answer, in a sentence without its end
    """The service could not show which value is true; why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumption(Generic[T]):
    """A fact of ``docs/contracts`` with the mark *assumed*.

    ``fact`` is how its row begins there. ``name`` is the simulator's switch where there is one (``switch``), else a name for
    people; ``assumed`` is the value that Provisor takes for true. ``look`` returns the value that the service shows, and raises
    ``NotSeen`` or the failure words; a fact without one ``cannot`` be probed: why. ``writes`` says that looking changes the
    scratch group or project that somebody named for it.
    """

    fact: str
    name: str
    assumed: Any = True
    switch: bool = True
    look: Callable[[T], Any] | None = None
    cannot: str = ""
    writes: bool = False


def judge(area: str, assumptions: Sequence[Assumption[T]], at: T) -> Iterator[Finding]:
    """One finding for each assumption: as assumed, otherwise, or not seen and why."""
    for assumption in assumptions:
        check = Check(area, assumption.name)
        if assumption.look is None:
            yield check.unknown(f"Cannot be probed: {assumption.cannot}. {assumption.fact}")
            continue
        try:
            value = assumption.look(at)
        except NotSeen as why:
            yield check.unknown(f"Not seen: {why}. {assumption.fact}")
        except Failure as failure:
            yield check.unknown(f"Not seen: {failure.what} {assumption.fact}")
        else:
            yield _finding(check, assumption, value)


def status_of(response: Response, *known: int) -> int:
    """The status, when it is one of those that an assumption knows. Raises ``NotSeen`` for any other."""
    if response.status not in known:
        raise NotSeen(f"the answer was {response.status}, which is neither of {' and '.join(map(str, known))}")
    return response.status


def _finding(check: Check, assumption: Assumption[T], value: Any) -> Finding:
    seen = f"The simulator's switch {assumption.name} is {value!r}" if assumption.switch else f"Seen: {value!r}"
    if value == assumption.assumed:
        return check.ok(f"As assumed. {assumption.fact} {seen}.")
    return check.warning(f"Not as assumed ({assumption.assumed!r}). {assumption.fact} {seen}.", _SEND_IT)
