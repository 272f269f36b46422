"""Bytes out and bytes in. The exceptions of ``requests`` end here."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests
from requests.exceptions import ConnectTimeout, InvalidHeader, InvalidSchema, InvalidURL, MissingSchema, ProxyError
from requests.utils import select_proxy
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.exceptions import ProxyError as PoolProxyError
from urllib3.exceptions import TimeoutError as PoolTimeoutError

from access.failures import Failure, Permanent, Transient, Unknown
from httpclient.calls import Params
from httpclient.deadlines import DeadlineAdapter, deadline
from httpclient.responses import Response, parse_body, storable

#: Told of every exchange: system, method, route template, status (None when there was no answer), seconds it took.
Observer = Callable[[str, str, str, int | None, float], None]

#: Bytes read at a time, after unpacking.
_CHUNK = 64 * 1024

#: What bodies may be packed with, and that the connection is kept.
_ALWAYS = {"Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long to wait for a connection, and then for each next part of the answer.

    ``total`` bounds the whole exchange, from the connection to the last byte of the body; left out, ``connect`` and ``read``
    together do.
    """

    connect: timedelta
    read: timedelta
    total: timedelta | None = None

    @classmethod
    def of(cls, *, connect: float, read: float) -> Timeouts:
        """The same in seconds."""
        return cls(connect=timedelta(seconds=connect), read=timedelta(seconds=read))


@dataclass(frozen=True, slots=True)
class Signature:
    """The headers of a request, credential among them; hidden from whoever prints or records the frames it passes through."""

    headers: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Way:
    """How to get to a host.

    ``origin`` is the host's part of URLs as it is sent, ``options`` are proxies and certificates as ``requests`` takes them,
    ``proxy`` is the variable that names the proxy.
    """

    origin: str
    options: Mapping[str, Any] = field(repr=False)
    proxy: str | None


class Transport:
    """A pool of connections to one upstream, safe to use from several threads; not to be carried across a fork.

    ``pool_size`` is how many connections are kept, ``body_limit`` the most bytes of an unpacked body that are read. Nothing
    is retried, no redirect is followed (a credential would go along), no cookie is kept (Jira sets some [observed], and a
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
        self._total = timeouts.total or timeouts.connect + timeouts.read
        self._timeouts = (timeouts.connect.total_seconds(), timeouts.read.total_seconds())
        self._body_limit = body_limit
        self._observer = observer
        # Without a session: that would merge cookies, hooks and environment for each call, and cost a third more [measured].
        self._adapter = DeadlineAdapter(pool_connections=2, pool_maxsize=pool_size, max_retries=0)
        self._ways: dict[str, _Way] = {}

    def close(self) -> None:
        """Close the kept connections."""
        self._adapter.close()

    def exchange(
        self,
        method: str,
        url: str,
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
        happened, and ``Permanent`` for a URL that is none; a body over the limit is ``Permanent`` or ``Unknown``. A
        redirect is returned as it is. ``scrub`` blanks secrets out of headers and body, which may echo what we sent.
        """
        started = time.monotonic()
        status: int | None = None
        way: _Way | None = None
        try:
            way = self._way(url)
            request = _prepared(method, _on_the_way(url, way, params), content, sign)
            with (
                deadline(self._total),
                self._adapter.send(request, stream=True, timeout=self._timeouts, **way.options) as response,
            ):
                status = response.status_code
                raw = self._body(response, idempotent=idempotent)
                return _answer(response, raw, scrub)
        except (requests.RequestException, UnicodeError, OSError) as exc:
            raise self._failure(_bare(exc), way, route, idempotent=idempotent) from exc
        finally:
            if self._observer is not None:
                self._observer(self._system, method, route, status, time.monotonic() - started)

    def between(self, url: str) -> str:
        """What to check when something between us and the service may have answered."""
        return _between(self._way(url).proxy)

    def _way(self, url: str) -> _Way:
        host = _host(url)
        known = self._ways.get(host)
        if known is None:
            checked = requests.PreparedRequest()
            checked.prepare_url(host, None)
            with requests.Session() as session:
                found = session.merge_environment_settings(host, {}, stream=True, verify=None, cert=None)
            options = {name: found[name] for name in ("proxies", "verify", "cert")}
            known = self._ways[host] = _Way(
                str(checked.url).rstrip("/"), options, _proxy_variable(host, found["proxies"])
            )
        return known

    def _body(self, response: requests.Response, *, idempotent: bool) -> bytes:
        raw = bytearray()
        for chunk in response.iter_content(_CHUNK):
            raw += chunk
            if len(raw) > self._body_limit:
                word = Permanent if idempotent else Unknown
                raise word(
                    f"The answer of {self._system} is larger than {self._body_limit} bytes.",
                    remedy="Check the base URL; no answer Provisor asks for is that large.",
                    status=response.status_code,
                )
        return bytes(raw)

    def _failure(self, exc: Exception, way: _Way | None, route: str, *, idempotent: bool) -> Failure:
        kind = type(exc).__name__
        links = list(_chain(exc))
        proxy = way.proxy if way is not None else None
        if _certificate_fault(exc, links):
            return Transient(
                f"The TLS certificate of {self._system} could not be checked ({kind}).",
                remedy="Name a bundle that holds the issuer's certificate in REQUESTS_CA_BUNDLE. " + _between(proxy),
            )
        if proxy is not None and (isinstance(exc, _BAD_URL) or any(isinstance(link, _PROXY_FAULTS) for link in links)):
            return Transient(f"{self._system} could not be reached through the proxy ({kind}).", remedy=_between(proxy))
        if isinstance(exc, _BAD_URL):
            return Permanent(f"The URL of {self._system} is not usable ({kind}).", remedy="Correct the base URL.")
        if any(isinstance(link, _NOTHING_SENT) for link in links):
            return Transient(
                f"{self._system} could not be reached ({kind}).",
                remedy="Check the base URL, the name service and the network if it persists.",
            )
        late = any(isinstance(link, PoolTimeoutError | requests.Timeout) for link in links)
        what = f"{self._system} did not answer {route} in time" if late else f"{self._system} broke off during {route}"
        if idempotent:
            return Transient(f"{what} ({kind}).", remedy="See the service's status page if it persists.")
        return Unknown(f"{what} ({kind}); the change may have been made.", remedy="Look before repeating it.")


