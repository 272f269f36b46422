"""Logging in to Jira: at the site or at the gateway, and which of the two a token really belongs to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal

from access.failures import Failure
from connectors.jira.client import API
from httpclient import Response
from tasks.doctor.findings import Area, Finding
from tasks.doctor.probing import Probe, is_busy, word

_MYSELF = f"{API}/myself"
#: What the gateway says about a good token that may not [observed].
_SCOPE_MISSING = "scope does not match"
#: Too many failed logins: a person must solve a captcha [docs].
_DENIED = "AUTHENTICATION_DENIED"


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraDoor:
    """How a site is entered. ``section`` is where that is set; ``anonymous_at`` asks an address without a credential."""

    section: str
    site_url: str
    via: Literal["site", "gateway"]
    gateway_url: str
    cloud_id: str | None
    bearer: bool
    anonymous_at: Callable[[str], Probe]


@dataclass(frozen=True, slots=True)
class Login:
    """How it went: ``address`` is where the API is, None when it is of no use to go on."""

    findings: list[Finding] = field(default_factory=list)
    address: str | None = None
    answer: Response = field(default_factory=lambda: Response(0))


def scope_missing(answer: Response) -> bool:
    """Whether the token is good and only lacks a scope."""
    return answer.status == HTTPStatus.UNAUTHORIZED and _SCOPE_MISSING in answer.said.casefold()


def log_in(area: Area, door: JiraDoor, probe_at: Callable[[str], Probe]) -> Login:
    """Ask who we are. Raises the failure words when nothing answers."""
    if door.via == "site":
        answer = probe_at(door.site_url).ask("GET", _MYSELF)
        return _judged(area, door, door.site_url, answer, lambda: _works_at_gateway(door, probe_at))
    known, problem = _cloud_id(area, door)
    if known is None:
        return Login([problem] if problem else [])
    address = f"{door.gateway_url}/ex/jira/{known}"
    answer = probe_at(address).ask("GET", _MYSELF)
    login = _judged(area, door, address, answer, lambda: _works_at_site(door, probe_at))
    return Login([*([problem] if problem else []), *login.findings], login.address, login.answer)


def _judged(area: Area, door: JiraDoor, address: str, answer: Response, elsewhere: Callable[[], bool]) -> Login:
    if scope_missing(answer):
        finding = area.problem(
            "scopes",
            "The token lacks the scope read:jira-user, which knowing its own account needs.",
            "Make a new token with it; a token's scopes cannot be changed.",
        )
        return Login([finding], address, answer)
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} or _DENIED in _reason(answer):
        return Login([_refused(area, door, answer, elsewhere)])
    if is_busy(answer):
        message = f"Jira answers {answer.status} at the moment."
        return Login([area.problem("address", message, "Try again later; see status.atlassian.com.")])
    if answer.status != HTTPStatus.OK or not word(answer.body, "accountId"):
        return Login([_not_jira(area, door, address, answer)])
    kind = word(answer.body, "accountType")
    if kind == "customer":
        finding = area.problem(
            "account",
            "The token belongs to a portal customer, who can see nothing of Jira itself.",
            f"Use a token of a person's or a service account in {door.section}.",
        )
        return Login([finding])
    return Login([area.ok("credential", _whose(door, answer, kind))], address, answer)


def _whose(door: JiraDoor, answer: Response, kind: str) -> str:
    service = kind == "app"
    account = f"{word(answer.body, 'displayName') or word(answer.body, 'accountId')}"
    token = "Bearer token" if door.bearer else "API token"
    return f"Jira knows the {token}: it is that of the {'service account' if service else 'account'} {account}."


def _refused(area: Area, door: JiraDoor, answer: Response, elsewhere: Callable[[], bool]) -> Finding:
    if _DENIED in _reason(answer):
        return area.problem(
            "credential",
            "Jira wants a captcha from Provisor's account after too many failed logins.",
            "Log in with that account in a browser once, and correct the token.",
        )
    try:
        other_door = elsewhere()
    except Failure:
        other_door = False
    if other_door and door.via == "site":
        return area.problem(
            "credential",
            "The token has scopes, and such tokens work at the gateway only.",
            f"Set {door.section}.via to gateway.",
        )
    if other_door:
        return area.problem(
            "credential",
            "The token has no scopes, and such tokens work at the site only.",
            f"Set {door.section}.via to site, or make a token with scopes.",
        )
    again = "the old one may have been revoked or have expired, and a new one needs a minute"
    if door.bearer:
        return area.problem(
            "credential",
            "The gateway does not know the bearer token.",
            f"Make a new one for the service account and set {door.section}.bearer_token: {again}.",
        )
    return area.problem(
        "credential",
        "Jira does not know this email with this API token.",
        f"Correct {door.section}.email, or make a new token and set {door.section}.api_token: {again}.",
    )


def _not_jira(area: Area, door: JiraDoor, address: str, answer: Response) -> Finding:
    if door.via == "gateway" and answer.status == HTTPStatus.NOT_FOUND:
        return area.problem(
            "address",
            "The gateway knows no Jira site by this cloud id.",
            f"Correct {door.section}.cloud_id, or leave it out to have it looked up.",
        )
    return area.problem(
        "address",
        f"What answers at {address} is not Jira ({answer.status}).",
        f"Correct {door.section}.site_url; write it as https://<site>.atlassian.net.",
    )


def _cloud_id(area: Area, door: JiraDoor) -> tuple[str | None, Finding | None]:
    """The site's id at the gateway, and what is wrong with it."""
    found = _look_up(door)
    if found is None and door.cloud_id is None:
        return None, area.problem(
            "address",
            f"What answers at {door.site_url} does not say its cloud id, so it is no Jira Cloud site.",
            f"Correct {door.section}.site_url; write it as https://<site>.atlassian.net.",
        )
    if found is not None and door.cloud_id is not None and found.lower() != door.cloud_id.lower():
        return door.cloud_id, area.problem(
            "address",
            f"The cloud id is that of another site than {door.site_url}.",
            f"Take {door.section}.cloud_id out to have it looked up, or correct {door.section}.site_url.",
        )
    return door.cloud_id or found, None


def _look_up(door: JiraDoor) -> str | None:
    try:
        answer = door.anonymous_at(door.site_url).ask("GET", "/_edge/tenant_info")
    except Failure:
        if door.cloud_id is None:
            raise
        return None
    return word(answer.body, "cloudId") or None


def _works_at_gateway(door: JiraDoor, probe_at: Callable[[str], Probe]) -> bool:
    found = _look_up(door)
    if found is None:
        return False
    answer = probe_at(f"{door.gateway_url}/ex/jira/{found}").ask("GET", _MYSELF)
    return answer.status == HTTPStatus.OK or scope_missing(answer)


def _works_at_site(door: JiraDoor, probe_at: Callable[[str], Probe]) -> bool:
    if door.bearer:
        return False
    return probe_at(door.site_url).ask("GET", _MYSELF).status == HTTPStatus.OK


def _reason(answer: Response) -> str:
    return answer.headers.get("x-seraph-loginreason", "")
