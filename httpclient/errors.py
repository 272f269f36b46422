"""From an answer to exactly one failure word. A table, in one place, for every upstream."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown
from httpclient.calls import Call
from httpclient.responses import Response

#: The service asks for fewer calls.
TOO_MANY = 429

_OK = range(200, 300)
_REDIRECTS = range(300, 400)
_CLIENT_ERRORS = range(400, 500)
_SERVER_ERRORS = range(500, 600)

#: Statuses after which nobody knows whether a write was made.
_MAYBE_DONE = frozenset({408, *_SERVER_ERRORS})

#: All that HTTP knows. Balancers have others, such as 460 and 499, for answers that they did not wait for.
_REGISTERED = frozenset(HTTPStatus)

#: Statuses of what passes, and what to do if it does not.
_PASSING = {
    402: "See the service's billing: the plan has run out, or does not include this.",
    **dict.fromkeys((409, 423, 425), "Somebody else is changing the same thing: look at it if it persists."),
    TOO_MANY: "Lower the rate in the settings if it persists.",
    **dict.fromkeys(_MAYBE_DONE, "See the service's status page if it persists."),
}

#: The client errors that mean the same whoever answers with them.
_SELF_EVIDENT = _PASSING.keys() - {402}

#: The client errors that a caller may want to read itself.
_READABLE = frozenset(range(400, 500)) - {401, 407, 408, 425, TOO_MANY}

#: What a person can do about a client error, by status; the vendors' lists agree on these [docs: JumpCloud; spec: Jira].
_REMEDIES = {
    403: "Give Provisor's account the permission, role or scope for it.",
    404: "Check that it still exists and that Provisor's account may see it.",
    405: "The service has changed this call: Provisor needs an update.",
    410: "The service has removed this call: Provisor needs an update.",
    413: "Make it smaller, or make room for it.",
}
_ANY_REMEDY = "Correct what was asked for; repeating it will not help."


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one upstream words its refusals.

    ``owns`` tells an error that the upstream itself worded from a page of something in between. ``credential_remedy``
    recognises the upstream's own ways of showing that it does not know our credential, besides 401, whatever the status: it
    returns what to do then, else None.
    """

    owns: Callable[[Response], bool] = lambda answer: bool(answer.said)
    credential_remedy: Callable[[Response], str | None] = lambda _: None


def verdict(call: Call, answer: Response, *, system: str, dialect: Dialect, between: str, now: datetime) -> Response:
    """The answer when it is good or expected, else the one failure word for it.

    ``between`` is what to check when something between us and the service may have answered. Raises ``CredentialRefused``
    for 401 and for what the dialect recognises; ``Transient`` for what passes (402, 409, 423, 425, 429) and for every answer
    that is not the service's: redirects, a proxy's refusal, a client error in other words than the service's; ``Permanent`` for
    every other client error. After 408, 5xx and what is no status of HTTP the word is ``Transient`` when the call is idempotent
    and ``Unknown`` when it is not.
    """
    status = answer.status
    remedy = dialect.credential_remedy(answer)
    if remedy is not None or status == HTTPStatus.UNAUTHORIZED:
        raise answer.failure(
            CredentialRefused,
            f"{system} refused Provisor's credential ({status} to {call}{answer.quoted}).",
            remedy=remedy
            or "Check that the credential is the right one, has not expired and is allowed from this IP address.",
        )
    if status in _OK:
        return answer
    if elsewhere := _answered_elsewhere(call, answer, system=system, dialect=dialect, between=between):
        raise elsewhere
    if status in call.expects & _READABLE:
        return answer
    text = f"{system} answered {status} to {call}{answer.quoted}"
    if status in _MAYBE_DONE and not call.idempotent:
        raise answer.failure(Unknown, f"{text}; the change may have been made.", remedy="Look before repeating it.")
    if status in _PASSING:
        passing = answer.failure(Transient, f"{text}.", remedy=_PASSING[status])
        passing.retry_after = answer.asked_wait(now)
        raise passing
    raise answer.failure(Permanent, f"{text}.", remedy=_REMEDIES.get(status, _ANY_REMEDY))


def _answered_elsewhere(call: Call, answer: Response, *, system: str, dialect: Dialect, between: str) -> Failure | None:
    """The failure of an answer that is not the service's, and so says nothing about what was asked for."""
    status = answer.status
    word: type[Failure] = Transient
    if status in _REDIRECTS:
        # The target is not repeated: its URL may carry tokens.
        text = f"{call} to {system} was answered with a redirect ({status}), which Provisor never follows."
        remedy = f"Set the base URL to the one that the service itself uses. {between}"
    elif status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        text, remedy = f"A proxy did not let {call} to {system} through ({status}).", between
    elif status not in _SERVER_ERRORS and status not in _REGISTERED:
        text = f"{call} to {system} was answered with {status}, which is no status of HTTP."
        word, remedy = Transient if call.idempotent else Unknown, between
    elif _is_in_others_words(call, answer, dialect):
        text = f"{call} to {system} was answered with {status}, but not in the service's own words{answer.quoted}."
        remedy = f"{between} The site may also be unavailable: see its status page."
    else:
        return None
    return answer.failure(word, text, remedy=remedy)


def _is_in_others_words(call: Call, answer: Response, dialect: Dialect) -> bool:
    """Whether something else worded a client error that would count: proxies, sign-in and "site unavailable" pages do."""
    counts = answer.status in _CLIENT_ERRORS and (answer.status not in _SELF_EVIDENT)
    return counts and not dialect.owns(answer) and not (call.any_wording and answer.status in call.expects)
