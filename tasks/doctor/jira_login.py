"""Logging in to Jira: at the site or at the gateway, and which of the two a token really belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from access.failures import Failure
from connectors.jira.client import API
from httpclient import Response
from tasks.doctor.findings import Check, Finding
from tasks.doctor.probe import Probe, is_refused, text
from tasks.doctor.reachability import busy

_MYSELF = f"{API}/myself"
#: The gateway's words about a good token that lacks a scope [observed].
_SCOPE_MISSING = "scope does not match"
#: Too many failed logins: a person must solve a captcha [docs].
_DENIED = "AUTHENTICATION_DENIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraEndpoint:
    """Where a site's API is, and the credential for it. ``section`` of the settings says both.

    ``probe_at`` asks an address with the credential. ``find_cloud_id`` asks the site without it, and raises the failure words.
    """

    section: str
    site_url: str
    via: Literal["site", "gateway"]
    gateway_url: str
    cloud_id: str | None
    bearer: bool
    probe_at: Callable[[str], Probe]
    find_cloud_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Login:
    """A login that the API answered: ``probe`` asks on, ``response`` describes Provisor's account."""

    probe: Probe
    response: Response


def scope_missing(response: Response) -> bool:
    """Whether the token is good and only lacks a scope."""
    return response.status == HTTPStatus.UNAUTHORIZED and _SCOPE_MISSING in response.said.casefold()


def lacks_scope(area: str, scope: str, purpose: str) -> Finding:
    """The finding for a token without a scope."""
    return Check(area, "scopes").problem(
        f"The token lacks the scope {scope}, which {purpose} needs.",
        "Make a new token with it; a token's scopes cannot be changed.",
    )


class LoginExaminer:
    """Logs in at an endpoint. ``login`` is None until the API knows the credential."""

    def __init__(self, area: str, endpoint: JiraEndpoint) -> None:
        self._area = area
        self._endpoint = endpoint
        self._address, self._credential = Check(area, "address"), Check(area, "credential")
        self._asked = endpoint.probe_at(endpoint.site_url)
        self.login: Login | None = None

    def examine(self) -> Iterator[Finding]:
        """Ask whose credential it is. Raises the failure words when nothing answers."""
        endpoint, address = self._endpoint, self._endpoint.site_url
        if endpoint.via == "gateway":
            found = self._look_up()
            if found is None and endpoint.cloud_id is None:
                yield self._address.problem(
                    f"What answers at {address} does not say its cloud id, so it is no Jira Cloud site.",
                    f"Correct {endpoint.section}.site_url; write it as https://<site>.atlassian.net.",
                )
                return
            if found is not None and endpoint.cloud_id is not None and found.lower() != endpoint.cloud_id.lower():
                yield self._address.problem(
                    f"The cloud id is that of another site than {address}.",
                    f"Take {endpoint.section}.cloud_id out to have it looked up, or correct {endpoint.section}.site_url.",
                )
            address = self._at_gateway(endpoint.cloud_id or found)
        self._asked = endpoint.probe_at(address)
        response = self._asked.ask("GET", _MYSELF)
        problem = self._problem(address, response)
        if problem is None or scope_missing(response):
            self.login = Login(self._asked, response)
        yield problem or self._credential.ok(self._whose(response))

    def unreachable(self, failure: Failure) -> Finding:
        """The finding when whatever was asked last gave no response: the API, or before that the site."""
        return self._asked.unreachable(self._address, failure)

    def _problem(self, address: str, response: Response) -> Finding | None:
        if scope_missing(response):
            return lacks_scope(self._area, "read:jira-user", "knowing its own account")
        if _DENIED in response.headers.get("x-seraph-loginreason", ""):
            return self._credential.problem(
                "Jira wants a captcha from Provisor's account after too many failed logins.",
                "Log in with that account in a browser once, and correct the token.",
            )
        if is_refused(response):
            return self._refused()
        if finding := busy(self._address, "Jira", response, status_page="status.atlassian.com"):
            return finding
        section = self._endpoint.section
        if self._endpoint.via == "gateway" and response.status == HTTPStatus.NOT_FOUND:
            return self._address.problem(
                "The gateway knows no Jira site by this cloud id.",
                f"Correct {section}.cloud_id, or leave it out to have it looked up.",
            )
        if response.status != HTTPStatus.OK or not text(response.body, "accountId"):
            return self._address.problem(
                f"What answers at {address} is not Jira ({response.status}).",
                f"Correct {section}.site_url; write it as https://<site>.atlassian.net.",
            )
        if text(response.body, "accountType") == "customer":
            return Check(self._area, "account").problem(
                "The token belongs to a portal customer, who can see nothing of Jira itself.",
                f"Use a token of a person's or a service account in {section}.",
            )
        return None

    def _whose(self, response: Response) -> str:
        kind = "service account" if text(response.body, "accountType") == "app" else "account"
        account = text(response.body, "displayName") or text(response.body, "accountId")
        return (
            f"Jira knows the {'Bearer' if self._endpoint.bearer else 'API'} token: it is that of the {kind} {account}."
        )

    def _refused(self) -> Finding:
        section, elsewhere = self._endpoint.section, self._works_elsewhere()
        if elsewhere and self._endpoint.via == "site":
            return self._credential.problem(
                "The token has scopes, and such tokens work at the gateway only.", f"Set {section}.via to gateway."
            )
        if elsewhere:
            return self._credential.problem(
                "The token has no scopes, and such tokens work at the site only.",
                f"Set {section}.via to site, or make a token with scopes.",
            )
        again = "the old one may have been revoked or have expired, and a new one needs a minute"
        if self._endpoint.bearer:
            return self._credential.problem(
                "The gateway does not know the bearer token.",
                f"Make a new one for the service account and set {section}.bearer_token: {again}.",
            )
        return self._credential.problem(
            "Jira does not know this email with this API token.",
            f"Correct {section}.email, or make a new token and set {section}.api_token: {again}.",
        )

    def _works_elsewhere(self) -> bool:
        """Whether the token works where the settings do not send it: at the gateway, or at the site."""
        endpoint = self._endpoint
        try:
            if endpoint.via == "gateway":
                other = None if endpoint.bearer else endpoint.site_url
            else:
                found = self._look_up()
                other = None if found is None else self._at_gateway(found)
            if other is None:
                return False
            response = endpoint.probe_at(other).ask("GET", _MYSELF)
        except Failure:
            return False
        return response.status == HTTPStatus.OK or scope_missing(response)

    def _look_up(self) -> str | None:
        """The site's own cloud id. Raises the failure words when the site gave no response and the settings have no id."""
        try:
            return self._endpoint.find_cloud_id()
        except Failure as failure:
            if failure.status is None and self._endpoint.cloud_id is None:
                raise
            return None

    def _at_gateway(self, cloud_id: str | None) -> str:
        return f"{self._endpoint.gateway_url}/ex/jira/{cloud_id}"
