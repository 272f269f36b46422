"""The systems that Provisor provisions: where they are, and the credential for each."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.field_types import Words, matching
from config.section import Section
from config.urls import Token, WebUrl

_ClientId = Annotated[str, matching(r"\S{1,200}", "is not a client id; copy it from the service account")]
_JumpCloudOrganization = Annotated[
    str, matching(r"[0-9a-fA-F]{24}", "is not an organization's id; copy its 24 characters from the console")
]
_CloudId = Annotated[
    str,
    matching(
        r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
        "is not a cloud id; copy it from https://<site>.atlassian.net/_edge/tenant_info, or leave it out",
    ),
]
_Email = Annotated[
    str,
    matching(r"[^@\s:]+@[^@\s:]+", "is not an email address; write the account's, such as provisor@acme.example"),
]
_AtlassianOrganization = Annotated[
    str, matching(r"[A-Za-z0-9-]{1,64}", "is not an organization's id; copy it from admin.atlassian.com")
]
_Rate = Annotated[float, Field(gt=0, le=100_000, allow_inf_nan=False)]
#: Half of the calls a second that Jira documents for one endpoint [docs: 100 for reading and creating].
_HALF_OF_JIRAS = 50.0

_Burst = Annotated[int, Field(ge=1, le=100_000)]
_Concurrency = Annotated[int, Field(ge=1, le=64)]


class JumpCloudSettings(Section):
    """A JumpCloud organization. In use as soon as a credential is set."""

    #: Where the organization lives: us, eu or in.
    region: Literal["us", "eu", "in"] = "us"
    #: Instead of the region's own URL, for a proxy or the simulator.
    api_url: WebUrl | None = None
    #: The same for Directory Insights.
    insights_url: WebUrl | None = None
    #: Where a service account gets its token; the same for every region [observed].
    token_url: WebUrl = "https://admin-oauth.id.jumpcloud.com/oauth2/token"  # noqa: S105 - a URL
    #: An administrator's key; or else a service account's id and secret.
    api_key: Token | None = None
    #: A service account's id, with client_secret.
    client_id: _ClientId | None = None
    #: A service account's secret, with client_id.
    client_secret: Token | None = None
    #: The day on which the credential ends, such as 2027-06-30: an alarm comes three weeks before. JumpCloud may tell it itself.
    credential_ends: date | None = None
    #: Groups that only a person may change. Names or ids.
    protected_groups: Words = ()
    #: Calls a second, over all workers and everything Provisor does here.
    rate: _Rate = 10.0
    #: Calls that may be made at once after a quiet time.
    burst: _Burst = 20
    #: Calls in flight at once, of one process taking a snapshot.
    concurrency: _Concurrency = 4
    #: Needed by multi-tenant administrators, and best set for service accounts.
    org_id: _JumpCloudOrganization | None = None

    @model_validator(mode="after")
    def _has_one_credential(self) -> Self:
        if (self.client_id is None) != (self.client_secret is None):
            raise ValueError("has only one of client_id and client_secret; set both, or use api_key")
        if self.api_key is not None and self.client_id is not None:
            raise ValueError("has both api_key and client_id; keep one of the two credentials")
        return self

    @property
    def enabled(self) -> bool:
        """Whether there is a credential to use it with."""
        return self.credential_kind is not None

    @property
    def credential_kind(self) -> str | None:
        """The kind of credential that is set, for people; None when none is."""
        if self.api_key is not None:
            return "api key"
        return None if self.client_id is None else "service account"

    @property
    def most_rate(self) -> float:
        """How far the rate may rise: not at all, since JumpCloud documents no limit, and blocks addresses."""
        return self.rate

    @property
    def url(self) -> str:
        """Where people and the API find the organization."""
        return self.api_base

    @property
    def api_base(self) -> str:
        """URL of the admin API, without a slash at the end; ``/api`` and ``/api/v2`` come after it."""
        return self.api_url or f"https://console{self._infix}.jumpcloud.com"

    @property
    def insights_base(self) -> str:
        """URL of Directory Insights, without a slash at the end; ``/insights/directory/v1`` comes after it."""
        return self.insights_url or f"https://api{self._infix}.jumpcloud.com"

    @property
    def _infix(self) -> str:
        return "" if self.region == "us" else f".{self.region}"


class JiraSite(Section):
    """A Jira Cloud site, and the account that Provisor has there."""

    #: The site people see, such as https://acme.atlassian.net; links in tickets are made from it.
    site_url: WebUrl | None = None
    #: ``site`` for a token without scopes; ``gateway`` for scoped tokens and service accounts.
    via: Literal["site", "gateway"] = "site"
    #: The gateway knows the site by this; looked up from the site when left out.
    cloud_id: _CloudId | None = None
    #: The gateway's URL, for a proxy or the simulator.
    gateway_url: WebUrl = "https://api.atlassian.com"
    #: With ``api_token``: the account's email.
    email: _Email | None = None
    #: The API token of the account with that email.
    api_token: Token | None = None
    #: Instead of email and api_token: a service account's token.
    bearer_token: Token | None = None
    #: The day on which the token ends, such as 2027-06-30: Jira does not tell it. An alarm comes three weeks before.
    credential_ends: date | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.email is None) != (self.api_token is None):
            raise ValueError("has only one of email and api_token; set both, or use bearer_token")
        if self.api_token is not None and self.bearer_token is not None:
            raise ValueError("has both api_token and bearer_token; keep one of the two credentials")
        if self.enabled and self.site_url is None:
            raise ValueError("has a credential and no site_url; set site_url, such as https://acme.atlassian.net")
        if self.bearer_token is not None and self.via == "site":
            raise ValueError("has a bearer_token, which the site itself refuses; set via to gateway")
        if self.cloud_id is not None and self.via == "site":
            raise ValueError("has a cloud_id, which only the gateway needs; set via to gateway, or leave cloud_id out")
        return self

    @property
    def enabled(self) -> bool:
        """Whether there is a credential to use it with."""
        return self.credential_kind is not None

    @property
    def credential_kind(self) -> str | None:
        """The kind of credential that is set, for people; None when none is."""
        if self.bearer_token is not None:
            return f"bearer token at the {self.via}"
        return None if self.api_token is None else f"api token at the {self.via}"

    @property
    def url(self) -> str | None:
        """Where people find the site."""
        return self.site_url

    def api_base(self, *, cloud_id: str | None = None) -> str:
        """URL that ``/rest/api/3`` comes after; ``cloud_id`` was looked up. Raises ``ValueError`` without site or cloud id."""
        if self.via == "site":
            if self.site_url is None:
                raise ValueError("jira.site_url is not set; set it, such as https://acme.atlassian.net.")
            return self.site_url
        known = self.cloud_id or cloud_id
        if known is None:
            raise ValueError("jira.cloud_id is not known; look it up at the site, or set it.")
        return f"{self.gateway_url}/ex/jira/{known}"


class JiraSettings(JiraSite):
    """The Jira site that is provisioned. In use as soon as a credential is set."""

    #: Groups that only a person may change, besides Jira's own system groups. Names or ids.
    protected_groups: Words = ()
    #: Calls a second, over all workers and everything Provisor does here. Without a rate of yours it begins so, and rises while
    #: Jira shows room, to half of what Jira documents for an endpoint.
    rate: _Rate = 25.0
    #: Calls that may be made at once after a quiet time.
    burst: _Burst = 50
    #: Calls in flight at once, of one process taking a snapshot.
    concurrency: _Concurrency = 5

    @property
    def most_rate(self) -> float:
        """How far the rate may rise: no further than one that is written down."""
        return self.rate if "rate" in self.model_fields_set else max(self.rate, _HALF_OF_JIRAS)


#: The section of a system: whether it has a credential, where the system is, and how many calls it takes.
SystemSettings = JumpCloudSettings | JiraSettings


class AtlassianSettings(Section):
    """The Atlassian organization above the site. Optional: it adds what a site's own API cannot do."""

    #: The organization's id, as in the URL of its administration.
    org_id: _AtlassianOrganization | None = None
    #: The organization's API key.
    api_key: Token | None = None
    #: The day on which the key ends, such as 2027-06-30: an alarm comes three weeks before.
    credential_ends: date | None = None
    #: The organization API's URL, for a proxy or the simulator.
    api_url: WebUrl = "https://api.atlassian.com"
    #: Whether accounts are deprovisioned by suspending them in the organization; else a ticket asks a person.
    suspend_accounts: bool = False

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.org_id is None) != (self.api_key is None):
            raise ValueError("has only one of org_id and api_key; set both, or neither")
        if self.suspend_accounts and self.api_key is None:
            raise ValueError("has suspend_accounts and no key; set org_id and api_key")
        return self

    @property
    def enabled(self) -> bool:
        """Whether there is a credential to use it with."""
        return self.api_key is not None
