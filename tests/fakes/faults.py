"""What can go wrong with a call, chosen in advance: shared by the doubles of this folder."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown

T = TypeVar("T")


class Killed(BaseException):
    """The process ends here, as by SIGKILL: nothing of ours may catch it, nothing is tidied up."""


class Fault(StrEnum):
    """How one call goes."""

    FINE = "fine"
    #: It did not happen; try again.
    BUSY = "busy"
    #: The same, with a wait asked for.
    THROTTLED = "throttled"
    #: It was not tried: our own rate budget said not now.
    PUT_OFF = "put_off"
    #: It happened, and the answer was lost.
    LOST = "lost"
    #: It did not happen, and the answer was lost.
    LOST_UNDONE = "lost_undone"
    #: Refused for good.
    REFUSED = "refused"
    #: A permission is missing.
    FORBIDDEN = "forbidden"
    #: The credential is bad.
    LOCKED_OUT = "locked_out"
    #: A fault of our own in the connector.
    BUG = "bug"
    #: The worker is killed before, or after, it took effect.
    KILLED_BEFORE = "killed_before"
    KILLED_AFTER = "killed_after"


#: What a fault of our own says.
OWN_FAULT = "a fault of our own"

WAIT = timedelta(seconds=30)


class FaultPlan:
    """The fault of the calls to come; fine when none is set."""

    def __init__(self) -> None:
        self._coming: deque[Fault] = deque()
        #: What every call meets for which nothing else is chosen.
        self.lasting = Fault.FINE
        #: The same for writes alone.
        self.lasting_on_writes = Fault.FINE
        #: What keeps a call from being answered, given whether it writes and about whom it is; None where nothing does.
        self.outage: Callable[[bool, str], Failure | None] = lambda _writes, _about: None
        #: How many calls there were, and which faults they met how often.
        self.calls = 0
        self.fired: Counter[str] = Counter()

    def forecast(self, *faults: Fault) -> None:
        """These are for the next calls."""
        self._coming.extend(faults)

    def clear(self) -> None:
        """Everything is fine from now on."""
        self._coming.clear()
        self.lasting = self.lasting_on_writes = Fault.FINE

    def call(self, effect: Callable[[], T], *, writes: bool, repeatable: bool = True, about: str = "") -> T:
        """Make a call with the fault it has. A lost answer is ``Unknown`` only for writes that must not be repeated."""
        self.calls += 1
        if (failure := self.outage(writes, about)) is not None:
            self.fired[f"answered with {failure.word}"] += 1
            raise failure
        usual = self.lasting_on_writes if writes and self.lasting is Fault.FINE else self.lasting
        fault = self._coming.popleft() if self._coming else usual
        if fault is not Fault.FINE:
            self.fired[fault] += 1
        lost = Transient("The answer was lost.") if repeatable or not writes else Unknown("The answer was lost.")
        before = {
            Fault.BUSY: Transient("The service is busy."),
            Fault.THROTTLED: Transient("Too many calls.", retry_after=WAIT),
            Fault.PUT_OFF: Transient("The rate budget is used up.", retry_after=WAIT, counted=False),
            Fault.LOST_UNDONE: lost,
            Fault.REFUSED: Permanent("The service refuses this.", remedy="Have a person do it."),
            Fault.FORBIDDEN: Permanent("The service does not permit this.", remedy="Give the permission.", status=403),
            Fault.LOCKED_OUT: CredentialRefused("The credential is refused."),
            Fault.BUG: RuntimeError(OWN_FAULT),
            Fault.KILLED_BEFORE: Killed(),
        }.get(fault)
        if before is not None:
            raise before
        result = effect()
        if fault is Fault.LOST:
            raise lost
        if fault is Fault.KILLED_AFTER:
            raise Killed
        return result
