"""The HTTP client with JumpCloud's options: headers, refusals, and how a list is paged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import TypeVar

from pydantic import TypeAdapter

from access.entitlements import System
from access.failures import Transient
from connectors.jumpcloud.addresses import TOKEN_ADDRESS, TOKEN_SCOPE
from httpclient import Call, ClientCredentials, ClientOptions, Credential, Dialect, HeaderKey, HttpClient, Response
from httpclient.calls import Params

T = TypeVar("T")

#: Rows per page. The default is 10, v2 lists are limited to 100 [spec].
PAGE = 100

#: Most pages read of one list before giving up: 100 000 rows, more than any list asked for here has.
_MOST_PAGES = 1000


#: Texts of a 403 that is about the credential and not about the call [observed], and what to do. The wording is only ever
#: used to tell such a 403 from a missing role.
_REFUSALS = {
    "has been blocked": "JumpCloud has blocked this IP address for suspected abuse: ask its support to lift that.",
    "organization selection not allowed": "Leave jumpcloud.org_id out: this key belongs to one organization.",
}


def api_key(key: str) -> Credential:
    """The credential of an administrator's API key [spec].

    Raises ``ValueError`` when it could not travel in a header.
    """
    return HeaderKey("x-api-key", key)


def service_account(
    client_id: str, client_secret: str, *, options: ClientOptions, token_url: str = TOKEN_ADDRESS
) -> Credential:
    """The credential of a service account: OAuth 2 client credentials [docs]."""
    return ClientCredentials(
        transport=options.transport(System.JUMPCLOUD),
        token_url=token_url,
        client_id=client_id,
        client_secret=client_secret,
        scope=TOKEN_SCOPE,
        clock=options.clock,
    )


def jumpcloud_client(
    *, base_url: str, credential: Credential, options: ClientOptions, organization: str | None = None
) -> HttpClient:
    """A client for the API at ``base_url`` (see ``CONSOLES``).

    ``organization`` is the 24-hex id that multi-tenant administrators must send and others may leave out [spec].
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
    """What to do when a 403 says that no call of ours will work [observed]; None for any other answer."""
    if answer.status != HTTPStatus.FORBIDDEN:
        return None
    text = answer.body[:1024].lower() if isinstance(answer.body, str) else answer.said.lower()
    return next((remedy for words, remedy in _REFUSALS.items() if words in text), None)


def v2_rows(
    client: HttpClient,
    route: str,
    shape: TypeAdapter[list[T]],
    *,
    what: str,
    path: Mapping[str, str] | None = None,
    params: Params | None = None,
) -> Iterator[T]:
    """The rows of a v2 list, page by page, by ``skip`` alone.

    The end is where ``x-total-count`` [observed] says or an empty page, never a short page [assumed: pages may be clamped].
    Rows that move while it is read may come twice or be missed: see ``complete``. A 404 goes up as the failure word.
    """
    skip = 0
    for _ in range(_MOST_PAGES):
        call = Call(method="GET", route=route, path=path or {}, params={**(params or {}), "limit": PAGE, "skip": skip})
        answer = client.send(call)
        page = answer.read_as(shape, what=what)
        yield from page
        skip += len(page)
        total = total_count(answer)
        if not page or (total is not None and skip >= total):
            return
    raise Transient(f"JumpCloud's list of {what} did not end.", remedy="Report it: the service ignores paging.")


def total_count(answer: Response) -> int | None:
    """The ``x-total-count`` of a v2 list [observed], None when it is not there or no number."""
    text = answer.headers.get("x-total-count", "")
    return int(text) if text.isdecimal() else None
