"""The HTTP client for JumpCloud: its credentials, headers and refusals, and the size and total of its lists."""

from __future__ import annotations

from http import HTTPStatus

from access.entitlements import System
from httpclient import ClientCredentials, ClientOptions, Credential, Dialect, HeaderKey, HttpClient, Response

#: Rows a page. The default is 10; v2 gives at most 100 [spec].
PAGE = 100

#: The one scope of such a token [observed].
_TOKEN_SCOPE = "api"  # noqa: S105 - a scope

#: Texts of a 403 about the credential and not about the call [observed], each with its remedy. Any other 403 is a role that is
#: too low.
_REFUSALS = {
    "has been blocked": "JumpCloud has blocked this IP address for suspected abuse: ask its support to lift that.",
    "organization selection not allowed": "Leave jumpcloud.org_id out: this key belongs to one organization.",
}


def api_key(key: str) -> Credential:
    """The credential of an administrator's API key [spec].

    Raises ``ValueError`` for one that does not fit into a header.
    """
    return HeaderKey("x-api-key", key)


def service_account(client_id: str, client_secret: str, *, options: ClientOptions, token_url: str) -> Credential:
    """The credential of a service account: OAuth 2 client credentials [docs], at one URL for all regions [observed]."""
    return ClientCredentials(
        transport=options.transport(System.JUMPCLOUD),
        token_url=token_url,
        client_id=client_id,
        client_secret=client_secret,
        scope=_TOKEN_SCOPE,
        clock=options.clock,
    )


def jumpcloud_client(
    *, base_url: str, credential: Credential, options: ClientOptions, organization: str | None = None
) -> HttpClient:
    """A client for the API at ``base_url``.

    ``organization`` is the 24-hex id that multi-tenant administrators must send and others may omit [spec].
    """
    return HttpClient(
        system=System.JUMPCLOUD,
        base_url=base_url,
        credential=credential,
        options=options,
        headers={"x-org-id": organization} if organization else {},
        dialect=Dialect(credential_remedy=credential_remedy),
    )


def credential_remedy(answer: Response) -> str | None:
    """The remedy of a 403 about the credential [observed]; None for any other answer."""
    if answer.status != HTTPStatus.FORBIDDEN:
        return None
    text = answer.body[:1024].lower() if isinstance(answer.body, str) else answer.said.lower()
    return next((remedy for words, remedy in _REFUSALS.items() if words in text), None)


def total_count(answer: Response) -> int | None:
    """The ``x-total-count`` of a v2 list [observed], None when it is absent or no number."""
    text = answer.headers.get("x-total-count", "")
    return int(text) if text.isdecimal() else None
