from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import BaseModel

from access.clock import Clock
from access.failures import Permanent
from httpclient.calls import Call
from httpclient.credentials import Basic, Bearer
from httpclient.errors import Dialect, verdict
from httpclient.responses import Response
from httpclient.transport import Signature, Transport

#: A token is renewed this long before it ends [observed: JumpCloud's own clients].
_EARLY = timedelta(seconds=30)

#: What a token is taken to live when its answer does not say [observed: JumpCloud's own clients].
_DEFAULT_LIFE = 3600


class _Granted(BaseModel):
    """RFC 6749 section 5.1, as far as it is used."""

    access_token: str
    expires_in: int = _DEFAULT_LIFE


#: Id or secret refused [observed]; 400 is ``invalid_client``.
_REFUSALS = frozenset({400, 401, 403})

#: Asking for a token changes nothing.
_CALL = Call(method="POST", route="oauth token")


def _remedy(answer: Response) -> str | None:
    if answer.status not in _REFUSALS:
        return None
    return "Check the service account's id, secret and role, and whether the secret has expired."


_DIALECT = Dialect(credential_remedy=_remedy)


class ClientCredentials:
    """OAuth 2 client credentials: a token fetched when needed and renewed 30 s early, shared by all threads.

    ``transport`` carries the token calls only. The id and secret go as Basic and ``scope`` in the form
    [observed: two JumpCloud clients].
    """

    def __init__(
        self,
        *,
        transport: Transport,
        token_url: str,
        client_id: str,
        client_secret: str,
        scope: str,
        clock: Clock,
    ) -> None:
        self._transport = transport
        self._token_url = token_url
        self._client = Basic(client_id, client_secret)
        self._scope = scope
        self._clock = clock
        self._lock = threading.Lock()
        self._token: Bearer | None = None
        self._fresh_until: datetime | None = None

    def __repr__(self) -> str:
        return f"ClientCredentials({self._token_url!r}, {self._client.user!r})"

    def headers(self) -> Mapping[str, str]:
        """The ``Authorization`` header with a token that is good for another 30 s at least.

        Raises ``CredentialRefused`` when id or secret are refused (401, 403 [observed]; 400 ``invalid_client``), and
        ``Transient`` when the token service cannot be reached: asking for a token changes nothing.
        """
        with self._lock:
            token, fresh_until = self._token, self._fresh_until
            if token is None or fresh_until is None or self._clock.now() >= fresh_until:
                token = self._fetch()
            return token.headers()

    def secrets(self) -> tuple[str, ...]:
        """The client secret in both forms, and the token in use."""
        token = self._token
        return (*self._client.secrets(), *(token.secrets() if token else ()))

    def renew(self) -> bool:
        """Forget the token: it may have been revoked early.

        True also when another thread has just forgotten it: a new token can still be fetched.
        """
        with self._lock:
            self._token = None
            return self._fresh_until is not None

    def _fetch(self) -> Bearer:
        answer = self._transport.exchange(
            _CALL.method,
            self._token_url,
            route=_CALL.route,
            sign=Signature({**self._client.headers(), "Content-Type": "application/x-www-form-urlencoded"}),
            params={},
            content=f"grant_type=client_credentials&scope={self._scope}".encode(),
            idempotent=True,
        )
        between = self._transport.between(self._token_url)
        accepted = verdict(
            _CALL, answer, system="The token service", dialect=_DIALECT, between=between, now=self._clock.now()
        )
        granted = accepted.read_as(_Granted, what="the access token")
        try:
            self._token = Bearer(granted.access_token)
        except ValueError as exc:
            raise Permanent(
                "The token service gave a token no header can carry.", remedy="Check the token URL."
            ) from exc
        self._fresh_until = self._clock.now() + timedelta(seconds=granted.expires_in) - _EARLY
        return self._token
