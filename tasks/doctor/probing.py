"""Asking a service one question and looking at whatever it answers, a refusal as well as an answer."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from access.failures import Failure
from httpclient import Call, ClientOptions, Credential, Dialect, HttpClient, Response, RetryPolicy, Unlimited

#: A service that is away is asked a second time, and no more: somebody is waiting at a terminal.
_PATIENCE = RetryPolicy(tries=2)

_CLIENT_ERRORS = frozenset(range(400, 500))


class Nobody:
    """No credential at all."""

    def headers(self) -> Mapping[str, str]:
        """None."""
        return {}

    def secrets(self) -> tuple[str, ...]:
        """None."""
        return ()

    def renew(self) -> bool:
        """Nothing goes stale."""
        return False


class Probe:
    """Asks one address with one credential. It takes nothing from the rate budget, which would be a write."""

    def __init__(
        self,
        address: str,
        credential: Credential,
        options: ClientOptions,
        *,
        system: str,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.address = address.rstrip("/")
        self._seen = threading.local()
        self._client = HttpClient(
            system=system,
            base_url=address,
            credential=credential,
            options=replace(options, rate_limiter=Unlimited(), retry_policy=_PATIENCE),
            headers=headers,
            dialect=Dialect(owns=lambda _: True, credential_remedy=self._look),
        )

    def ask(
        self,
        method: str,
        route: str,
        *,
        path: Mapping[str, str] | None = None,
        params: Mapping[str, str | int] | None = None,
        body: Any = None,
    ) -> Response:
        """The answer, whatever its status. Raises the failure words only when there was none."""
        self._seen.answer = None
        call = Call(method=method, route=route, path=path or {}, params=params or {}, body=body, expects=_CLIENT_ERRORS)
        try:
            return self._client.send(call)
        except Failure:
            seen: Response | None = self._seen.answer
            if seen is None:
                raise
            return seen

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _look(self, answer: Response) -> None:
        self._seen.answer = answer


def is_busy(answer: Response) -> bool:
    """Whether the service has no time or is not well, which says nothing about the settings."""
    return answer.status == HTTPStatus.TOO_MANY_REQUESTS or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR


def members(answer: Response, name: str) -> list[dict[str, Any]]:
    """The objects of an array in the answer; none when it is not there."""
    found = answer.body.get(name) if isinstance(answer.body, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def word(of: Any, name: str) -> str:
    """A text in an object; empty when it is not there."""
    value = of.get(name) if isinstance(of, dict) else None
    return value if isinstance(value, str) else ""
