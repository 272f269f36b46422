"""One question to a service, whose response counts even when it is a refusal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from access.failures import Failure
from httpclient import Call, ClientOptions, Credential, Dialect, HttpClient, Response, RetryPolicy, Unlimited
from tasks.doctor.findings import Check, Finding
from tasks.doctor.reachability import unreachable

#: A service that is away is asked a second time, and no more: somebody is waiting at a terminal.
RETRIES = RetryPolicy(tries=2)

_CLIENT_ERRORS = frozenset(range(400, 500))

#: Told of each exchange: system, call, response.
Record = Callable[[str, Call, Response], None]


class Probe:
    """Asks one address, which ``setting`` holds, with one credential. Takes nothing from the rate budget, a row of the store."""

    def __init__(
        self,
        address: str,
        credential: Credential,
        options: ClientOptions,
        *,
        system: str,
        setting: str,
        headers: Mapping[str, str] | None = None,
        record: Record | None = None,
    ) -> None:
        self._system, self._record = system, record
        self.address = address.rstrip("/")
        self._setting = setting
        self.timeout = options.timeouts.connect
        self._latest = threading.local()
        self._client = HttpClient(
            system=system,
            base_url=address,
            credential=credential,
            options=replace(options, rate_limiter=Unlimited(), retry_policy=RETRIES),
            headers=headers,
            dialect=Dialect(owns=lambda _: True, credential_remedy=self._remember),
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
        """The response, whatever its status. Raises the failure words only when there was none."""
        self._latest.response = None
        call = Call(method=method, route=route, path=path or {}, params=params or {}, body=body, expects=_CLIENT_ERRORS)
        try:
            response = self._client.send(call)
        except Failure:
            latest: Response | None = self._latest.response
            if latest is None:
                raise
            response = latest
        if self._record is not None:
            self._record(self._system, call, response)
        return response

    def unreachable(self, check: Check, failure: Failure) -> Finding:
        """The finding for this address, when it gave no response."""
        return unreachable(check, self.address, failure, setting=self._setting, timeout=self.timeout)

    def _remember(self, response: Response) -> None:
        self._latest.response = response


def is_refused(response: Response) -> bool:
    """Whether the service does not know the caller, or forbids the call."""
    return response.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}


def objects(response: Response, name: str) -> list[dict[str, Any]]:
    """The objects of an array in the response; none when it is not there."""
    found = response.body.get(name) if isinstance(response.body, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def text(of: Any, name: str) -> str:
    """A text in an object; empty when it is not there."""
    value = of.get(name) if isinstance(of, dict) else None
    return value if isinstance(value, str) else ""
