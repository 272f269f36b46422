"""Proves the JumpCloud settings: address, credential, organization, role, events, and when the key ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

from access.clock import Clock
from access.failures import CredentialRefused, Failure
from httpclient import Credential, Response
from tasks.doctor.findings import Area, Finding
from tasks.doctor.jumpcloud_key import examine_key
from tasks.doctor.probing import Probe, is_busy, members, word
from tasks.doctor.reaching import clock, unreachable

_AREA = Area("jumpcloud")

#: An id that nothing has: ids begin with the time at which they were made, and this one would be of 1970.
_NOTHING = "0" * 24

#: What sync reads, each with what it is called in a sentence.
_READS = {
    "/api/systemusers": "users",
    "/api/users": "administrators",
    "/api/v2/usergroups": "groups",
    "/api/applications": "applications",
    "/api/v2/roles": "administrators' roles",
}

_ANSWERS_200 = HTTPStatus.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class JumpCloudSetup:
    """What is to be proven. ``api_key`` is None for a service account, whose tokens come from ``token_url``."""

    api: Probe
    insights: Probe
    credential: Credential
    token_url: str
    api_key: str | None
    org_id: str | None
    provisioning: bool
    use_events: bool
    timeout: timedelta
    clock: Clock


def examine(setup: JumpCloudSetup) -> Iterator[Finding]:
    """All that can be said of a JumpCloud setup."""
    refused = _token(setup)
    if refused is not None:
        yield refused
        return
    try:
        answer = setup.api.ask("GET", "/api/organizations", params={"limit": 100})
    except Failure as failure:
        yield unreachable(
            _AREA, "address", setup.api.address, failure, setting="jumpcloud.api_url or region", timeout=setup.timeout
        )
        return
    if (skew := clock(_AREA, answer, setup.clock.now())) is not None:
        yield skew
    first = _first_answer(setup, answer)
    yield first
    if answer.status != _ANSWERS_200 or "results" not in (answer.body if isinstance(answer.body, dict) else {}):
        return
    yield _organization(setup, answer)
    reads = list(_reads(setup))
    yield from reads
    if any(each.check == "organization" for each in reads):
        return  # whatever else is asked now is refused for the same reason
    if setup.provisioning:
        yield from _writes(setup)
    yield from _insights(setup)


def _token(setup: JumpCloudSetup) -> Finding | None:
    """What is wrong with a service account's own credential, before anything is asked with its token."""
    try:
        setup.credential.headers()
    except CredentialRefused:
        return _AREA.problem(
            "credential",
            "JumpCloud's token service does not know the service account's id and secret.",
            "Correct jumpcloud.client_id and client_secret; a secret may have expired.",
        )
    except Failure as failure:
        if failure.status is not None:
            return _AREA.problem(
                "credential",
                f"JumpCloud's token service answers {failure.status}.",
                "Correct jumpcloud.token_url, or try again later.",
            )
        return unreachable(
            _AREA, "address", setup.token_url, failure, setting="jumpcloud.token_url", timeout=setup.timeout
        )
    return None


def _first_answer(setup: JumpCloudSetup, answer: Response) -> Finding:
    said = (answer.said or (answer.body[:1024] if isinstance(answer.body, str) else "")).lower()
    if "no organization selected" in said:
        return _organization_needed()
    if "organization not found" in said:
        return _no_such_organization(setup)
    if answer.status == HTTPStatus.UNAUTHORIZED:
        return _unknown_credential(setup)
    if answer.status == HTTPStatus.FORBIDDEN:
        return _forbidden(said)
    if is_busy(answer):
        return _AREA.problem(
            "address", f"JumpCloud answers {answer.status} at the moment.", "Try again later; see status.jumpcloud.com."
        )
    if answer.status != _ANSWERS_200 or not isinstance(answer.body, dict) or "results" not in answer.body:
        return _AREA.problem(
            "address",
            f"What answers at {setup.api.address} is not JumpCloud's API ({answer.status}).",
            "Correct jumpcloud.api_url or region.",
        )
    kind = "API key" if setup.api_key is not None else "service account"
    return _AREA.ok("credential", f"JumpCloud knows the {kind}.")


def _unknown_credential(setup: JumpCloudSetup) -> Finding:
    if setup.api_key is None:
        return _AREA.problem(
            "credential",
            "JumpCloud does not take the service account's token.",
            "Check that jumpcloud.region is the organization's, and that the service account is active.",
        )
    return _AREA.problem(
        "credential",
        "JumpCloud does not know the API key.",
        "Make a new one and set jumpcloud.api_key: the old one was reset or has expired, or its administrator is suspended.",
    )


def _forbidden(said: str) -> Finding:
    if "blocked" in said:
        return _AREA.problem(
            "address",
            "JumpCloud blocks this machine's address for suspected abuse.",
            "Ask JumpCloud's support to lift that, and stop whatever else calls it from here.",
        )
    if "organization selection not allowed" in said:
        return _AREA.problem(
            "organization",
            "This key has one organization, and JumpCloud does not let it name one.",
            "Take jumpcloud.org_id out of the settings.",
        )
    return _AREA.problem(
        "role",
        "JumpCloud does not let the credential read its own organization.",
        "Give its administrator, or service account, the role Administrator.",
    )


