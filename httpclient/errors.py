"""From a status to exactly one failure word. A table, in one place, for every upstream."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import NoReturn

from access.failures import CredentialRefused, Permanent, Transient, Unknown
from httpclient.calls import Call
from httpclient.responses import Response

#: The service asks for fewer calls.
TOO_MANY = 429

_OK = range(200, 300)
_REDIRECTS = range(300, 400)
_SERVER_ERRORS_FROM = 500

#: Client errors by number that a gateway gives for its own reasons, not for the request's.
_GATEWAY_MOODS = frozenset({408, 425})

#: The client errors that a caller may want to read itself.
_READABLE = frozenset(range(400, 500)) - {HTTPStatus.UNAUTHORIZED, TOO_MANY, *_GATEWAY_MOODS}

#: What a person can do about a client error, by status; the vendors' lists agree on these [docs: JumpCloud; spec: Jira].
_REMEDIES = {
    400: "Correct what was asked for; repeating it will not help.",
    402: "The service's plan does not include this: see its billing.",
    403: "Give Provisor's account the permission, role or scope for it.",
    404: "Check that it still exists and that Provisor's account may see it.",
    409: "Somebody else changed it at the same time: look at it and ask again.",
    410: "The service has removed this call: Provisor needs an update.",
}


def verdict(system: str, call: Call, answer: Response, *, refused: bool, now: datetime) -> Response:
    """The answer when it is good or expected, else the one failure word for its status.

    ``refused`` says that the upstream showed, in its own way, that it does not know our credential. Raises
    ``CredentialRefused`` for that and for 401; ``Transient`` for 429; for 408, 425 and every 5xx ``Transient`` when the call
    is idempotent and ``Unknown`` when not; ``Permanent`` for redirects and every client error that was not expected.
    """
    if refused or answer.status == HTTPStatus.UNAUTHORIZED:
        _refuse(system, call, answer)
    if answer.status in _OK or answer.status in call.expects & _READABLE:
        return answer
    said = f": {answer.said}" if answer.said else ""
    text = f"{system} answered {answer.status} to {call}{said}."
    if answer.status == TOO_MANY:
        raise Transient(text, retry_after=answer.asked_wait(now), status=answer.status, trace_id=answer.trace_id)
    if answer.status >= _SERVER_ERRORS_FROM or answer.status in _GATEWAY_MOODS:
        if call.idempotent:
            raise Transient(text, retry_after=answer.asked_wait(now), status=answer.status, trace_id=answer.trace_id)
        raise Unknown(
            f"{text[:-1]}; the change may have been made.",
            remedy="Look before repeating it.",
            status=answer.status,
            trace_id=answer.trace_id,
        )
    if answer.status in _REDIRECTS:
        # Where to is not repeated: a redirect may carry tokens in its address.
        raise Permanent(
            f"{system} answered {call} with a redirect, which Provisor never follows.",
            remedy="Set the base address to the one the service itself uses.",
            status=answer.status,
            trace_id=answer.trace_id,
        )
    raise Permanent(
        text,
        remedy=_REMEDIES.get(answer.status, _REMEDIES[400]),
        status=answer.status,
        trace_id=answer.trace_id,
    )


def _refuse(system: str, call: Call, answer: Response) -> NoReturn:
    said = f": {answer.said}" if answer.said else ""
    raise CredentialRefused(
        f"{system} refused Provisor's credential ({answer.status} to {call}{said}).",
        remedy="Check that the credential is the right one, has not expired and is allowed from this address.",
        status=answer.status,
        trace_id=answer.trace_id,
    )
