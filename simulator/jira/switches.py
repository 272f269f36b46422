from __future__ import annotations

from typing import Literal, Self

from pydantic import Field

from simulator.switches import SwitchBoard


class Switches(SwitchBoard):
    """Every unsettled point and every quirk of Jira Cloud that can be set while the simulator runs.

    The defaults are those of the contract; lags are 0, `Switches.realistic()` has the values seen in the wild.
    """

    site: Literal["up", "unavailable", "unpaid", "read_only", "moved", "gone"] = "up"
    """The whole site: 404 with a body of its own on every path, 402, 403 on writes, 302 to another site, 410."""
    unavailable_tenant_info: bool = True
    """Whether /_edge/tenant_info is unavailable too while the site is."""
    self_links: Literal["served", "site"] = "served"
    """`self` links name the address the request came to, or https://<site>.atlassian.net as the real one does."""
    search_lag_ms: int = Field(default=0, ge=0)
    """JQL search sees a write this much later."""
    search_flaps: bool = False
    """During the lag every other search already sees the write (replicas disagree)."""
    directory_lag_ms: int = Field(default=0, ge=0)
    """Group reads see a membership change this much later."""
    new_user_lag_ms: int = Field(default=0, ge=0)
    """Reads find a created user this much later."""
    user_search_lag_ms: int = Field(default=0, ge=0)
    """User search, and nothing else, finds a new account or another name or address this much later."""
    removal_lag_ms: int = Field(default=0, ge=0)
    """A removed user stays readable as active this much longer."""

    short_pages: bool = False
    """Users/search filters after paging: pages in the middle are short (JRACLOUD-74454)."""
    hidden_emails: bool = False
    """Every profile hides its address (else per user)."""
    search_hidden_email: Literal["hit", "beginning", "none"] = "hit"
    """User/search by a hidden address, all of it or its beginning: a hit without address, or nothing."""
    invitee_name: Literal["local_part", "address"] = "local_part"
    """Display name of an invited account until its owner sets one: the local part of the address, or all of it."""
    invited_arrive: Literal["active", "suspended"] = "active"
    """POST /user by somebody who is no organization administrator makes an active account, or a suspended one."""
    former_user_name: str = "Former user"
    """Display name of a deleted account."""
    unknown_in_bulk: Literal["left_out", "404"] = "left_out"
    """Unknown ids in user/bulk."""
    removed_user_readable: bool = True
    """GET /user of somebody removed from the site: 200 inactive, or 404."""
    groups_bulk_cap: int = Field(default=50, ge=1)
    """Largest page of group/bulk."""
    groups_picker_cap: int = Field(default=20, ge=1)
    """Most groups that groups/picker shows."""
    pages_tell_their_end: bool = True
    """Pages of offset lists say whether they are the last and how many rows there are, or neither."""
    users_bulk_cap: int = Field(default=200, ge=1)
    """Largest page of user/bulk."""
    user_search_limit_per_s: int = Field(default=0, ge=0)
    """Shared limit of user-search routes; 0 is none."""

    existing_without_access_status: Literal[400, 201] = 400
    """POST /user for an account that has no access to Jira yet."""
    create_user_400_but_made: bool = False
    """POST /user answers 400 although the user was made."""
    licence_full: bool = False
    """No seat left: POST /user and access groups refuse with 400."""

    remove_nonmember_status: Literal[400, 404] = 400
    """DELETE /group/user of a non-member."""
    idp_group_status: Literal[400, 403] = 400
    """Changing an identity-provider group."""
    free_plan: bool = False
    """Role changes give 400, the audit log 403."""
    null_actors: Literal["absent", "refused"] = "absent"
    """Null for a list of actors in a role POST or PUT: taken for absent, or refused with 400."""
    old_project_keys: Literal["resolve", "404"] = "resolve"
    """A key that a project had before."""
    trashed_project_read: Literal[404, 200] = 404
    """Reading a project in the trash, and its roles, as an administrator."""
    trashed_project_issues: Literal["readable", "hidden"] = "readable"
    """Direct reads of the issues of a project in the trash; JQL never finds them."""
    role_duplicate: Literal["refuse", "skip"] = "refuse"
    """Several actors in one role POST, one a duplicate: refuse all, or add the rest."""

    anonymous_directory_status: Literal[401, 403] = 401
    """User and group reads without a good credential on the site."""
    unauthenticated_body: Literal["text", "json"] = "text"
    """Body of the 401 of /myself."""
    scoped_token_on_site: Literal["anonymous", "refused"] = "anonymous"  # noqa: S105 - a setting, no secret
    """Scoped token at the site."""
    classic_token_on_gateway: bool = False
    """The gateway takes unscoped tokens too."""
    bearer_for_people: bool = True
    """The gateway takes Bearer tokens of people too, not of service accounts alone."""
    captcha_after_failures: int = Field(default=0, ge=0)
    """401 AUTHENTICATION_DENIED after so many failed logins of one address; 0 is never."""

    createmeta_without_permission: Literal["empty", "400"] = "empty"
    """Createmeta without Create Issues: an empty list, or 400."""
    summary_limit: int = Field(default=255, ge=1)
    """Longest summary that is accepted."""
    text_limit: int = Field(default=32767, ge=1)
    """Longest description or comment, as compact JSON."""
    unknown_jql_value: Literal["empty", "400"] = "empty"
    """A value in the JQL that does not resolve: no result, or 400."""
    search_page_cap: int = Field(default=100, ge=1)
    """Largest search page when fields are asked for."""
    comment_limit: int = Field(default=5000, ge=1)
    """Comments on one issue before 413."""
    request_type_by_issue: Literal["set", "ignored"] = "set"
    """The field of the request type in POST /issue: sets it, or is taken and dropped in silence."""
    request_form_checked: bool = False
    """POST /issue with a request type refuses also what its form requires and the create screen does not."""
    pending_approval_blocks: bool = True
    """A request offers no transitions while an approval is pending."""
    resolution_on_screen: bool = True
    """Transitions into Done have a screen with the resolution."""
    resolution_kept_on_reopening: bool = False
    """The way back from a done status keeps the resolution, as a global or looping transition may."""
    archived_write_status: Literal[400, 403] = 400
    """Writing to an archived issue, or to an issue of an archived project."""
    reopen_transition: bool = True
    """The workflow has a way back from its done statuses."""

    audit_membership_events: bool = False
    """The Jira audit log has group membership events."""
    audit_lag_ms: int = Field(default=0, ge=0)
    """From a change to its record in the audit log."""
    audit_retention_days: int = Field(default=180, ge=1)
    """How long the audit log keeps records; administrators choose that."""
    audit_lost_every: int = Field(default=0, ge=0)
    """Every so many changes one has no record, in Jira's log and the organization's; 0 loses none."""

    translated_messages: bool = False
    """Error messages are not English unless X-Force-Accept-Language asks for it."""

    burst_bucket: int = Field(default=100, ge=0)
    """Token bucket per method and endpoint; 0 turns it off."""
    issue_writes_per_2s: int = Field(default=20, ge=0)
    """Writes to one issue in 2 s; 0 turns it off."""
    issue_writes_per_30s: int = Field(default=100, ge=0)
    """Writes to one issue in 30 s; 0 turns it off."""
    throttle_next: int = Field(default=0, ge=0)
    """Answer 429 to so many requests from now."""
    throttle_reason: str = "jira-burst-based"
    """RateLimit-Reason of those, or `gateway`: X-Failure-Category and no Retry-After."""
    retry_after_s: int = Field(default=1, ge=0)
    """Retry-After of burst and per-issue 429s."""
    reset_without_seconds: bool = False
    """X-RateLimit-Reset as 2026-01-01T01:01Z."""

    webhooks_on: bool = True
    """Registered webhooks are delivered."""
    webhook_copies: int = Field(default=1, ge=0)
    """Times each webhook is delivered; 0 loses it."""
    webhook_delay_ms: int = Field(default=0, ge=0)
    """A webhook leaves this much after the change."""
    webhook_flow: Literal["Primary", "Secondary"] = "Primary"
    """X-Atlassian-Webhook-Flow of webhooks."""
    webhook_retry_ms: int = Field(default=300_000, ge=0)
    """Pause before a refused webhook is sent again."""
    webhook_any_host: bool = False
    """Deliver to hosts other than loopback too."""

    @classmethod
    def realistic(cls) -> Self:
        """Return the delays and omissions that large sites show."""
        return cls(
            search_lag_ms=2000,
            search_flaps=True,
            directory_lag_ms=500,
            new_user_lag_ms=1000,
            short_pages=True,
            self_links="site",
        )
