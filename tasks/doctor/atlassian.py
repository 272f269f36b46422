"""Proves the organization's key: whether it is known, for which organization, and which scopes it has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from access.failures import Failure
from tasks.doctor.findings import Area, Finding
from tasks.doctor.probing import Probe, is_busy, members, word
from tasks.doctor.reaching import unreachable

_AREA = Area("atlassian")
_ORG = "/admin/v1/orgs/{org}"
_DIRECTORY = "/admin/v2/orgs/{org}/directories/-"

#: Route, body, scope that a key with scopes needs, and what it is for [spec lists the scopes; the pairing is assumed].
_READS = (
    (f"{_DIRECTORY}/users/search", "read:user:admin", "hidden addresses, last activity and memberships"),
    (f"{_DIRECTORY}/groups/search", "read:group:admin", "the groups of an identity provider"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlassianSetup:
    """What is to be proven."""

    api: Probe
    org_id: str
    site_url: str
    use_events: bool
    timeout: timedelta


def examine(setup: AtlassianSetup) -> Iterator[Finding]:
    """All that can be said of an organization's key."""
    path = {"org": setup.org_id}
    try:
        answer = setup.api.ask("GET", _ORG, path=path)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            yield _AREA.problem(
                "credential",
                "Atlassian does not know the organization's API key.",
                "Make a new one in admin.atlassian.com and set atlassian.api_key: keys end after a year at the latest.",
            )
            return
        if answer.status == HTTPStatus.NOT_FOUND:
            yield _AREA.problem(
                "organization",
                f"The key sees no organization {setup.org_id}.",
                "Correct atlassian.org_id; it is in the address of admin.atlassian.com.",
            )
            return
        if is_busy(answer):
            yield _AREA.problem(
                "address",
                f"Atlassian answers {answer.status} at the moment.",
                "Try again later; see status.atlassian.com.",
            )
            return
        yield _organization(setup, answer.status, answer.body)
        yield from _site(setup)
        yield from _scopes(setup)
    except Failure as failure:
        yield unreachable(
            _AREA, "address", setup.api.address, failure, setting="atlassian.api_url", timeout=setup.timeout
        )


def _organization(setup: AtlassianSetup, status: int, body: Any) -> Finding:
    if status == HTTPStatus.FORBIDDEN:
        return _AREA.ok(
            "credential", "Atlassian knows the organization's key, which may not read the organization's name."
        )
    data = body.get("data") if isinstance(body, dict) else None
    if status != HTTPStatus.OK or not isinstance(data, dict):
        return _AREA.problem(
            "address",
            f"What answers at {setup.api.address} is not Atlassian's organization API ({status}).",
            "Correct atlassian.api_url.",
        )
    return _AREA.ok("credential", f"The key is that of {word(data.get('attributes'), 'name') or setup.org_id}.")


def _site(setup: AtlassianSetup) -> Iterator[Finding]:
    answer = setup.api.ask("POST", "/admin/v2/orgs/{org}/workspaces", path={"org": setup.org_id}, body={"limit": 100})
    if answer.status == HTTPStatus.FORBIDDEN:
        yield _scope_missing("read:org:admin", "the organization's products")
        return
    hosts = {_host(word(each.get("attributes"), "hostUrl")) for each in members(answer, "data")}
    if answer.status == HTTPStatus.OK and _host(setup.site_url) not in hosts:
        yield _AREA.problem(
            "site",
            f"The organization has no product at {setup.site_url}.",
            "Correct jira.site_url, or use the key of the organization that the site belongs to.",
        )
    elif answer.status == HTTPStatus.OK:
        yield _AREA.ok("site", "The site belongs to the organization.")


def _scopes(setup: AtlassianSetup) -> Iterator[Finding]:
    missing = False
    for route, scope, purpose in _READS:
        answer = setup.api.ask("POST", route, path={"org": setup.org_id}, body={"limit": 1})
        if answer.status == HTTPStatus.FORBIDDEN:
            missing = True
            yield _scope_missing(scope, purpose)
    if setup.use_events:
        answer = setup.api.ask("GET", f"{_ORG}/events-stream", path={"org": setup.org_id}, params={"limit": 1})
        if answer.status == HTTPStatus.FORBIDDEN:
            missing = True
            yield _AREA.problem(
                "events",
                "The key may not read the organization's log, so each sync of Jira reads everything.",
                "Make a key with the scope for audit logs, or set sync.use_events to false.",
            )
    if not missing:
        yield _AREA.ok("scopes", "The key may read the directory's people and groups.")


def _scope_missing(scope: str, purpose: str) -> Finding:
    return _AREA.problem(
        "scopes",
        f"The organization's key lacks the scope {scope}, which {purpose} need.",
        "Make a new key with it, or one without scopes; a key's scopes cannot be changed.",
    )


def _host(address: str) -> str:
    return urlsplit(address if "://" in address else f"https://{address}").netloc.casefold()
