"""Where JumpCloud answers."""

from __future__ import annotations

from enum import StrEnum


class Region(StrEnum):
    """The region an organization lives in."""

    US = "us"
    EU = "eu"
    IN = "in"


#: The console and its API, by region. US [spec]; EU and IN [observed: JumpCloud's own clients].
CONSOLES = {
    Region.US: "https://console.jumpcloud.com",
    Region.EU: "https://console.eu.jumpcloud.com",
    Region.IN: "https://console.in.jumpcloud.com",
}

#: Where service accounts get their tokens, whatever the region [observed: two JumpCloud clients].
TOKEN_ADDRESS = "https://admin-oauth.id.jumpcloud.com/oauth2/token"  # noqa: S105 - an address

#: The one scope such a token is asked for [observed].
TOKEN_SCOPE = "api"  # noqa: S105 - a scope
