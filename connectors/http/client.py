from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from access.clock import Clock, SystemClock
from access.failures import Transient
from connectors.http.answers import Answer
from connectors.http.calls import Call
from connectors.http.credentials import Credential, scrubber
from connectors.http.gate import NoGate, RateGate
from connectors.http.patience import Patience, read_with_patience
from connectors.http.transport import Observer, Signature, Timeouts, Transport
from connectors.http.verdicts import TOO_MANY, verdict

#: How long a lane stops after a 429 that names no wait, as a gateway's does not [observed: Jira]; it is Jira's own advice for
#: the first wait [docs].
_UNNAMED_STOP = timedelta(seconds=2)


def _never(_: Answer) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a client behaves towards its upstream, whatever the upstream is.

    ``body_limit`` is in bytes. ``observer`` is told of every exchange, for metrics.
    """

    timeouts: Timeouts
    pool_size: int = 4
    body_limit: int = 16 * 1024 * 1024
    patience: Patience = field(default_factory=Patience)
    gate: RateGate = field(default_factory=NoGate)
    observer: Observer | None = None
    clock: Clock = field(default_factory=SystemClock)

    def transport(self, system: str) -> Transport:
        """A pool of connections with these manners."""
        return Transport(
            system=system,
            timeouts=self.timeouts,
            pool_size=self.pool_size,
            body_limit=self.body_limit,
            observer=self.observer,
        )


class HttpClient:
    """Speaks JSON with one upstream. Every call ends in an ``Answer`` or in exactly one failure word.

    ``address`` is the base that routes are appended to; links in answers are never followed, so a credential goes
    nowhere else. ``headers`` go with every call. ``refused`` recognises the upstream's own ways of showing that it does not
    know our credential, besides 401. Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        system: str,
        address: str,
        credential: Credential,
        manners: Manners,
        headers: Mapping[str, str] | None = None,
        refused: Callable[[Answer], bool] = _never,
    ) -> None:
        self.system = system
        self.address = address.rstrip("/")
        self._credential = credential
        self._manners = manners
        self._gate = manners.gate
        self._headers = dict(headers or {})
        self._refused = refused
        self._scrub = scrubber(credential.secrets)
        self._transport = manners.transport(system)

    def __repr__(self) -> str:
        return f"HttpClient({self.system!r}, {self.address!r})"

    @property
    def patience(self) -> Patience:
        """How long this client bridges."""
        return self._manners.patience

    def through(self, gate: RateGate) -> HttpClient:
        """The same client, on the same connections, for the lane that ``gate`` belongs to."""
        other = object.__new__(HttpClient)
        other.__dict__.update(self.__dict__)
        other._gate = gate
        return other

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()

    def send(self, call: Call) -> Answer:
        """Make the call; one that is idempotent is tried again within the client's patience.

        Returns answers of 200 to 299 and the client errors that the call expects. Raises ``Transient``, ``Permanent``,
        ``Unknown`` (not for idempotent calls) or ``CredentialRefused``. A rate gate that says no is never waited for.
        """
        if not call.idempotent:
            self._gate.take(call.metered_as)
            return self._once(call)
        answer = read_with_patience(lambda: self._within_budget(call), self._manners.patience)
        if isinstance(answer, Transient):
            raise answer
        return answer

    def _within_budget(self, call: Call) -> Answer | Transient:
        try:
            self._gate.take(call.metered_as)
        except Transient as exc:
            return exc  # handed back rather than raised: it is for the caller to wait for, not for the bridge
        return self._once(call)

    def _once(self, call: Call) -> Answer:
        answer = self._exchange(call)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._credential.renew():
            answer = self._exchange(call)  # refused before anything was done, so this is safe for every call
        now = self._manners.clock.now()
        asked = answer.asked_wait(now)
        if answer.status == TOO_MANY or (answer.status == HTTPStatus.SERVICE_UNAVAILABLE and asked is not None):
            self._gate.stop(call.metered_as, now + (asked if asked is not None else _UNNAMED_STOP))
        return verdict(self.system, call, answer, refused=self._refused(answer), now=now)

    def _exchange(self, call: Call) -> Answer:
        return self._transport.exchange(
            call.method,
            self.address + call.address_path,
            route=call.route,
            sign=Signature(
                {
                    "Accept": "application/json",
                    "Content-Type": "application/json",
                    "User-Agent": "Provisor",
                    **self._headers,
                    **self._credential.headers(),
                }
            ),
            params=call.params,
            content=None if call.body is None else json.dumps(call.body).encode(),
            idempotent=call.idempotent,
            scrub=self._scrub,
        )
