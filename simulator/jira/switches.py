from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field


class Switches(BaseModel):
    """Every unsettled point and every quirk of Jira Cloud that can be set while the simulator runs.

    The defaults are those of the contract; lags are 0, `Switches.realistic()` has the values seen in the wild.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    self_links: Literal["served", "site"] = Field(
        default="served",
        description="`self` links name the address the request came to, or https://<site>.atlassian.net as the real one does",
    )
    search_lag_ms: int = Field(default=0, ge=0, description="JQL search sees a write this much later")
    search_flaps: bool = Field(
        default=False, description="during the lag every other search already sees the write (replicas disagree)"
    )
    directory_lag_ms: int = Field(default=0, ge=0, description="group reads see a membership change this much later")
    new_user_lag_ms: int = Field(default=0, ge=0, description="reads find a created user this much later")
    removal_lag_ms: int = Field(default=0, ge=0, description="a removed user stays readable as active this much longer")

    short_pages: bool = Field(
        default=False, description="users/search filters after paging: pages in the middle are short (JRACLOUD-74454)"
    )
    hidden_emails: bool = Field(default=False, description="every profile hides its address (else per user)")
    search_hidden_email: Literal["hit", "none"] = Field(
        default="hit", description="user/search by a hidden address: a hit without address, or nothing"
    )
    removed_user_readable: bool = Field(
        default=True, description="GET /user of somebody removed from the site: 200 inactive, or 404"
    )
    groups_bulk_cap: int = Field(default=50, ge=1, description="largest page of group/bulk")
    users_bulk_cap: int = Field(default=200, ge=1, description="largest page of user/bulk")
    user_search_limit_per_s: int = Field(default=0, ge=0, description="shared limit of user-search routes; 0 is none")

    existing_without_access_status: Literal[400, 201] = Field(
        default=400, description="POST /user for an account that has no access to Jira yet"
    )
    create_user_400_but_made: bool = Field(
        default=False, description="POST /user answers 400 although the user was made"
    )
    licence_full: bool = Field(default=False, description="no seat left: POST /user and access groups refuse with 400")

    remove_nonmember_status: Literal[400, 404] = Field(default=400, description="DELETE /group/user of a non-member")
    idp_group_status: Literal[400, 403] = Field(default=400, description="changing an identity-provider group")
    free_plan: bool = Field(default=False, description="role changes give 400, the audit log 403")
    role_duplicate: Literal["refuse", "skip"] = Field(
        default="refuse", description="several actors in one role POST, one a duplicate: refuse all, or add the rest"
    )

    anonymous_directory_status: Literal[401, 403] = Field(
        default=401, description="user and group reads without a good credential on the site"
    )
    unauthenticated_body: Literal["text", "json"] = Field(default="text", description="body of the 401 of /myself")
    scoped_token_on_site: Literal["anonymous", "refused"] = Field(
        default="anonymous", description="scoped token at the site"
    )
    classic_token_on_gateway: bool = Field(default=False, description="the gateway takes unscoped tokens too")
    bearer_for_people: bool = Field(
        default=True, description="the gateway takes Bearer tokens of people too, not of service accounts alone"
    )
    captcha_after_failures: int = Field(
        default=0, ge=0, description="401 AUTHENTICATION_DENIED after so many failed logins of one address; 0 is never"
    )

    createmeta_without_permission: Literal["empty", "400"] = Field(
        default="empty", description="createmeta without Create Issues: an empty list, or 400"
    )
    summary_limit: int = Field(default=255, ge=1, description="longest summary that is accepted")
    text_limit: int = Field(default=32767, ge=1, description="longest description or comment, as compact JSON")
    unknown_jql_value: Literal["empty", "400"] = Field(
        default="empty", description="a value in the JQL that does not resolve: no result, or 400"
    )
    search_page_cap: int = Field(default=100, ge=1, description="largest search page when fields are asked for")
    comment_limit: int = Field(default=5000, ge=1, description="comments on one issue before 413")
    resolution_on_screen: bool = Field(
        default=True, description="transitions into Done have a screen with the resolution"
    )
    reopen_transition: bool = Field(default=True, description="the workflow has a way back from its done statuses")

    audit_membership_events: bool = Field(default=False, description="the Jira audit log has group membership events")

    translated_messages: bool = Field(
        default=False, description="error messages are not English unless X-Force-Accept-Language asks for it"
    )

    burst_bucket: int = Field(default=100, ge=0, description="token bucket per method and endpoint; 0 turns it off")
    issue_writes_per_2s: int = Field(default=20, ge=0, description="writes to one issue in 2 s; 0 turns it off")
    issue_writes_per_30s: int = Field(default=100, ge=0, description="writes to one issue in 30 s; 0 turns it off")
    throttle_next: int = Field(default=0, ge=0, description="answer 429 to so many requests from now")
    throttle_reason: str = Field(
        default="jira-burst-based",
        description="RateLimit-Reason of those, or `gateway`: X-Failure-Category and no Retry-After",
    )
    retry_after_s: int = Field(default=1, ge=0, description="Retry-After of burst and per-issue 429s")
    reset_without_seconds: bool = Field(default=False, description="X-RateLimit-Reset as 2026-01-01T01:01Z")

    webhooks_on: bool = Field(default=True, description="registered webhooks are delivered")
    webhook_copies: int = Field(default=1, ge=0, description="times each webhook is delivered; 0 loses it")
    webhook_delay_ms: int = Field(default=0, ge=0, description="a webhook leaves this much after the change")
    webhook_retry_ms: int = Field(default=300_000, ge=0, description="pause before a refused webhook is sent again")
    webhook_any_host: bool = Field(default=False, description="deliver to hosts other than loopback too")

    @classmethod
    def realistic(cls) -> Self:
        """Give the delays and omissions that large sites show."""
        return cls(
            search_lag_ms=2000,
            search_flaps=True,
            directory_lag_ms=500,
            new_user_lag_ms=1000,
            short_pages=True,
            self_links="site",
        )
