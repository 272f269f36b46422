"""Accounts and the subjects that requests name."""

from __future__ import annotations

from dataclasses import dataclass

from access.entitlements import System


@dataclass(frozen=True, slots=True)
class Subject:
    """The person or account a request is for, named by at least one of the three.

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

    ``email`` is the address that the system shows, None when it hides the address. ``email_proven`` is False when the account
    was found by an address that the system hides. Such a match is probable, but it is not proof enough to take access away.
    ``may_be_longer`` is True when the hidden address may also be a longer one that only holds what was asked for: such a match
    is a candidate, and not even probable.
    ``suspended`` accounts were shut by somebody: their access waits for the day on which they are opened again.
    ``managed_by`` is another directory that has the say about the account itself, not about what it holds.
    """

    system: System
    id: str
    title: str
    email: str | None = None
    username: str | None = None
    active: bool = True
    email_proven: bool = True
    may_be_longer: bool = False
    suspended: bool = False
    managed_by: str | None = None


@dataclass(frozen=True, slots=True)
class NoMatch:
    """``asked_for`` does not name exactly one thing: ``candidates`` are the several that match, or near ones when none does.

    ``unproven`` says that one of the candidates may be what is meant, and that nothing proves it: the candidates are no match,
    and they do not prove that there is none. ``ids`` are the ids of the candidates. ``contradiction`` says that parts of what
    was asked for name different things.
    """

    asked_for: str
    candidates: tuple[str, ...] = ()
    several: bool = False
    unproven: bool = False
    contradiction: bool = False
    ids: tuple[str, ...] = ()

    def sentence(self) -> str:
        """What happened and what to do, for the person who asked."""
        if self.contradiction:
            return f"{self.asked_for} is not one account: {', '.join(self.candidates)}. Name the one that is meant."
        if self.unproven:
            return (
                f"{self.asked_for} is not proven to be anybody's; it may be {', '.join(self.candidates)}. "
                "Name the one that is meant by its id."
            )
        if self.several:
            return f"{self.asked_for} matches more than one: {', '.join(self.candidates)}. Name one of them by its id."
        if self.candidates:
            return f"{self.asked_for} matches none; did you mean {', '.join(self.candidates)}? Name one that exists."
        return f"{self.asked_for} matches none. Check the spelling, or name it by its id."
