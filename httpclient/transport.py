"""Bytes out and bytes in. The only module that knows ``requests``; its exceptions end here."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from access.failures import Permanent, Transient, Unknown
from httpclient.calls import Params
from httpclient.responses import Response, parse_body

#: Told of every exchange: system, method, route template, status (None when there was no answer), seconds it took.
Observer = Callable[[str, str, str, int | None, float], None]

#: Bytes read at a time.
_CHUNK = 64 * 1024

_ERRORS_FROM = 400

#: What bodies may be packed with, and that the connection is kept.
_ALWAYS = {"Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait for a connection, and then for each next part of the answer."""

    connect: timedelta
    read: timedelta

    @classmethod
    def of(cls, *, connect: float, read: float) -> Timeouts:
        """The same in seconds."""
        return cls(connect=timedelta(seconds=connect), read=timedelta(seconds=read))


@dataclass(frozen=True, slots=True)
class Signature:
    """The headers of a request, credential among them; hidden from whoever prints or records the frames it passes through."""

    headers: Mapping[str, str] = field(repr=False)


class Transport:
    """A pool of connections to one upstream, safe to use from several threads; not to be carried across a fork.

    ``pool_size`` is how many connections are kept, ``body_limit`` the most bytes of a body that are read. Nothing is
    retried, no redirect is followed (a credential would go along), no cookie is kept (Jira sets some [observed], and a
    shared jar would tie threads together), and no .netrc entry takes the place of our headers. Proxies and certificates
    are those of the environment, looked up once for each host: with every call they would cost as much as the rest of it.
    """

    def __init__(
        self,
        *,
        system: str,
        timeouts: Timeouts,
        pool_size: int,
        body_limit: int,
        observer: Observer | None = None,
    ) -> None:
        self._system = system
        self._timeouts = (timeouts.connect.total_seconds(), timeouts.read.total_seconds())
        self._body_limit = body_limit
        self._observer = observer
        self._adapter = HTTPAdapter(pool_connections=2, pool_maxsize=pool_size, max_retries=0)
        self._ways_out: dict[str, dict[str, Any]] = {}

    def close(self) -> None:
        """Close the kept connections."""
        self._adapter.close()

    def exchange(
        self,
        method: str,
        address: str,
        *,
        route: str,
        sign: Signature,
        params: Params,
        content: bytes | None,
        idempotent: bool,
        scrub: Callable[[str], str] = str,
    ) -> Response:
        """Send one request and read the whole answer, whatever its status.

        Raises ``Transient`` when nothing was sent, or when the call is ``idempotent``, ``Unknown`` when a write may have
        happened, and ``Permanent`` for an address that is none; a body over the limit is ``Permanent`` or ``Unknown``. A
        redirect comes back as the answer it is. ``scrub`` blanks secrets out of the bodies of error answers.
        """
        started = time.monotonic()
        status: int | None = None
        try:
            request = _prepared(method, address, params, content, sign)
            with self._adapter.send(request, stream=True, timeout=self._timeouts, **self._way_out(address)) as response:
                status = response.status_code
                raw = self._body(response, idempotent=idempotent)
                return _answer(response, raw, scrub)
        except (requests.RequestException, UnicodeError, OSError) as exc:
            raise self._failure(_bare(exc), route, idempotent=idempotent) from exc
        finally:
            if self._observer is not None:
                self._observer(self._system, method, route, status, time.monotonic() - started)

    def _way_out(self, address: str) -> dict[str, Any]:
        """The proxies and certificates for the host of an address."""
        host = "/".join(address.split("/", 3)[:3])
        known = self._ways_out.get(host)
        if known is None:
            with requests.Session() as session:
                found = session.merge_environment_settings(host, {}, stream=True, verify=None, cert=None)
            known = {"proxies": found["proxies"], "verify": found["verify"], "cert": found["cert"]}
            self._ways_out[host] = known
        return known

    def _body(self, response: requests.Response, *, idempotent: bool) -> bytes:
        raw = bytearray()
        for chunk in response.iter_content(_CHUNK):
            raw += chunk
            if len(raw) > self._body_limit:
                word = Permanent if idempotent else Unknown
                raise word(
                    f"The answer of {self._system} is larger than {self._body_limit} bytes.",
                    remedy="Check the base address; no answer Provisor asks for is that large.",
                    status=response.status_code,
                )
        return bytes(raw)

    def _failure(self, exc: Exception, route: str, *, idempotent: bool) -> Permanent | Transient | Unknown:
        kind = type(exc).__name__
        if isinstance(exc, _BAD_ADDRESS):
            return Permanent(
                f"The address of {self._system} is not usable ({kind}).", remedy="Correct the base address."
            )
        if _nothing_was_sent(exc):
            return Transient(
                f"{self._system} could not be reached ({kind}).",
                remedy="Check the address, the name service, proxies and certificates if it persists.",
            )
        if idempotent:
            return Transient(f"The connection to {self._system} broke during {route} ({kind}).")
        return Unknown(
            f"The connection to {self._system} broke during {route} ({kind}); the change may have been made.",
            remedy="Look before repeating it.",
        )


def _prepared(
    method: str, address: str, params: Params, content: bytes | None, sign: Signature
) -> requests.PreparedRequest:
    """The request, ready to be sent. Raises ``RequestException`` and ``UnicodeError`` for an address that is none."""
    request = requests.PreparedRequest()
    request.prepare_method(method)
    request.prepare_url(address, dict(params))
    request.prepare_headers({**_ALWAYS, **sign.headers})
    request.body = content
    request.prepare_content_length(content)
    return request


_BAD_ADDRESS = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
    UnicodeError,
)

#: Names of the connection pool's reasons for never having had a connection; they are matched by name because the pool's
#: library is a dependency of ``requests`` and not ours.
_NO_CONNECTION = frozenset({"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError"})


def _nothing_was_sent(exc: Exception) -> bool:
    """Whether the failure is certain to be from before the request left: no connection, or a certificate refused."""
    if isinstance(exc, (requests.exceptions.ConnectTimeout, requests.exceptions.ProxyError)):
        return True
    reason = getattr(exc.args[0], "reason", None) if exc.args else None
    if type(reason).__name__ in _NO_CONNECTION:
        return True
    return any(isinstance(link, ssl.SSLCertVerificationError) for link in _chain(exc))


def _chain(exc: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    todo: list[BaseException | None] = [exc]
    while todo:
        link = todo.pop()
        if link is None or link in links:
            continue
        links.append(link)
        todo += [link.__cause__, link.__context__]
        todo += [part for part in (*link.args, getattr(link, "reason", None)) if isinstance(part, BaseException)]
    return links


def _bare(exc: Exception) -> Exception:
    """The same exception without what could carry the credential out.

    The vendors' frames and the request hold our headers, and error reporters record both.
    """
    for link in _chain(exc):
        link.__traceback__ = None
        for name in ("request", "response"):
            if getattr(link, name, None) is not None:
                setattr(link, name, None)
    return exc


def _answer(response: requests.Response, raw: bytes, scrub: Callable[[str], str]) -> Response:
    status = response.status_code
    if status >= _ERRORS_FROM:
        raw = scrub(raw.decode("utf-8", errors="replace")).encode()
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(status, headers, parse_body(raw))
