"""Tenants: the organization or site that a system is for whoever holds a credential."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tenant:
    """A JumpCloud organization or a Jira Cloud site, by the id that never changes, and its name for people."""

    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.id})"
