from typing import Literal

from pydantic import Field

from simulator.switches import SwitchBoard


class Switches(SwitchBoard):
    """Every assumed fact and quirk of JumpCloud; the defaults are those of the contract."""

    # Lists
    limit_over_maximum: Literal["clamp", "reject"] = "clamp"
    """A limit above 100 is taken as 100, or refused with 400."""
    unsorted_order: Literal["stable", "rotating"] = "stable"
    """Whether a v1 list without `sort` comes in another order on every call."""
    drift: Literal["off", "remove", "insert"] = "off"
    """Between two pages of a list somebody else removes a row before the offset, or inserts one."""
    drift_times: int = Field(default=1, ge=0)
    """How many times drift happens, counted from when this is set."""
    total_count_header: bool = True
    """Whether v2 lists carry x-total-count."""
    link_header: bool = False
    """Whether v2 lists carry Link with rel="next"."""
    object_id_filter: Literal["narrows", "ignored"] = "narrows"
    """Whether graph lists heed a filter on `object_id`."""
    filter_without_dollar: Literal["ignore", "nothing", "reject"] = "ignore"
    """What a v1 filter does whose operator lacks its `$`."""

    # Shapes
    missing_state: bool = False
    """Users come without `state`, as old records do."""
    missing_membership_method: bool = False
    """Groups come without `membershipMethod`, as in recordings of 2021."""
    users_have_organization: bool = False
    """Whether users carry `organization`."""
    extra_fields: bool = False
    """Objects carry fields that nobody has documented."""
    error_bodies: Literal["message", "full", "html", "empty"] = "message"
    """Bodies of errors: the message alone, the published schema, a gateway's HTML, or nothing."""

    names_stored: Literal["lower", "as_sent"] = "lower"
    """How addresses and user names are kept; filters tell capitals apart."""

    # Answers
    unknown_id_status: Literal[404, 400] = 404
    """Reading a well-formed id that does not exist."""
    malformed_id_status: Literal[400, 404] = 400
    """An id that is not 24 hex digits."""
    unknown_user_on_add_status: Literal[404, 400] = 404
    """Adding a user who does not exist to a group."""
    inactive_user_on_add_status: Literal[204, 400] = 204
    """Adding a staged or suspended user to a group."""
    duplicate_group_status: Literal[409, 400] = 409
    """Creating a group under a name that is taken."""
    delete_group_status: Literal[200, 204] = 200
    """Deleting a group: 200 with the group, or 204."""
    read_only_status: Literal[403, 401] = 403
    """A write by a role that may only read, and a read that the role may not do."""

    # Dynamic groups
    dynamic_change: Literal["reject", "revert"] = "reject"
    """Changing members of an automated group by hand: refused, or taken back at the next rule evaluation."""
    dynamic_reject_status: int = Field(default=400, ge=400, le=499)
    """The status of that refusal."""
    dynamic_revert_ms: int | None = Field(default=None, ge=0)
    """With "revert": take it back after so long, without waiting for a rule evaluation."""

    reviewed_change: Literal["allowed", "reject"] = "allowed"
    """Changing members of a group that is reviewed by hand."""
    mastered_change: Literal["reject", "revert"] = "reject"
    """Changing members of a group that another directory masters: refused, or taken back at the next sync."""
    mastered_reject_status: int = Field(default=400, ge=400, le=499)
    """The status of that refusal."""
    mastered_shown: bool = True
    """Whether an Active Directory that masters groups shows that it is the authority."""

    # Time
    consistency_lag_ms: int = Field(default=0, ge=0)
    """Reads show the old state for so long after a write."""
    filter_lag_ms: int = Field(default=0, ge=0)
    """Lists with a filter or a search, and no other read, show the old state for so long after a write."""
    deleted_user_lingers_ms: int = Field(default=0, ge=0)
    """A deleted user's id stays in groups for so long."""
    event_lag_ms: int = Field(default=0, ge=0)
    """Directory Insights shows an event so much later."""

    # Search
    search_returns_memberof: bool = False
    """Whether POST /search/systemusers gives the groups of each user."""
    memberof_needs_fields: bool = False
    """Whether that needs `memberof` among the fields."""
    memberof_lag_ms: int = Field(default=0, ge=0)
    """How stale the groups given by search are."""

    # Insights
    deletion_emits_association_change: bool = False
    """Whether deleting a user or group emits one event for each membership lost."""
    dynamic_emits_association_change: bool = False
    """Whether membership changes made by rules emit events."""
    association_type_case: Literal["upper", "lower"] = "upper"
    """Case of the types in association.connection."""
    application_binding_from: Literal["application", "user_group"] = "application"
    """Which end is `from` when a binding is made from the application's side."""
    search_term_case: Literal["sensitive", "insensitive"] = "sensitive"
    """Whether search terms with capitals find anything; stored values are lower-case."""
    retention_days: int = Field(default=90, ge=1)
    """How long events are kept; the lowest plans have 15."""
    events_lost_every: int = Field(default=0, ge=0)
    """Every so many events one never gets into the log; 0 loses none."""
    access_request_events: Literal["own", "both"] = "own"
    """A membership given by an access request has an event of Access Management alone, or one of the directory too."""

    # Reports
    report_delay_ms: int = Field(default=0, ge=0)
    """From the order to the finished report."""
    report_outcome: Literal["completed", "failed", "stuck"] = "completed"
    """How reports end."""
    report_columns: Literal["documented", "aliases", "without_ids"] = "documented"
    """Headers of users-to-user-groups: all documented ones, other spellings of the ids, or no ids at all."""
    report_order_status: int = Field(default=202, ge=200, le=499)
    """The answer to ordering a report; 402 or 403 where the plan has none."""

    # Access
    single_org_header: Literal["ignored", "forbidden"] = "ignored"
    """x-org-id with a key that has but one organization."""
    unchosen_organization: Literal["refused", "first"] = "refused"
    """A key with several organizations and no x-org-id: 401, or the first organization answers."""
    source_blocked: bool = False
    """The caller's address is blocked for suspected abuse: 403 for everything."""
    token_seconds: int = Field(default=3_600, ge=1)
    """Life of a service account's token."""
    token_tells_life: bool = True
    """Whether the token answer has `expires_in`."""

    # Load
    rate_per_second: float = Field(default=0, ge=0)
    """Requests a second for each key before 429; 0 is no limit."""
    rate_burst: int = Field(default=10, ge=1)
    """Requests that may come at once."""
    retry_after: Literal["none", "seconds", "date"] = "none"
    """Whether a 429 says when to come back."""
    unavailable_every: int = Field(default=0, ge=0)
    """Every so many requests a burst of 503 begins; 0 is never."""
    unavailable_burst: int = Field(default=1, ge=1)
    """How many 503 come in a row then."""
