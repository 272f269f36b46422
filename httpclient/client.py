from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from access.clock import Clock, SystemClock
from access.failures import Transient
from httpclient.calls import Call
from httpclient.credentials import Credential, scrubber
from httpclient.errors import TOO_MANY, verdict
from httpclient.rate_limiter import RateLimiter, Unlimited
from httpclient.responses import Response
from httpclient.retry_policy import RetryPolicy, read_with_retries
from httpclient.transport import Observer, Signature, Timeouts, Transport

#: How long a lane stops after a 429 that names no wait, as a gateway's does not [observed: Jira]; it is Jira's own advice for
#: the first wait [docs].
_UNNAMED_STOP = timedelta(seconds=2)


def _never(_: Response) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """How a client behaves towards its upstream, whatever the upstream is.

    ``body_limit`` is in bytes. ``observer`` is told of every exchange, for metrics.
    """

    timeouts: Timeouts
    pool_size: int = 4
    body_limit: int = 16 * 1024 * 1024
    retry_policy: RetryPolicy = field(default_factory=RetryPolicy)
    rate_limiter: RateLimiter = field(default_factory=Unlimited)
    observer: Observer | None = None
    clock: Clock = field(default_factory=SystemClock)

    def transport(self, system: str) -> Transport:
        """A pool of connections with these options."""
        return Transport(
            system=system,
            timeouts=self.timeouts,
            pool_size=self.pool_size,
            body_limit=self.body_limit,
            observer=self.observer,
        )


class HttpClient:
    """Speaks JSON with one upstream. Every call ends in an ``Response`` or in exactly one failure word.

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
        options: ClientOptions,
        headers: Mapping[str, str] | None = None,
        refused: Callable[[Response], bool] = _never,
    ) -> None:
        self.system = system
        self.address = address.rstrip("/")
        self._credential = credential
        self._manners = options
        self._rate_limiter = options.rate_limiter
        self._headers = dict(headers or {})
        self._refused = refused
        self._scrub = scrubber(credential.secrets)
        self._transport = options.transport(system)

    def __repr__(self) -> str:
        return f"HttpClient({self.system!r}, {self.address!r})"

    @property
    def retry_policy(self) -> RetryPolicy:
        """How long this client bridges."""
        return self._manners.retry_policy

    def through(self, rate_limiter: RateLimiter) -> HttpClient:
        """The same client, on the same connections, for the lane that ``rate_limiter`` belongs to."""
        other = object.__new__(HttpClient)
        other.__dict__.update(self.__dict__)
        other._rate_limiter = rate_limiter
        return other

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()

    def send(self, call: Call) -> Response:
        """Make the call; one that is idempotent is tried again within the client's retry_policy.

        Returns answers of 200 to 299 and the client errors that the call expects. Raises ``Transient``, ``Permanent``,
        ``Unknown`` (not for idempotent calls) or ``CredentialRefused``. A rate rate_limiter that says no is never waited for.
        """
        if not call.idempotent:
            self._rate_limiter.take(call.metered_as)
            return self._once(call)
        answer = read_with_retries(lambda: self._within_budget(call), self._manners.retry_policy)
        if isinstance(answer, Transient):
            raise answer
        return answer

    def _within_budget(self, call: Call) -> Response | Transient:
        try:
            self._rate_limiter.take(call.metered_as)
        except Transient as exc:
            return exc  # handed back rather than raised: it is for the caller to wait for, not for the bridge
        return self._once(call)

    def _once(self, call: Call) -> Response:
        answer = self._exchange(call)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._credential.renew():
            answer = self._exchange(call)  # refused before anything was done, so this is safe for every call
        now = self._manners.clock.now()
        asked = answer.asked_wait(now)
        if answer.status == TOO_MANY or (answer.status == HTTPStatus.SERVICE_UNAVAILABLE and asked is not None):
            self._rate_limiter.stop(call.metered_as, now + (asked if asked is not None else _UNNAMED_STOP))
        return verdict(self.system, call, answer, refused=self._refused(answer), now=now)

    def _exchange(self, call: Call) -> Response:
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
