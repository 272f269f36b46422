"""Proves the JumpCloud settings: address, credential, organization, role, events, and when the key ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from access.clock import Clock
from access.credential_ends import CredentialEnd, Teller
from access.failures import CredentialRefused, Failure
from connectors.jumpcloud.own_key import own_key
from httpclient import Credential, Response
from tasks.doctor.findings import Check, Finding
from tasks.doctor.probe import Probe, is_refused, objects, text
from tasks.doctor.reachability import busy, clock_skew, unreachable

_AREA = "jumpcloud"
_ADDRESS, _CREDENTIAL, _ORGANIZATION, _ROLE, _READING, _GROUP_CHANGES, _EVENTS = (
    Check(_AREA, name)
    for name in ("address", "credential", "organization", "role", "reading", "group changes", "events")
)

#: An id that nothing has: ids begin with the time at which they were made, and this one would be of 1970.
_NOTHING = "0" * 24

#: The lists that sync reads, each by its name in a sentence.
_READS = {
    "/api/systemusers": "users",
    "/api/users": "administrators",
    "/api/v2/usergroups": "groups",
    "/api/applications": "applications",
    "/api/v2/roles": "administrators' roles",
}

#: In the text of a refusal when the credential has several organizations.
_NONE_SELECTED = "no organization selected"
_SELECT_ONE = "Set jumpcloud.org_id; the console shows it under the organization's name."

_SEVERAL_ORGANIZATIONS = _ORGANIZATION.problem(
    "The credential belongs to several organizations, and JumpCloud wants to be told which is meant.", _SELECT_ONE
)

#: The findings for a 403 whose text holds these words; for any other text the last.
_FORBIDDEN = {
    "blocked": _ADDRESS.problem(
        "JumpCloud blocks this machine's address for suspected abuse.",
        "Ask JumpCloud's support to lift that, and stop whatever else calls it from here.",
    ),
    "organization selection not allowed": _ORGANIZATION.problem(
        "This key has one organization, and JumpCloud does not let it name one.",
        "Take jumpcloud.org_id out of the settings.",
    ),
    "": _ROLE.problem(
        "JumpCloud does not let the credential read its own organization.",
        "Give its administrator, or service account, the role Administrator.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpCloudSetup:
    """The settings that are proven. ``api_key`` is None for a service account, whose tokens come from ``token_url``."""

    api: Probe
    insights: Probe
    credential: Credential
    token_url: str
    api_key: str | None
    org_id: str | None
    provisioning: bool
    use_events: bool
    clock: Clock


def examine(setup: JumpCloudSetup) -> Iterator[Finding]:
    """All findings about a JumpCloud setup."""
    refused = _token(setup)
    if refused is not None:
        yield refused
        return
    try:
        response = setup.api.ask("GET", "/api/organizations", params={"limit": 100})
    except Failure as failure:
        yield setup.api.unreachable(_ADDRESS, failure)
        return
    yield from clock_skew(_AREA, response, setup.clock.now())
    if (problem := _refusal(setup, response)) is not None:
        yield problem
        return
    yield _CREDENTIAL.ok(f"JumpCloud knows the {'service account' if setup.api_key is None else 'API key'}.")
    yield _organization(setup, response)
    reads = list(_reads(setup))
    yield from reads
    if _SEVERAL_ORGANIZATIONS in reads:
        return  # whatever else is asked now is refused for the same reason
    if setup.provisioning:
        yield from _writes(setup)
    if setup.use_events:
        yield _insights(setup)


def _token(setup: JumpCloudSetup) -> Finding | None:
    """The problem of a service account's own credential, before anything is asked with its token."""
    try:
        setup.credential.headers()
    except CredentialRefused:
        return _CREDENTIAL.problem(
            "JumpCloud's token service does not know the service account's id and secret.",
            "Correct jumpcloud.client_id and client_secret; a secret may have expired.",
        )
    except Failure as failure:
        if failure.status is not None:
            return _CREDENTIAL.problem(
                f"JumpCloud's token service answers {failure.status}.",
                "Correct jumpcloud.token_url, or try again later.",
            )
        setting, timeout = "jumpcloud.token_url", setup.api.timeout
        return unreachable(_ADDRESS, setup.token_url, failure, setting=setting, timeout=timeout)
    return None


def _refusal(setup: JumpCloudSetup, response: Response) -> Finding | None:
    """What is wrong with the first response; None when it lists organizations."""
    said = (response.said or (response.body[:1024] if isinstance(response.body, str) else "")).lower()
    if _NONE_SELECTED in said:
        return _SEVERAL_ORGANIZATIONS
    if "organization not found" in said:
        return _no_such_organization(setup)
    if response.status == HTTPStatus.UNAUTHORIZED:
        return _unknown_credential(setup)
    if response.status == HTTPStatus.FORBIDDEN:
        return next(finding for words, finding in _FORBIDDEN.items() if words in said)
    if response.status == HTTPStatus.OK and isinstance(response.body, dict) and "results" in response.body:
        return None
    return busy(_ADDRESS, "JumpCloud", response, status_page="status.jumpcloud.com") or _ADDRESS.problem(
        f"What answers at {setup.api.address} is not JumpCloud's API ({response.status}).",
        "Correct jumpcloud.api_url or region.",
    )


