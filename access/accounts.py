"""Accounts and the subjects that requests name."""

from __future__ import annotations

from dataclasses import dataclass

from access.entitlements import System


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom a request is for, as it names them: any of the three, at least one.

    ``id`` is the system's own (a Jira accountId, a JumpCloud user id).
    """

    email: str | None = None
    username: str | None = None
    id: str | None = None

    def __post_init__(self) -> None:
        if not (self.email or self.username or self.id):
            raise ValueError("A subject needs an email, a username or an id.")

    def __str__(self) -> str:
        return self.email or self.username or self.id or ""


@dataclass(frozen=True, slots=True)
class Account:
    """One identity in one system.

    ``email_proven`` is False when the account was found by an address that the system hides: such a match is probable,
    and no proof for anything that takes access away.
    """

    system: System
    id: str
    title: str
    email: str | None = None
    username: str | None = None
    active: bool = True
    email_proven: bool = True


@dataclass(frozen=True, slots=True)
class NoMatch:
    """What was asked for names no one thing: ``candidates`` are the several that match, or near ones when none does."""

    wanted: str
    candidates: tuple[str, ...] = ()
    several: bool = False

    def sentence(self) -> str:
        """What happened and what to do, for the person who asked."""
        if self.several:
            return f"{self.wanted} matches more than one: {', '.join(self.candidates)}. Name one of them by its id."
        if self.candidates:
            return f"{self.wanted} matches none; did you mean {', '.join(self.candidates)}? Name one that exists."
        return f"{self.wanted} matches none. Check the spelling, or name it by its id."
