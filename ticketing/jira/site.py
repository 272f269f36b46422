"""Where a Jira site is, and how we show who we are."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlsplit

Scheme = Literal["basic", "bearer"]

_HIDDEN = "[secret]"


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraSite:
    """A Jira Cloud site and a credential for it.

    ``site_url`` is the address people use (``https://acme.atlassian.net``); links for people are always made from it.
    ``api_url`` is where calls go when that is elsewhere: ``https://api.atlassian.com/ex/jira/{cloudId}`` for scoped
    tokens, which work nowhere else [docs]. ``scheme`` ``bearer`` is for service accounts and works only there [docs].
    """

    site_url: str
    token: str = field(repr=False)
    email: str = ""
    api_url: str = ""
    scheme: Scheme = "basic"

    def __post_init__(self) -> None:
        for name, url in (("site address", self.site_url), ("API address", self.api_url or self.site_url)):
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
                raise ValueError(f"The Jira {name} is not a plain URL. Write it like https://acme.atlassian.net.")
        if not self.token:
            raise ValueError("There is no Jira token. Create an API token and name where it is kept in the settings.")
        if self.scheme == "bearer" and not self.api_url:
            raise ValueError(
                "A bearer token does not work at a site's own address. Set the API address to "
                "https://api.atlassian.com/ex/jira/<cloudId>."
            )
        if self.scheme == "basic" and not self.email:
            raise ValueError("Basic authentication needs the email of the token's account. Set the Jira email.")

    @property
    def server(self) -> str:
        """The address calls go to, without an ending slash."""
        return (self.api_url or self.site_url).rstrip("/")

    def browse(self, key: str) -> str:
        """The address of an issue for people, never through the gateway [observed: a peer gets this wrong]."""
        return f"{self.site_url.rstrip('/')}/browse/{quote(key, safe='-')}"

    def without_secrets(self, text: str) -> str:
        """The text with the token, in any form that goes over the wire, taken out."""
        basic = base64.b64encode(f"{self.email}:{self.token}".encode()).decode()
        for secret in (basic, quote(self.token, safe=""), self.token):
            text = text.replace(secret, _HIDDEN)
        return text
