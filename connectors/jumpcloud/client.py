"""The HTTP client for JumpCloud: its credentials, headers and refusals, and the size and total of its lists."""

from __future__ import annotations

from http import HTTPStatus

from access.entitlements import System
from httpclient import ClientCredentials, ClientOptions, Credential, HeaderKey, HttpClient, Response

#: Rows a page. The default is 10; v2 gives at most 100 [spec].
PAGE = 100

#: Where service accounts get their tokens, in every region [observed].
TOKEN_ADDRESS = "https://admin-oauth.id.jumpcloud.com/oauth2/token"  # noqa: S105 - an address

#: The one scope of such a token [observed].
_TOKEN_SCOPE = "api"  # noqa: S105 - a scope

#: Texts of a 403 about the credential and not about the call [observed]: JumpCloud blocked the source address for suspected
#: abuse, or the key may not send the organization header. Any other 403 is a role that is too low.
_REFUSALS = ("has been blocked", "organization selection not allowed")


def api_key(key: str) -> Credential:
    """The credential of an administrator's API key [spec].

    Raises ``ValueError`` for one that does not fit into a header.
    """
    return HeaderKey("x-api-key", key)


def service_account(
    client_id: str, client_secret: str, *, options: ClientOptions, token_address: str = TOKEN_ADDRESS
) -> Credential:
    """The credential of a service account: OAuth 2 client credentials [docs]."""
    return ClientCredentials(
        transport=options.transport(System.JUMPCLOUD),
        token_address=token_address,
        client_id=client_id,
        client_secret=client_secret,
        scope=_TOKEN_SCOPE,
        clock=options.clock,
    )


def jumpcloud_client(
    *, address: str, credential: Credential, options: ClientOptions, organization: str | None = None
) -> HttpClient:
    """A client for the API at ``address``.

    ``organization`` is the 24-hex id that multi-tenant administrators must send and others may omit [spec].
    """
    return HttpClient(
        system=System.JUMPCLOUD,
        address=address,
        credential=credential,
        options=options,
        headers={"x-org-id": organization} if organization else {},
        refused=refuses_the_credential,
    )


def refuses_the_credential(answer: Response) -> bool:
    """Whether a 403 says that no call of ours will work: stop and alert, do not retry [observed]."""
    text = answer.said.lower() if not isinstance(answer.body, str) else answer.body[:1024].lower()
    return answer.status == HTTPStatus.FORBIDDEN and any(refusal in text for refusal in _REFUSALS)


def total_count(answer: Response) -> int | None:
    """The ``x-total-count`` of a v2 list [observed], None when it is absent or no number."""
    text = answer.headers.get("x-total-count", "")
    return int(text) if text.isdecimal() else None
