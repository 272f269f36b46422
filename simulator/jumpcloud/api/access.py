"""Who may come in: API keys, tokens of service accounts, organizations, roles, and how often."""

import math
import time
from email.utils import formatdate

from starlette.requests import Request

from simulator.faults import Bucket
from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.records import Actor
from simulator.jumpcloud.world import World

_SEES_ORGANIZATIONS = "organizations.readonly"


def admit(world: World, request: Request, scopes: tuple[str, ...]) -> tuple[Actor, World]:
    """Return the one who calls, if he may do what needs any of these scopes, and the organization he chose.

    Raises ApiError.
    """
    if world.switches.source_blocked:
        raise ApiError(403, "403 Forbidden your IP has been blocked due to suspected abuse")
    _throttle(world, request)
    actor, role, multi_tenant = _identify(world, request)
    chosen = _organization(world, request, scopes, multi_tenant=multi_tenant)
    found = world.role_named(role)
    if found is None or not set(scopes) & set(found.scopes):
        raise ApiError(world.switches.read_only_status, "Forbidden")
    return actor, chosen


def _identify(world: World, request: Request) -> tuple[Actor, str, bool]:
    """Return actor, name of his role, and whether he has to choose an organization."""
    client_ip = request.client.host if request.client else ""
    key = world.keys.get(request.headers.get("x-api-key", ""))
    if key is not None:
        admin = world.admins.get(key.admin_id)
        expired = key.expires_at is not None and key.expires_at <= world.clock()
        if admin is not None and not admin.suspended and admin.api_key_allowed and not expired:
            actor = Actor(admin.id, "admin", admin.email, "api-key", client_ip)
            return actor, admin.role, admin.multi_tenant
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        client_id, until = world.tokens.get(token, ("", 0.0))
        account = world.service_accounts.get(client_id)
        if account is not None and account.enabled and until > world.clock():
            actor = Actor(client_id, "service_account", "", "service-account", client_ip)
            return actor, account.role, False
    raise ApiError(401, "Unauthorized: api key user not found")


def _organization(world: World, request: Request, scopes: tuple[str, ...], *, multi_tenant: bool) -> World:
    wanted = request.headers.get("x-org-id", "")
    if multi_tenant:
        unchosen = not wanted and world.switches.unchosen_organization == "refused"
        if unchosen and _SEES_ORGANIZATIONS not in scopes:
            raise ApiError(401, "Unauthorized: no organization selected")
        if wanted and wanted not in {world.organization_id, *world.organizations}:
            raise ApiError(401, "Unauthorized: organization not found")
    elif wanted and (world.switches.single_org_header == "forbidden" or wanted != world.organization_id):
        raise ApiError(403, "Forbidden: organization selection not allowed via header")
    return world.organizations.get(wanted, world)


def _throttle(world: World, request: Request) -> None:
    switches = world.switches
    if switches.unavailable_every:
        world.requests += 1
        if world.requests % (switches.unavailable_every + switches.unavailable_burst) >= switches.unavailable_every:
            raise ApiError(503, "Service Unavailable")
    if not switches.rate_per_second:
        return
    who = request.headers.get("x-api-key") or request.headers.get("authorization", "")
    setting = (switches.rate_per_second, switches.rate_burst)
    now = time.monotonic()
    bucket = world.buckets.setdefault((who, *setting), Bucket(*setting, now))
    if (wait := bucket.wait(now)) > 0:
        headers = {}
        if switches.retry_after == "seconds":
            headers["retry-after"] = str(math.ceil(wait))
        elif switches.retry_after == "date":
            headers["retry-after"] = formatdate(time.time() + math.ceil(wait), usegmt=True)
        raise ApiError(429, "Too Many Requests", headers)