def _organization_needed() -> Finding:
    return _AREA.problem(
        "organization",
        "The credential belongs to several organizations, and JumpCloud wants to be told which is meant.",
        "Set jumpcloud.org_id; the console shows it under the organization's name.",
    )


def _no_such_organization(setup: JumpCloudSetup) -> Finding:
    return _AREA.problem(
        "organization",
        f"The credential sees no organization {setup.org_id}.",
        "Correct jumpcloud.org_id, or take it out.",
    )


def _organization(setup: JumpCloudSetup, answer: Response) -> Finding:
    found = {word(each, "_id") or word(each, "id"): word(each, "displayName") for each in members(answer, "results")}
    if setup.org_id is not None and found and setup.org_id.lower() not in found:
        return _no_such_organization(setup)
    if setup.org_id is None and len(found) > 1:
        return _organization_needed()
    name = found.get((setup.org_id or "").lower()) or next(iter(found.values()), "") or "one without a name"
    return _AREA.ok("organization", f"The organization is {name}.")


def _reads(setup: JumpCloudSetup) -> Iterator[Finding]:
    refused: list[str] = []
    for route, what in _READS.items():
        try:
            answer = setup.api.ask("GET", route, params={"limit": 100 if what == "administrators" else 1})
        except Failure as failure:
            yield _AREA.problem("reading", f"Reading {what} failed: {failure.what}", "Try again later.")
            continue
        if "no organization selected" in answer.said.lower():
            yield _organization_needed()
            return
        if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            refused.append(what)
        elif what == "administrators":
            yield from examine_key(_AREA, setup.api_key, members(answer, "results"), setup.clock.now())
    if refused:
        yield _AREA.problem(
            "reading",
            f"The credential may not read {', '.join(refused)}, so no snapshot can be complete.",
            "Give it a role that may, such as Read Only or Administrator.",
        )
    else:
        yield _AREA.ok("reading", f"It may read {', '.join(_READS.values())}.")


def _writes(setup: JumpCloudSetup) -> Iterator[Finding]:
    """Whether it may change members of groups: asked by taking nobody out of no group.

    That changes nothing, whatever there is: the same id is named as the user and as the group, and should anything have it,
    it is one of the two and never both, so that nobody with this id is in a group with this id. The answer is 404, or 400
    where the id does not please [assumed: both], or 403 from a role that only reads [assumed]; sent twice it is the same.
    """
    try:
        answer = setup.api.ask(
            "POST",
            "/api/v2/usergroups/{group}/members",
            path={"group": _NOTHING},
            body={"op": "remove", "type": "user", "id": _NOTHING},
        )
    except Failure as failure:
        yield _AREA.unknown("group changes", f"Whether members of groups may be changed was not told: {failure.what}")
        return
    if answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        yield _AREA.problem(
            "group changes",
            "The credential may not change members of groups, and provisioning is not off.",
            "Give it the role Manager or Administrator, or set provisioning to off.",
        )
    elif answer.status in {HTTPStatus.NOT_FOUND, HTTPStatus.BAD_REQUEST}:
        yield _AREA.ok("group changes", "It may change members of groups.")
    else:
        yield _AREA.unknown(
            "group changes",
            f"Whether members of groups may be changed was not told (JumpCloud answered {answer.status}).",
        )


def _insights(setup: JumpCloudSetup) -> Iterator[Finding]:
    if not setup.use_events:
        return
    begin = setup.clock.now() - timedelta(minutes=10)
    body = {"service": ["directory"], "start_time": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "limit": 1}
    try:
        answer = setup.insights.ask("POST", "/insights/directory/v1/events", body=body)
    except Failure as failure:
        yield unreachable(
            _AREA,
            "events",
            setup.insights.address,
            failure,
            setting="jumpcloud.insights_url or region",
            timeout=setup.timeout,
        )
        return
    if answer.status == _ANSWERS_200:
        yield _AREA.ok("events", "Directory Insights can be read, so a sync reads what has changed.")
    elif "no organization selected" in answer.said.lower():
        yield _AREA.problem(
            "events",
            "Directory Insights wants to be told which organization is meant.",
            "Set jumpcloud.org_id; the console shows it under the organization's name.",
        )
    elif answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.PAYMENT_REQUIRED}:
        yield _AREA.problem(
            "events",
            "The credential may not read Directory Insights, so each sync reads everything.",
            "Give it the role Administrator or Read Only, or set sync.use_events to false.",
        )
    else:
        yield _AREA.problem(
            "events",
            f"What answers at {setup.insights.address} is not Directory Insights ({answer.status}).",
            "Correct jumpcloud.insights_url or region, or try again later.",
        )
