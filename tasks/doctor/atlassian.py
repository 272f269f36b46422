"""Proves the organization's key: whether it is known, for which organization, and which scopes it has."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from access.failures import Failure
from httpclient import Response
from tasks.doctor.findings import Check, Finding
from tasks.doctor.probe import Probe, objects, text
from tasks.doctor.reachability import busy

_ADDRESS, _CREDENTIAL, _ORGANIZATION, _SITE, _SCOPES, _EVENTS = (
    Check("atlassian", name) for name in ("address", "credential", "organization", "site", "scopes", "events")
)

_ORG = "/admin/v1/orgs/{org}"
_DIRECTORY = "/admin/v2/orgs/{org}/directories/-"

#: Route, scope that a key with scopes needs, and the data it is for [spec lists the scopes; the pairing is assumed].
_READS = (
    (f"{_DIRECTORY}/users/search", "read:user:admin", "hidden addresses, last activity and memberships"),
    (f"{_DIRECTORY}/groups/search", "read:group:admin", "the groups of an identity provider"),
)


def examine(api: Probe, *, org_id: str, site_url: str, use_events: bool) -> Iterator[Finding]:
    """All findings about an organization's key."""
    try:
        response = api.ask("GET", _ORG, path={"org": org_id})
        finding = _organization(api, org_id, response)
        yield finding
        if response.status in {HTTPStatus.OK, HTTPStatus.FORBIDDEN} and finding.check == _CREDENTIAL.name:
            yield from _site(api, org_id, site_url)
            yield from _scopes(api, org_id, use_events=use_events)
    except Failure as failure:
        yield api.unreachable(_ADDRESS, failure)


def _organization(api: Probe, org_id: str, response: Response) -> Finding:
    if response.status == HTTPStatus.UNAUTHORIZED:
        return _CREDENTIAL.problem(
            "Atlassian does not know the organization's API key.",
            "Make a new one in admin.atlassian.com and set atlassian.api_key: keys end after a year at the latest.",
        )
    if response.status == HTTPStatus.NOT_FOUND:
        return _ORGANIZATION.problem(
            f"The key sees no organization {org_id}.",
            "Correct atlassian.org_id; it is in the address of admin.atlassian.com.",
        )
    if response.status == HTTPStatus.FORBIDDEN:
        return _CREDENTIAL.ok("Atlassian knows the organization's key, which may not read the organization's name.")
    if finding := busy(_ADDRESS, "Atlassian", response, status_page="status.atlassian.com"):
        return finding
    data = response.body.get("data") if isinstance(response.body, dict) else None
    if response.status != HTTPStatus.OK or not isinstance(data, dict):
        return _ADDRESS.problem(
            f"What answers at {api.address} is not Atlassian's organization API ({response.status}).",
            "Correct atlassian.api_url.",
        )
    return _CREDENTIAL.ok(f"The key is that of {text(data.get('attributes'), 'name') or org_id}.")


def _site(api: Probe, org_id: str, site_url: str) -> Iterator[Finding]:
    route = "/admin/v2/orgs/{org}/workspaces"
    response = api.ask("POST", route, path={"org": org_id}, body={"limit": 100})
    if response.status == HTTPStatus.FORBIDDEN:
        yield _lacks_scope("read:org:admin", "the organization's products")
    elif response.status == HTTPStatus.OK:
        hosts = {_host(text(each.get("attributes"), "hostUrl")) for each in objects(response, "data")}
        if _host(site_url) in hosts:
            yield _SITE.ok("The site belongs to the organization.")
        else:
            yield _SITE.problem(
                f"The organization has no product at {site_url}.",
                "Correct jira.site_url, or use the key of the organization that the site belongs to.",
            )


def _scopes(api: Probe, org_id: str, *, use_events: bool) -> Iterator[Finding]:
    path, missing = {"org": org_id}, False
    for route, scope, data in _READS:
        if api.ask("POST", route, path=path, body={"limit": 1}).status == HTTPStatus.FORBIDDEN:
            missing = True
            yield _lacks_scope(scope, data)
    if use_events:
        response = api.ask("GET", f"{_ORG}/events-stream", path=path, params={"limit": 1})
        if response.status == HTTPStatus.FORBIDDEN:
            missing = True
            yield _EVENTS.problem(
                "The key may not read the organization's log, so each sync of Jira reads everything.",
                "Make a key with the scope for audit logs, or set sync.use_events to false.",
            )
    if not missing:
        yield _SCOPES.ok("The key may read the directory's people and groups.")


def _lacks_scope(scope: str, data: str) -> Finding:
    return _SCOPES.problem(
        f"The organization's key lacks the scope {scope}, which {data} need.",
        "Make a new key with it, or one without scopes; a key's scopes cannot be changed.",
    )


def _host(address: str) -> str:
    return urlsplit(address if "://" in address else f"https://{address}").netloc.casefold()
