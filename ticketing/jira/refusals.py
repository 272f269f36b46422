"""What an answer of Jira that is no success means, in failure words. Pure: the table of it is in the tests."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self

from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown
from httpclient.retry_after import retry_after

#: Jira answers 200 and the anonymous view to a bad credential; only this header tells [observed].
LOGIN_HEADER = "x-seraph-loginreason"
_FAILED_LOGINS = ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED")

#: Words of 403 answers that are about who we are or where we call from, not about a permission [observed, assumed].
_NOT_KNOWN_TO_JIRA = ("failed to parse connect session auth token", "ip allowlist", "ip address")

_TRACE_HEADERS = ("atl-traceid", "x-arequestid", "atl-request-id")
_LONGEST_QUOTE = 300
#: The headers an answer is judged by. Others, such as cookies, are not kept.
_KEPT = frozenset({LOGIN_HEADER, "content-type", "retry-after", "x-ratelimit-reset", *_TRACE_HEADERS})

_CONFLICTS = frozenset({HTTPStatus.CONFLICT, HTTPStatus.LOCKED, HTTPStatus.TOO_EARLY})


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, kept to what may be shown: no request, no cookie, no body of a kind we do not know."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, status: int, headers: Mapping[str, str], body: str) -> Self:
        """Read an answer tolerantly: any of the error forms of contract §1.4, plain text, or nothing."""
        lowered = {name.lower(): value for name, value in headers.items() if name.lower() in _KEPT}
        try:
            content = json.loads(body)
        except ValueError:
            html = "html" in lowered.get("content-type", "") or body.lstrip().startswith("<")
            return cls(status, lowered, () if html or not body.strip() else (body,))
        if not isinstance(content, dict):
            return cls(status, lowered)
        errors = content.get("errors")
        named = {str(name): str(said) for name, said in errors.items()} if isinstance(errors, dict) else {}
        return cls(status, lowered, tuple(_messages(content)), named)

    @property
    def anonymous(self) -> bool:
        """Whether Jira says that it did not take our credential, whatever the status."""
        return any(word in self.headers.get(LOGIN_HEADER, "") for word in _FAILED_LOGINS)

    @property
    def trace_id(self) -> str | None:
        """Jira's own id of the exchange."""
        return next((self.headers[name] for name in _TRACE_HEADERS if name in self.headers), None)

    def said(self) -> str:
        """What Jira said, on one line and not too long."""
        named = (f"{name}: {text}" for name, text in self.fields.items())
        line = " ".join("; ".join([*self.messages, *named]).split()).rstrip(".")
        return line if len(line) <= _LONGEST_QUOTE else line[:_LONGEST_QUOTE] + "…"


def _messages(content: Mapping[str, Any]) -> list[str]:
    found = content.get("errorMessages")
    several = found if isinstance(found, list) else []
    single = [content.get(name) for name in ("errorMessage", "message", "detail", "error")]
    return [str(text) for text in (*several, *single) if text]


def failure_of(answer: Answer, *, doing: str, writes: bool, now: datetime) -> Failure:
    """The one failure word for an answer.

    ``doing`` completes "Jira refused to …"; ``writes`` says that repeating the call could do something twice.
    """
    status, trace = answer.status, answer.trace_id
    said = f": {answer.said()}" if answer.said() else ""
    if _credential_refused(answer):
        return CredentialRefused(
            f"Jira did not accept our credential when asked to {doing}{said} (HTTP {status}).",
            remedy=_credential_remedy(answer),
            status=status,
            trace_id=trace,
        )
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = retry_after(answer.headers, now=now)
        message = f"Jira is limiting our calls and did not {doing} (HTTP 429)."
        return Transient(message, retry_after=wait, remedy="It will be tried again.", status=status, trace_id=trace)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return _broken(answer, doing=doing, writes=writes, now=now)
    if status in _CONFLICTS:
        message = f"Something else was changing the issue when Jira was asked to {doing}{said} (HTTP {status})."
        return Transient(message, remedy="It will be tried again.", status=status, trace_id=trace)
    message = f"Jira refused to {doing}{said} (HTTP {status})."
    return Permanent(message, remedy=_remedy(answer), status=status, trace_id=trace)


def _credential_refused(answer: Answer) -> bool:
    if answer.anonymous or answer.status == HTTPStatus.UNAUTHORIZED:
        return True
    said = answer.said().lower()
    return answer.status == HTTPStatus.FORBIDDEN and any(words in said for words in _NOT_KNOWN_TO_JIRA)


def _credential_remedy(answer: Answer) -> str:
    said = answer.said().lower()
    if "scope" in said:
        return "Create a token with the scopes read:jira-user, read:jira-work and write:jira-work."
    if "connect session" in said:
        return "Use Basic at the site's address, or a bearer token at https://api.atlassian.com/ex/jira/<cloudId>."
    if "ip a" in said:
        return "Allow the address Provisor calls from in the organization's IP allowlist."
    if "AUTHENTICATION_DENIED" in answer.headers.get(LOGIN_HEADER, ""):
        return "Log in once in a browser to answer the captcha, then check the token."
    return "Check the email and the token: it may have expired, been revoked, or be one for the other address."


def _broken(answer: Answer, *, doing: str, writes: bool, now: datetime) -> Failure:
    status, trace = answer.status, answer.trace_id
    if writes:
        message = f"Jira broke off when asked to {doing} (HTTP {status}); it may have done it."
        return Unknown(message, remedy="Look before repeating.", status=status, trace_id=trace)
    message = f"Jira could not {doing} (HTTP {status})."
    wait = retry_after(answer.headers, now=now)
    return Transient(message, retry_after=wait, remedy="It will be tried again.", status=status, trace_id=trace)


def _remedy(answer: Answer) -> str:
    if answer.fields:
        return " ".join(_field_remedy(name, said) for name, said in answer.fields.items())
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return "Set the Jira address to the one the site has now."
    return _REMEDIES.get(answer.status, "Compare the ticket settings with the project in Jira.")


_REMEDIES: dict[int, str] = {
    HTTPStatus.FORBIDDEN: "Give Provisor's account the permission in the project's permission scheme.",
    HTTPStatus.NOT_FOUND: "Check that it exists and that Provisor's account may see it.",
    HTTPStatus.METHOD_NOT_ALLOWED: "Jira has changed its API: update Provisor.",
    HTTPStatus.GONE: "Jira has changed its API: update Provisor.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Make room on the issue, or close it and let another one be made.",
}


def _field_remedy(name: str, said: str) -> str:
    if "screen" in said:
        return f"Put the field {name} on the project's create screen, or take it out of the ticket settings."
    if "required" in said or "must specify" in said:
        return f"Give the field {name} a value in the ticket settings."
    return f"Correct the field {name} in the ticket settings."
