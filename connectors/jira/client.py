"""The HTTP client with Jira Cloud's options: language, refusals hidden in good answers, and its shared search limit."""

from __future__ import annotations

from http import HTTPStatus

from access.entitlements import System
from access.failures import Failure, Permanent, Transient
from httpclient import Basic, Bearer, ClientOptions, Credential, Dialect, HttpClient, Response

API = "/rest/api/3"

#: The endpoint class of every user-search route: they share one more limit per tenant [spec][docs].
USER_SEARCH = "user-search"

#: The service answers 200 to a bad credential on routes open to anonymous callers; this header gives it away [observed].
_LOGIN_HEADER = "x-seraph-loginreason"

#: Words of 403 answers about who we are or where we call from, not about a permission [observed, assumed]. The first is for a
#: bearer token sent to the site instead of the gateway. Compared without case.
_NOT_A_SITE_TOKEN = "failed to parse connect session auth token"  # noqa: S105 - words of an error
_BLOCKED_ADDRESS = ("ip allowlist", "ip address")


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


def jira_client(*, base_url: str, credential: Credential, options: ClientOptions) -> HttpClient:
    """A client for the API at ``base_url``: the site's own for classic tokens, the gateway's for scoped ones.

    English is forced, because some outcomes can only be told by their text [docs].
    """
    return HttpClient(
        system=System.JIRA,
        base_url=base_url,
        credential=credential,
        options=options,
        headers={
            "Accept-Language": "en",
            "X-Force-Accept-Language": "true",
            "X-ExperimentalApi": "opt-in",
        },
        dialect=Dialect(owns=is_jiras_own, credential_remedy=credential_remedy),
    )


def is_jiras_own(answer: Response) -> bool:
    """Whether Jira itself worded an error: it lists its messages, even when there are none [spec].

    A site that is suspended or away answers 404 with one ``errorMessage`` on every path [observed], a gateway with ``message``.
    """
    return isinstance(answer.member("errorMessages"), list)


def credential_remedy(answer: Response) -> str | None:
    """What to do when the service took us for nobody, whatever the status says [observed]; None when it knew us."""
    said = answer.said.lower()
    reason = answer.headers.get(_LOGIN_HEADER, "")
    if "AUTHENTICATION_DENIED" in reason:
        return "Log in once in a browser to answer the captcha, then check the token."
    if answer.status == HTTPStatus.UNAUTHORIZED and "scope" in said:
        return "Create a token with the scopes that the guide for Jira lists; a token's scopes cannot be changed."
    if answer.status == HTTPStatus.FORBIDDEN and _NOT_A_SITE_TOKEN in said:
        return "Set via to gateway: a bearer token does not work at the site's own URL."
    if answer.status == HTTPStatus.FORBIDDEN and any(words in said for words in _BLOCKED_ADDRESS):
        return "Allow the IP address that Provisor calls from in the organization's IP allowlist."
    if answer.status == HTTPStatus.UNAUTHORIZED or "AUTHENTICATED_FAILED" in reason:
        return "Check the email and the token: it may have expired, been revoked, or belong to the other kind of URL."
    return None


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
