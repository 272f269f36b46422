"""The HTTP client for Jira Cloud: its language, its ways to refuse a credential, and the failures of refused changes."""

from __future__ import annotations

from http import HTTPStatus

from access.entitlements import System
from access.failures import Failure, Permanent, Transient
from httpclient import Basic, Bearer, ClientOptions, Credential, HttpClient, Response

API = "/rest/api/3"

#: The endpoint class of all user-search routes, which share one more limit per tenant [spec][docs].
USER_SEARCH = "user-search"

#: Jira answers 200 to a bad credential on routes open to anonymous callers; only this header tells [observed].
_LOGIN_HEADER = "x-seraph-loginreason"
_LOGIN_FAILED = ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED")

#: The site's answer to a bearer token, which only the gateway takes [observed]; compared without case.
_BEARER_AT_SITE = "failed to parse connect session auth token"


def api_token(email: str, token: str) -> Credential:
    """The credential of a user's or service account's API token [docs].

    Raises ``ValueError`` for one with white space around it.
    """
    return Basic(email, token)


def bearer_token(token: str) -> Credential:
    """The credential of a service account's token at the gateway [docs][observed].

    Raises ``ValueError`` for one that does not fit into a header.
    """
    return Bearer(token)


def jira_client(*, address: str, credential: Credential, options: ClientOptions) -> HttpClient:
    """A client for the API at ``address``: the site's own for classic tokens, the gateway's for scoped tokens [docs].

    The client forces English, because only the text tells some outcomes apart [docs].
    """
    return HttpClient(
        system=System.JIRA,
        address=address,
        credential=credential,
        options=options,
        headers={
            "Accept-Language": "en",
            "X-Force-Accept-Language": "true",
            "X-ExperimentalApi": "opt-in",
        },
        refused=refuses_the_credential,
    )


def refuses_the_credential(answer: Response) -> bool:
    """Whether Jira did not accept the credential, whatever the status [observed]."""
    reason = answer.headers.get(_LOGIN_HEADER, "")
    if any(failed in reason for failed in _LOGIN_FAILED):
        return True
    return answer.status == HTTPStatus.FORBIDDEN and _BEARER_AT_SITE in answer.said.lower()


def refusal(answer: Response, what: str, *, remedy: str) -> Permanent:
    """The failure of a change that Jira refused; ``what`` is a clause such as "add the account to group x"."""
    said = f": {answer.said}" if answer.said else ""
    return Permanent(
        f"Jira did not {what} ({answer.status}{said}).", remedy=remedy, status=answer.status, trace_id=answer.trace_id
    )


def disagreement(answer: Response, what: str) -> Failure:
    """The failure of a 404 about a group, role or account that a read has just shown: reads lag behind writes [observed]."""
    return Transient(
        f"Jira answered {answer.status} when asked to {what}, although both are there.",
        status=answer.status,
        trace_id=answer.trace_id,
    )


def gone(answer: Response, what: str) -> Permanent:
    """The failure of a change about a group, role or account that does not exist any more."""
    return Permanent(
        f"Jira has no {what}.",
        remedy="Check whether it was deleted, and ask again for the right one.",
        status=answer.status,
        trace_id=answer.trace_id,
    )