def _between(proxy: str | None) -> str:
    if proxy is None:
        return "Check whether a proxy, firewall or sign-in page in between answers."
    return f"Check the proxy that {proxy} names, its password and what it lets through."


def _host(url: str) -> str:
    """The part of a URL before its path."""
    return "/".join(url.split("/", 3)[:3])


def _on_the_way(url: str, way: _Way, params: Params) -> str:
    """The URL as it is sent. Its host was checked once, and its path is encoded already."""
    query = f"?{urlencode(params, doseq=True)}" if params else ""
    return f"{way.origin}{url.removeprefix(_host(url)) or '/'}{query}"


def _prepared(method: str, url: str, content: bytes | None, sign: Signature) -> requests.PreparedRequest:
    """The request, ready to be sent. Raises ``RequestException`` for headers that cannot be sent."""
    request = requests.PreparedRequest()
    request.prepare_method(method)
    request.url = url
    request.prepare_headers({**_ALWAYS, **sign.headers})
    request.body = content
    request.prepare_content_length(content)
    return request


_BAD_URL = (InvalidURL, InvalidSchema, MissingSchema, InvalidHeader, UnicodeError)
_PROXY_FAULTS = (ProxyError, PoolProxyError)

#: There was no connection, so nothing left this machine.
_NOTHING_SENT = (ConnectTimeout, ConnectTimeoutError, NewConnectionError, NameResolutionError, *_PROXY_FAULTS)


def _certificate_fault(exc: Exception, links: list[BaseException]) -> bool:
    """Whether the certificate was refused, or the bundle to check it with is not there (a bare ``OSError`` of requests)."""
    return "certificate bundle" in str(exc) or any(isinstance(link, ssl.SSLCertVerificationError) for link in links)


def _proxy_variable(host: str, proxies: Mapping[str, str]) -> str | None:
    """The environment variable that names the proxy for a host; None when there is no proxy for it."""
    if select_proxy(host, dict(proxies)) is None:
        return None
    names = (f"{urlsplit(host).scheme}_proxy", "all_proxy")
    spellings = [spelling for name in names for spelling in (name, name.upper())]
    return next((name for name in spellings if os.environ.get(name)), "the system's network settings")


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """The exception and all that it wraps: as cause, argument or urllib3's ``reason``; never its context, which may be ours."""
    seen: list[BaseException] = []
    ahead: list[object] = [exc]
    while ahead:
        link = ahead.pop()
        if isinstance(link, BaseException) and link not in seen:
            seen.append(link)
            yield link
            ahead += [link.__cause__, getattr(link, "reason", None), *link.args]


def _bare(exc: Exception) -> Exception:
    """The same exception without what could carry the credential out.

    The vendors' frames and the request hold our headers, and error reporters record both.
    """
    for link in _chain(exc):
        link.__traceback__ = link.__context__ = None
        for name in ("request", "response"):
            if getattr(link, name, None) is not None:
                setattr(link, name, None)
    return exc


def _answer(response: requests.Response, raw: bytes, scrub: Callable[[str], str]) -> Response:
    headers = {name.lower(): storable(scrub(value)) for name, value in response.headers.items()}
    return Response(response.status_code, headers, parse_body(scrub(raw.decode("utf-8", errors="replace"))))
