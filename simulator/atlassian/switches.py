from typing import Literal

from pydantic import Field

from simulator.switches import SwitchBoard


class Switches(SwitchBoard):
    """Every unsettled point and quirk of Atlassian administration; the defaults are those of the contract.

    Membership reads lag by `directory_lag_ms` of the Jira world, and seats run out by its `licence_full`.
    """

    end_of_list: Literal["absent", "null"] = "absent"
    """How the last page says so: no `links.next`, or null."""
    conflict_codes: Literal["same", "distinct"] = "same"
    """Whether 409 on a membership names another code for a full licence than for somebody who is in already."""
    repeated_suspend_status: Literal[204, 400] = 204
    """Suspending somebody who is suspended."""
    repeated_restore_status: Literal[204, 400] = 204
    """Restoring somebody who is active."""
    repeated_remove_status: Literal[404, 204] = 404
    """Removing somebody who is in the directory no more."""
    unmanaged_emails: Literal["per_profile", "shown"] = "per_profile"
    """Addresses of accounts that are not managed: hidden when the profile hides them, or always shown."""
    protected_user_status: Literal[403, 400] = 403
    """Suspending or removing an organization admin, or the owner of the key."""
    synced_group_status: Literal[403, 400] = 403
    """Changing a group that an identity provider fills."""
    unmanaged_lifecycle_status: Literal[403, 404] = 403
    """User management of an account that is not managed."""
    synced_lifecycle: Literal["allowed", "refused"] = "refused"
    """User management of an account that an identity provider supplies."""
    revoke_takes: Literal["every_group", "default_group"] = "every_group"
    """Whether revoking a product role takes the user out of every group that grants the product."""
    unpaid: bool = False
    """Invitations answer 402: the organization pays for nothing."""

    removal_delay_ms: int = Field(default=0, ge=0)
    """From a removal to its being seen."""
    role_lag_ms: int = Field(default=0, ge=0)
    """From a role change to its being seen; up to 30 s in life."""
    event_lag_ms: int = Field(default=0, ge=0)
    """From a change to its event."""
    event_retention_days: int = Field(default=180, ge=1)
    """How long the log keeps events."""
    deletion_grace_days: int = Field(default=14, ge=0)
    """From the deletion of an account to its end."""

    events_per_minute: int = Field(default=10, ge=0)
    """Requests a minute to the events route; 0 is no limit."""
    last_active_per_minute: int = Field(default=200, ge=0)
    """Requests a minute to the last-active route; 0 is no limit."""
    requests_per_minute: int = Field(default=0, ge=0)
    """Requests a minute to each other route; 0 is no limit."""
    retry_after: bool = True
    """Whether a 429 says when to come back."""
