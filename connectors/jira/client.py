"""The HTTP client with Jira Cloud's options: language, refusals hidden in good answers, and its shared search limit."""

from __future__ import annotations

from http import HTTPStatus

from access.entitlements import System
from access.failures import Failure, Permanent, Transient
from httpclient import Basic, Bearer, ClientOptions, Credential, HttpClient, Response

API = "/rest/api/3"

#: The endpoint class of every user-search route: they share one more limit per tenant [spec][docs].
USER_SEARCH = "user-search"

_GATEWAY = "https://api.atlassian.com/ex/jira/"

#: The service answers 200 to a bad credential on routes open to anonymous callers; this header gives it away [observed].
_LOGIN_HEADER = "x-seraph-loginreason"
_LOGIN_FAILED = ("AUTHENTICATED_FAILED", "AUTHENTICATION_DENIED")

#: A bearer token sent to the site instead of the gateway [observed]; compared without case.
_WRONG_DOOR = "failed to parse connect session auth token"


def api_token(email: str, token: str) -> Credential:
    """The credential of a user's or service account's API token [docs].

    Raises ``ValueError`` when it holds stray white space.
    """
    return Basic(email, token)


def bearer_token(token: str) -> Credential:
    """The credential of a service account's token at the gateway [docs][observed].

    Raises ``ValueError`` when it could not travel in a header.
    """
    return Bearer(token)


def gateway_address(cloud_id: str) -> str:
    """Where scoped tokens work, and only there [docs]."""
    return f"{_GATEWAY}{cloud_id}"


def jira_client(*, address: str, credential: Credential, options: ClientOptions) -> HttpClient:
    """A client for the API at ``address``: the site's own for classic tokens, the gateway's for scoped ones.

    English is forced, because some outcomes can only be told by their text [docs].
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
    """Whether the service took us for nobody, whatever the status says [observed]."""
    reason = answer.headers.get(_LOGIN_HEADER, "")
    if any(failed in reason for failed in _LOGIN_FAILED):
        return True
    return answer.status == HTTPStatus.FORBIDDEN and _WRONG_DOOR in answer.said.lower()


def refusal(answer: Response, what: str, *, remedy: str) -> Permanent:
    """The failure of a change that Jira refused; ``what`` is a clause such as "add the account to group x"."""
    said = f": {answer.said}" if answer.said else ""
    return Permanent(
        f"Jira did not {what} ({answer.status}{said}).", remedy=remedy, status=answer.status, trace_id=answer.trace_id
    )


def disagreement(answer: Response, what: str) -> Failure:
    """The failure of a 404 about things that a read has just shown to be there: writes and reads lag [observed]."""
    return Transient(
        f"Jira answered {answer.status} when asked to {what}, although both are there.",
        status=answer.status,
        trace_id=answer.trace_id,
    )
