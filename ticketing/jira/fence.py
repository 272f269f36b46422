"""The fence around the ``jira`` library: nothing of it, nor of ``requests``, gets out, and no secret does.

``str(JIRAError)`` holds the request's headers, its parser fails on bodies it does not know, and it takes an anonymous 200
for a success [observed: 3.10.5]. So a response hook reads every answer first and raises before the library can; and what is
raised is raised anew, outside the library's frames, with a bare ``Cause`` in the place of the vendor's exception.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar

from jira import JIRA
from jira.exceptions import JIRAError
from pydantic import BaseModel
from requests import Response, Session
from requests.exceptions import (
    ConnectTimeout,
    InvalidHeader,
    InvalidSchema,
    InvalidURL,
    MissingSchema,
    ProxyError,
    RequestException,
    Timeout,
)

from access.clock import Clock
from access.failures import Failure, Permanent, Transient, Unknown
from ticketing.jira.refusals import Answer, failure_of
from ticketing.jira.site import JiraSite

M = TypeVar("M", bound=BaseModel)

#: Far below a worker's lease, far above what Jira takes.
TIMEOUTS = (3.0, 15.0)

_UNUSABLE_ADDRESS = (InvalidURL, InvalidSchema, MissingSchema, InvalidHeader)
#: Below these nothing was sent. Names, because urllib3 is not ours to import.
_NEVER_SENT = (ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError)
_NEVER_SENT_NAMES = frozenset({"NewConnectionError", "NameResolutionError", "ConnectTimeoutError"})


class Cause(Exception):  # noqa: N818 - not an error of its own: what is left of a vendor's exception
    """What a vendor's exception was, without what it held."""


class _Refused(Exception):  # noqa: N818 - carries an answer from the hook to the fence
    def __init__(self, answer: Answer) -> None:
        super().__init__(f"HTTP {answer.status}")
        self.answer = answer


class Fence:
    """A ``jira.JIRA`` that makes no call of its own, never retries, and fails in failure words.

    May be shared by threads: the session keeps no cookies and is not changed after construction. ``timeouts`` are seconds
    to connect, and between two bytes of an answer.
    """

    def __init__(self, site: JiraSite, *, clock: Clock, timeouts: tuple[float, float] = TIMEOUTS) -> None:
        self._site = site
        self._clock = clock
        login: dict[str, Any] = (
            {"token_auth": site.token}
            if site.scheme == "bearer"
            else {"basic_auth": (site.email.encode(), site.token.encode())}  # else requests would take Latin-1
        )
        self._jira = JIRA(
            server=site.server,
            options={
                "rest_api_version": "3",
                "headers": {
                    "User-Agent": "Provisor",
                    # Messages and default names in English whatever the account's language is [docs].
                    "X-Force-Accept-Language": "true",
                    "Accept-Language": "en",
                },
            },
            get_server_info=False,
            logging=False,
            max_retries=0,
            timeout=timeouts,
            **login,
        )
        session = _session(self._jira)
        session.hooks["response"].append(self._judge)
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))

    def close(self) -> None:
        """Close the connections."""
        _session(self._jira).close()

    def ask(self, work: Callable[[JIRA], Any], model: type[M], *, doing: str, writes: bool = False) -> M:
        """Do ``work`` with the library and read its JSON as ``model``.

        ``doing`` completes "Jira refused to …"; ``writes`` says that repeating could do something twice. Raises the
        failure words.
        """
        try:
            return model.model_validate(work(self._jira))
        except (RequestException, JIRAError, _Refused, ValueError, LookupError, TypeError) as exc:
            failure, cause = self._failure(exc, doing=doing, writes=writes), self._cause(exc)
        raise failure from cause

    def get(self, path: str, model: type[M], *, doing: str, params: Mapping[str, str] | None = None) -> M:
        """Read where the library has no method that works on Cloud (contract §14)."""
        return self.ask(lambda jira: _session(jira).get(jira._get_url(path), params=params).json(), model, doing=doing)  # noqa: SLF001 - as above

    def post(self, path: str, body: object, model: type[M], *, doing: str, writes: bool) -> M:
        """Post where the library has no method that works on Cloud (contract §14)."""
        data = json.dumps(body, default=str)
        return self.ask(
            lambda jira: _session(jira).post(jira._get_url(path), data=data).json(),  # noqa: SLF001 - as above
            model,
            doing=doing,
            writes=writes,
        )

    def _judge(self, response: Response, *_: object, **__: object) -> None:
        """Read every answer before the library does; redirects are not followed, so that no credential travels."""
        anonymous = Answer.of(response.status_code, response.headers, "").anonymous
        if anonymous or response.is_redirect or not response.ok:
            body = self._site.without_secrets(response.text)
            raise _Refused(Answer.of(response.status_code, response.headers, body))

    def _cause(self, exc: Exception) -> Cause:
        if isinstance(exc, JIRAError):  # its text holds headers and bodies
            return Cause(f"{type(exc).__name__} {exc.status_code}")
        return Cause(self._site.without_secrets(f"{type(exc).__name__}: {exc}"))

    def _failure(self, exc: Exception, *, doing: str, writes: bool) -> Failure:
        if isinstance(exc, _Refused):
            return failure_of(exc.answer, doing=doing, writes=writes, now=self._clock.now())
        if isinstance(exc, _UNUSABLE_ADDRESS):
            return Permanent(f"Jira cannot be asked to {doing}.", remedy="Correct the Jira address in the settings.")
        if _never_sent(exc):
            return Transient(
                f"Jira could not be reached to {doing}.",
                remedy="Check the Jira address, the proxy and the network; it will be tried again.",
            )
        happened = "did not answer in time" if isinstance(exc, Timeout) else "gave no answer that can be read"
        if writes:
            message = f"Jira {happened} when asked to {doing}; it may have done it."
            return Unknown(message, remedy="Look before repeating.")
        return Transient(f"Jira {happened} when asked to {doing}.", remedy="It will be tried again.")


def _session(jira: JIRA) -> Session:
    return jira._session  # noqa: SLF001 - libraries.md: the library offers no other way


def _never_sent(exc: Exception) -> bool:
    if isinstance(exc, ConnectTimeout | ProxyError):
        return True
    return any(isinstance(each, _NEVER_SENT) or type(each).__name__ in _NEVER_SENT_NAMES for each in _chain(exc))


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """The exception and all it wraps as an argument or urllib3's ``reason``; never its context, which may be our caller's."""
    seen: list[BaseException] = []
    ahead: list[object] = [exc]
    while ahead:
        each = ahead.pop()
        if isinstance(each, BaseException) and each not in seen:
            seen.append(each)
            yield each
            ahead += [getattr(each, "reason", None), *each.args]
