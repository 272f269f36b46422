from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Token:
    """An API token of an account: classic when `scopes` is None; times are seconds since 1970."""

    value: str
    account_id: str
    scopes: list[str] | None = None
    good_from: float = 0.0
    expires: float | None = None
    revoked: bool = False

    def good(self, now: float) -> bool:
        """Return whether the token works at this time."""
        return not self.revoked and self.good_from <= now and (self.expires is None or now < self.expires)

    def covers(self, classic: str, granular: str) -> bool:
        """Return whether the scopes allow an operation that wants all classic, or all granular, scopes (space-separated)."""
        if self.scopes is None or not classic:
            return True
        held = {scope.removesuffix(":jira") for scope in self.scopes}
        return set(classic.split()) <= held or (bool(granular) and set(granular.split()) <= held)


class Tokens:
    """All API tokens by value, and how often each address failed to log in."""

    def __init__(self) -> None:
        self.by_value: dict[str, Token] = {}
        self.failures: dict[str, int] = {}

    def add(self, value: str, account_id: str, **limits: Any) -> Token:
        """Issue a token; `limits` are the other fields of `Token`."""
        token = Token(value, account_id, **limits)
        self.by_value[value] = token
        return token

    def find(self, value: str, now: float) -> Token | None:
        """Return the token if it is good now."""
        token = self.by_value.get(value)
        return token if token is not None and token.good(now) else None
