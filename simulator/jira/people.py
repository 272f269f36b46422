from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

AccountType = Literal["atlassian", "app", "customer", "unknown"]
AccountStatus = Literal["active", "inactive", "closed"]
MembershipStatus = Literal["active", "suspended", "no_membership"]
AccessType = Literal["", "user", "admin", "site-admin"]


@dataclass(slots=True)
class User:
    """One Atlassian account as this organization and its site know it; times are seconds since 1970."""

    account_id: str
    email: str
    display_name: str
    account_type: AccountType = "atlassian"
    app_type: str | None = None
    account_status: AccountStatus = "active"
    membership_status: MembershipStatus = "active"
    managed: bool = False
    management_source: Literal["invited", "synced"] | None = "invited"
    email_hidden: bool = False
    time_zone: str = "Etc/UTC"
    locale: str = "en_US"
    added: float = 0.0
    found_from: float = 0.0
    removal_seen_from: float = 0.0
    searched_from: float = 0.0
    """Until then user search knows the account as `searched_as`."""
    searched_as: tuple[str, str] = ("", "")
    """Name and address; both empty for an account that user search does not know yet."""

    @property
    def active(self) -> bool:
        """Return whether Jira calls the user active."""
        return self.account_status == "active" and self.membership_status == "active"


@dataclass(slots=True)
class Group:
    """A group of the organization's directory; `members` is kept sorted by account id."""

    id: str
    name: str
    description: str = ""
    members: list[str] = field(default_factory=list)
    external_synced: bool = False
    managed_by: Literal["external", "admins", "team-members", "open"] = "admins"
    access_type: AccessType = ""
    grants: list[str] = field(default_factory=list)
    """Application keys (`jira-software` …) that membership gives access to."""


@dataclass(frozen=True, slots=True)
class MembershipChange:
    """A membership write that group reads do not see before `seen_from`."""

    group_id: str
    account_id: str
    added: bool
    seen_from: float
