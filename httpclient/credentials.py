"""How we say who we are to an upstream. No credential ever shows in a repr, and none may hold what a header cannot."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Credential(Protocol):
    """Something that proves who we are, in headers."""

    def headers(self) -> Mapping[str, str]:
        """The headers that carry it. May raise the failure words when it has to be fetched first."""
        ...

    def secrets(self) -> tuple[str, ...]:
        """Every text that must never be repeated, in each form it travels in."""
        ...

    def renew(self) -> bool:
        """Forget what may have gone stale; True when trying once more with a fresh one makes sense."""
        ...


def _sendable(value: str, what: str) -> str:
    # An HTTP library quotes the whole value in its own error, so it is checked before it can get there.
    if not value or not value.isascii() or not value.isprintable() or value != value.strip():
        raise ValueError(
            f"The {what} is empty or holds characters a header cannot carry. Check for a stray line break."
        )
    return value


class _Lasting:
    """A credential that does not go stale."""

    __slots__ = ()

    def renew(self) -> bool:
        """Nothing here goes stale."""
        return False


class Anonymous(_Lasting):
    """No credential."""

    def headers(self) -> Mapping[str, str]:
        """None."""
        return {}

    def secrets(self) -> tuple[str, ...]:
        """None."""
        return ()


@dataclass(frozen=True, slots=True)
class Basic(_Lasting):
    """User name and password or token, RFC 7617, in UTF-8."""

    user: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.user or not self.password or any(part != part.strip() for part in (self.user, self.password)):
            raise ValueError(
                "The user name or its token is empty or has white space around it. Check for a stray line break."
            )

    def headers(self) -> Mapping[str, str]:
        """The ``Authorization`` header; Jira wants exactly this spelling and one space [observed]."""
        return {"Authorization": f"Basic {self._pair()}"}

    def secrets(self) -> tuple[str, ...]:
        """The password, alone and as it travels."""
        return (self.password, self._pair())

    def _pair(self) -> str:
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class HeaderKey(_Lasting):
    """A key in a header of its own, such as JumpCloud's ``x-api-key`` [spec]."""

    header: str
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        _sendable(self.key, f"key for {self.header}")

    def headers(self) -> Mapping[str, str]:
        """The one header."""
        return {self.header: self.key}

    def secrets(self) -> tuple[str, ...]:
        """The key."""
        return (self.key,)


@dataclass(frozen=True, slots=True)
class Bearer(_Lasting):
    """A token that lasts until somebody replaces it."""

    token: str = field(repr=False)

    def __post_init__(self) -> None:
        _sendable(self.token, "bearer token")

    def headers(self) -> Mapping[str, str]:
        """The ``Authorization`` header."""
        return {"Authorization": f"Bearer {self.token}"}

    def secrets(self) -> tuple[str, ...]:
        """The token."""
        return (self.token,)