def _unknown_credential(setup: JumpCloudSetup) -> Finding:
    if setup.api_key is None:
        return _CREDENTIAL.problem(
            "JumpCloud does not take the service account's token.",
            "Check that jumpcloud.region is the organization's, and that the service account is active.",
        )
    return _CREDENTIAL.problem(
        "JumpCloud does not know the API key.",
        "Make a new one and set jumpcloud.api_key: the old one was reset or has expired, or its administrator is suspended.",
    )


def _no_such_organization(setup: JumpCloudSetup) -> Finding:
    return _ORGANIZATION.problem(
        f"The credential sees no organization {setup.org_id}.", "Correct jumpcloud.org_id, or take it out."
    )


def _organization(setup: JumpCloudSetup, response: Response) -> Finding:
    found = {text(each, "_id") or text(each, "id"): text(each, "displayName") for each in objects(response, "results")}
    if setup.org_id is not None and found and setup.org_id.lower() not in found:
        return _no_such_organization(setup)
    if setup.org_id is None and len(found) > 1:
        return _SEVERAL_ORGANIZATIONS
    name = found.get((setup.org_id or "").lower()) or next(iter(found.values()), "") or "one without a name"
    return _ORGANIZATION.ok(f"The organization is {name}.")


def _reads(setup: JumpCloudSetup) -> Iterator[Finding]:
    refused: list[str] = []
    for route, name in _READS.items():
        try:
            response = setup.api.ask("GET", route, params={"limit": 100 if name == "administrators" else 1})
        except Failure as failure:
            yield _READING.problem(f"Reading {name} failed: {failure.what}", "Try again later.")
            continue
        if _NONE_SELECTED in response.said.lower():
            yield _SEVERAL_ORGANIZATIONS
            return
        if is_refused(response):
            refused.append(name)
        elif name == "administrators":
            yield from _key(setup.api_key, objects(response, "results"), setup.clock.now())
    if refused:
        yield _READING.problem(
            f"The credential may not read {', '.join(refused)}, so no snapshot can be complete.",
            "Give it a role that may, such as Read Only or Administrator.",
        )
    else:
        yield _READING.ok(f"It may read {', '.join(_READS.values())}.")


def _key(api_key: str | None, admins: Sequence[dict[str, Any]], now: datetime) -> Iterator[Finding]:
    """Whose key it is and when it ends, where JumpCloud shows the beginnings of keys [spec 2026-03]."""
    found = None if api_key is None else own_key(admins, api_key)
    if found is None:
        return
    yield Check(_AREA, "owner").ok(f"The key is that of {found.email} ({found.role or 'no role that is shown'}).")
    if found.ends_at is None:
        return
    end, expiry = CredentialEnd(_AREA, found.ends_at, Teller.SERVICE), Check(_AREA, "expiry")
    yield expiry.warning(end.said(now), end.remedy) if end.is_near(now) else expiry.ok(end.said(now))


def _writes(setup: JumpCloudSetup) -> Iterator[Finding]:
    """Whether it may change members of groups: asked by taking nobody out of no group.

    That changes nothing. The request names one impossible id as the user and as the group; should anything have that id, it
    cannot be both. The response is 404, or 400 where JumpCloud refuses the id [assumed: both], or 403 from a role that only
    reads [assumed]; a repetition does the same.
    """
    not_proven = "Whether members of groups may be changed is not proven"
    route = "/api/v2/usergroups/{group}/members"
    body = {"op": "remove", "type": "user", "id": _NOTHING}
    try:
        response = setup.api.ask("POST", route, path={"group": _NOTHING}, body=body)
    except Failure as failure:
        yield _GROUP_CHANGES.unknown(f"{not_proven}: {failure.what}")
        return
    if is_refused(response):
        yield _GROUP_CHANGES.problem(
            "The credential may not change members of groups, and provisioning is not off.",
            "Give it the role Manager or Administrator, or set provisioning to off.",
        )
    elif response.status in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}:
        yield _GROUP_CHANGES.ok("It may change members of groups.")
    else:
        yield _GROUP_CHANGES.unknown(f"{not_proven} (JumpCloud answered {response.status}).")


def _insights(setup: JumpCloudSetup) -> Finding:
    begin, api = setup.clock.now() - timedelta(minutes=10), setup.insights
    body = {"service": ["directory"], "start_time": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "limit": 1}
    try:
        response = api.ask("POST", "/insights/directory/v1/events", body=body)
    except Failure as failure:
        return api.unreachable(_EVENTS, failure)
    if response.status == HTTPStatus.OK:
        return _EVENTS.ok("Directory Insights can be read, so a sync reads what has changed.")
    if _NONE_SELECTED in response.said.lower():
        return _EVENTS.problem("Directory Insights wants to be told which organization is meant.", _SELECT_ONE)
    if is_refused(response) or response.status == HTTPStatus.PAYMENT_REQUIRED:
        return _EVENTS.problem(
            "The credential may not read Directory Insights, so each sync reads everything.",
            "Give it the role Administrator or Read Only, or set sync.use_events to false.",
        )
    return _EVENTS.problem(
        f"What answers at {api.address} is not Directory Insights ({response.status}).",
        "Correct jumpcloud.insights_url or region, or try again later.",
    )
