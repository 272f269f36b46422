"""The HTTP client for Jira Cloud: its language, its ways to refuse a credential, and the failures of refused changes."""

from __future__ import annotations

from http import HTTPStatus

from access.entitlements import System
from access.failures import Permanent, Transient
from connectors.jira.shapes import TenantInfo
from httpclient import Anonymous, Basic, Bearer, Call, ClientOptions, Credential, Dialect, HttpClient, Response

API = "/rest/api/3"
MYSELF = f"{API}/myself"
_TENANT_INFO = "/_edge/tenant_info"

#: The endpoint class of all user-search routes, which share one more limit per tenant [spec][docs].
USER_SEARCH = "user-search"

#: Jira answers 200 to a bad credential on routes open to anonymous callers; only this header tells [observed].
_LOGIN_HEADER = "x-seraph-loginreason"

#: Words of a 403 about who calls, or from where, and not about a permission [observed, assumed]; compared without case. The
#: first is the site's answer to a bearer token, which only the gateway takes.
_BEARER_AT_SITE = "failed to parse connect session auth token"
_BLOCKED_ADDRESS = ("ip allowlist", "ip address")


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


def jira_client(*, base_url: str, credential: Credential, options: ClientOptions) -> HttpClient:
    """A client for the API at ``base_url``: the site's own for classic tokens, the gateway's for scoped tokens [docs].

    The client forces English, because only the text tells some outcomes apart [docs].
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


def find_cloud_id(site: str, *, options: ClientOptions) -> str:
    """The id by which the gateway knows a site (``GET /_edge/tenant_info`` [docs][observed]). Sends no credential.

    Raises the failure words.
    """
    client = HttpClient(system=System.JIRA, base_url=site, credential=Anonymous(), options=options)
    try:
        return (
            client.send(Call(method="GET", route=_TENANT_INFO)).read_as(TenantInfo, what="the site's cloud id").cloudId
        )
    finally:
        client.close()


def is_jiras_own(answer: Response) -> bool:
    """Whether Jira itself worded an error: it lists its messages, even when there are none; service desks name theirs [spec].

    For a site that is suspended or away every path answers 404 with one ``errorMessage`` [observed]; a gateway sends ``message``.
    """
    return isinstance(answer.member("errorMessages"), list) or answer.member("i18nErrorMessage") is not None


def credential_remedy(answer: Response) -> str | None:
    """The remedy when Jira did not accept the credential, whatever the status [observed]; None when Jira accepted it."""
    said = answer.said.lower()
    reason = answer.headers.get(_LOGIN_HEADER, "")
    if "AUTHENTICATION_DENIED" in reason:
        return "Log in once in a browser to answer the captcha, then check the token."
    if answer.status == HTTPStatus.UNAUTHORIZED and "scope" in said:
        return "Create a token with the scopes that the guide for Jira lists; a token's scopes cannot be changed."
    if answer.status == HTTPStatus.FORBIDDEN and _BEARER_AT_SITE in said:
        return "Set via to gateway: a bearer token does not work at the site's own URL."
    if answer.status == HTTPStatus.FORBIDDEN and any(words in said for words in _BLOCKED_ADDRESS):
        return "Allow the IP address that Provisor calls from in the organization's IP allowlist."
    if answer.status == HTTPStatus.UNAUTHORIZED or "AUTHENTICATED_FAILED" in reason:
        return "Check the email and the token: it may have expired, been revoked, or belong to the other kind of URL."
    return None


def refusal(answer: Response, what: str, *, remedy: str) -> Permanent:
    """The failure of a change that Jira refused; ``what`` is a clause such as "add the account to group x"."""
    return answer.failure(Permanent, f"Jira did not {what} ({answer.status}{answer.quoted}).", remedy=remedy)


def disagreement(answer: Response, what: str) -> Transient:
    """The failure of a 404 about a group, role or account that a read has just shown: reads lag behind writes [observed]."""
    return answer.failure(Transient, f"Jira answered {answer.status} when asked to {what}, although both are there.")


def gone(answer: Response, what: str) -> Permanent:
    """The failure of a change about a group, role or account that does not exist any more."""
    remedy = "Check whether it was deleted, and ask again for the right one."
    return answer.failure(Permanent, f"Jira has no {what}.", remedy=remedy)
