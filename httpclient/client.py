from __future__ import annotations

import copy
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from http import HTTPStatus

from access.clock import Clock, SystemClock
from access.failures import Transient
from httpclient.calls import READS, Call, Params
from httpclient.credentials import Credential
from httpclient.errors import TOO_MANY, Dialect, verdict
from httpclient.kept_answers import KeptAnswers, read_again
from httpclient.noted_calls import note_answer
from httpclient.rate_limiter import RateLimiter, Unlimited
from httpclient.redaction import without_secrets
from httpclient.responses import Response
from httpclient.retry_policy import RetryPolicy, retrying
from httpclient.transport import Observer, Signature, Timeouts, Transport

#: How long calls of a class stop after a 429 that names no wait, as a gateway's does not [observed: Jira]: Jira's own advice
#: for the first wait [docs].
_UNNAMED_STOP = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientOptions:
    """How a client behaves towards its upstream, whatever the upstream is.

    ``body_limit`` is in bytes of the unpacked body. ``observer`` is told of every exchange: syncs count their calls with it.
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
    """Speaks JSON with one upstream. Every call ends in a ``Response`` or in exactly one failure word.

    ``base_url`` is what routes are appended to; links in answers are never followed, so a credential goes nowhere else.
    ``headers`` go with every call. ``dialect`` is how the upstream words its refusals. Safe to use from several threads.
    """

    def __init__(
        self,
        *,
        system: str,
        base_url: str,
        credential: Credential,
        options: ClientOptions,
        headers: Mapping[str, str] | None = None,
        dialect: Dialect | None = None,
    ) -> None:
        self.system = system
        self.base_url = base_url.rstrip("/")
        self._credential = credential
        self._options = options
        self._rate_limiter = options.rate_limiter
        self._headers = dict(headers or {})
        self._dialect = dialect or Dialect()
        self._scrub = lambda text: without_secrets(text, credential.secrets())
        self._transport = options.transport(system)
        self._retrying = retrying(options.retry_policy)
        self._kept = KeptAnswers()

    def __repr__(self) -> str:
        return f"HttpClient({self.system!r}, {self.base_url!r})"

    @property
    def retry_policy(self) -> RetryPolicy:
        """How long this client repeats a call."""
        return self._options.retry_policy

    def with_rate_limiter(self, rate_limiter: RateLimiter) -> HttpClient:
        """The same client, on the same connections, for the lane that ``rate_limiter`` belongs to."""
        other = copy.copy(self)
        other._rate_limiter = rate_limiter  # noqa: SLF001 - a copy of this very object
        return other

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()

    def send(self, call: Call) -> Response:
        """Make the call; one that is idempotent is tried again within the client's retry policy.

        Returns answers of 200 to 299 and the client errors that the call expects. Raises ``Transient``, ``Permanent``,
        ``Unknown`` (not for idempotent calls) or ``CredentialRefused``. A refusal of the rate limiter is never waited for.
        """
        if call.method in READS:
            key = call.url_path, json.dumps(call.params, sort_keys=True), call.expects, call.any_wording
            now = self._options.clock.now()
            return self._kept.answer(key, partial(self._try, call), at_most_old=call.at_most_old, now=now)
        read_again()
        return self._try(call)

    def _try(self, call: Call) -> Response:
        if not call.idempotent:
            return self._once(call)
        return self._retrying(self._once, call)

    def get(
        self,
        route: str,
        *,
        path: Mapping[str, str] | None = None,
        params: Params | None = None,
        expects: Collection[int] = (),
        at_most_old: timedelta | None = None,
    ) -> Response:
        """Send a GET; the parts are those of a ``Call``."""
        return self.send(
            Call(
                method="GET",
                route=route,
                path=path or {},
                params=params or {},
                expects=frozenset(expects),
                at_most_old=at_most_old,
            )
        )

    def _once(self, call: Call) -> Response:
        self._rate_limiter.take(call.metered_as)
        answer = self._exchange(call)
        if answer.status == HTTPStatus.UNAUTHORIZED and self._credential.renew():
            self._kept.forget()
            answer = self._exchange(call)  # refused before anything was done, so this is safe for every call
        now = self._options.clock.now()
        between = self._transport.between(self.base_url)
        try:
            accepted = verdict(call, answer, system=self.system, dialect=self._dialect, between=between, now=now)
        except Transient as failure:
            if answer.status == TOO_MANY or failure.retry_after is not None:
                wait = _UNNAMED_STOP if failure.retry_after is None else failure.retry_after
                until = self._rate_limiter.stop(call.metered_as, now + wait)
                failure.retry_after = failure.retry_after and min(failure.retry_after, until - now)
            raise
        self._rate_limiter.answered(call.metered_as, room=accepted.shows_room)
        note_answer(accepted)
        return accepted

    def _exchange(self, call: Call) -> Response:
        return self._transport.exchange(
            call.method,
            self.base_url + call.url_path,
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
