"""Giving and taking access: invitations, and roles on products or the organization."""

from typing import Any

from starlette.responses import Response

from simulator.atlassian.api.call import Call
from simulator.atlassian.api.responses import answer, empty
from simulator.atlassian.errors import ApiError
from simulator.jira.administration import named_user
from simulator.jira.journal import Named
from simulator.jira.people import Group, User

_MOST_INVITED = 25
_PLATFORM_ROLES = ("atlassian/org-admin", "atlassian/site-admin", "atlassian/user-access-admin")
_PRODUCT_ROLES = (
    *("atlassian/user", "atlassian/admin", "atlassian/guest", "atlassian/contributor", "atlassian/customer"),
    *("atlassian/basic", "atlassian/stakeholder", "atlassian/viewer"),
)
Result = dict[str, Any]


def invite(call: Call) -> Response:
    """POST /v2/orgs/{orgId}/users/invite: 206 when some of it failed."""
    world = call.world
    body = call.body()
    emails = body.get("emails")
    if not isinstance(emails, list) or not 1 <= len(emails) <= _MOST_INVITED:
        raise ApiError(400, "ADMIN-UAM-400-1", f"emails must have 1 to {_MOST_INVITED} addresses")
    if any("@" not in str(email) for email in emails):
        raise ApiError(400, "ADMIN-UAM-400-1", "An address is not valid")
    if world.switches.unpaid:
        raise ApiError(402, "ADMIN-UAM-402-1", "The organization has no paid subscription")
    rules = body.get("permissionRules") or []
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise ApiError(400, "ADMIN-UAM-400-1", "permissionRules must be a list of objects")
    if rules and world.jira.switches.licence_full:
        raise ApiError(409, "ADMIN-UAM-409-3", "Product licence limit exceeded")
    data = [_invite_one(call, str(email), rules, body.get("additionalGroups") or []) for email in emails]
    results = [row for one in data for part in one["results"][0].values() for row in part]
    failed = any(row["status"] == "ERROR" for row in results)
    return answer({"data": data}, 206 if failed else 200)


def assign(call: Call) -> Response:
    """POST /v1/orgs/{orgId}/users/{userId}/roles/assign."""
    user, resource, role = _asked(call)
    if role in _PLATFORM_ROLES:
        roles = call.world.platform_roles.setdefault(user.account_id, [])
        if role not in roles:
            roles.append(role)
    else:
        if call.world.jira.switches.licence_full:
            raise ApiError(409, "ADMIN-UAM-409-3", "Product licence limit exceeded")
        _give(call, user, resource)
    call.world.jira.journal.note("role_granted", named_user(user), actor=call.key.account_id, target=_role(role))
    return empty()


def revoke(call: Call) -> Response:
    """POST /v1/orgs/{orgId}/users/{userId}/roles/revoke."""
    user, resource, role = _asked(call)
    if role in _PLATFORM_ROLES:
        roles = call.world.platform_roles.get(user.account_id, [])
        call.world.platform_roles[user.account_id] = [one for one in roles if one != role]
    else:
        _take(call, user, resource)
    call.world.jira.journal.note("role_revoked", named_user(user), actor=call.key.account_id, target=_role(role))
    return empty()


def _asked(call: Call) -> tuple[User, str, str]:
    body = call.body()
    role, resource = str(body.get("role", "")), str(body.get("resource", ""))
    if role not in {*_PLATFORM_ROLES, *_PRODUCT_ROLES}:
        raise ApiError(400, "ADMIN-UAM-400-3", "Invalid role")
    if role not in _PLATFORM_ROLES and not call.world.applications_of(resource):
        raise ApiError(404, "ADMIN-UAM-404-1", "Unknown resource")
    user = call.world.jira.directory.users.get(call.part("userId"))
    if user is None or user.membership_status == "no_membership":
        raise ApiError(404, "ADMIN-404-8", "User not found")
    if user.account_status != "active":
        raise ApiError(400, "ADMIN-UAM-400-2", "The user is not active")
    return user, resource, role


def _give(call: Call, user: User, resource: str) -> None:
    """Put somebody into the default groups of a product, through which Jira sees that he has it."""
    administration = call.world.jira.administration
    with call.world.role_lag():
        for group in administration.access_groups(call.world.applications_of(resource)):
            administration.add_member(group, user, actor=call.key.account_id)


def _take(call: Call, user: User, resource: str) -> None:
    administration = call.world.jira.administration
    names = call.world.applications_of(resource)
    groups: list[Group] = administration.access_groups(names)
    if call.world.switches.revoke_takes == "every_group":
        groups = [group for group in call.world.granting_groups(names) if not group.external_synced]
    with call.world.role_lag():
        for group in groups:
            administration.remove_member(group, user, actor=call.key.account_id)


def _invite_one(call: Call, email: str, rules: list[Any], group_ids: list[Any]) -> Result:
    world = call.world
    administration = world.jira.administration
    actor = call.key.account_id
    user = world.jira.directory.user_by_email(email)
    if user is None:
        user = administration.create_user(email, now=world.jira.now(), switches=world.jira.switches, actor=actor)
        user.managed = email.partition("@")[2].lower() in world.domains
    else:
        administration.invite_back(user, actor=actor)
    roles = []
    for rule in rules:
        resource, role = str(rule.get("resource", "")), str(rule.get("role", ""))
        wrong = "" if world.applications_of(resource) and role in _PRODUCT_ROLES else "Unknown resource or role"
        if not wrong:
            _give(call, user, resource)
        roles.append({"resource": resource, "role": role, **_outcome(wrong)})
    groups = []
    for ident in group_ids:
        group = world.jira.directory.groups.get(str(ident))
        wrong = "Group not found" if group is None else "Group is synced" if group.external_synced else ""
        if group is not None and not wrong:
            administration.add_member(group, user, actor=actor)
        groups.append({"group": str(ident), **_outcome(wrong)})
    results = [{"groupAssignmentResult": groups, "roleAssignmentResult": roles}]
    return {"id": user.account_id, "email": email, "results": results}


def _outcome(wrong: str) -> dict[str, str | None]:
    return {"status": "ERROR" if wrong else "INVITED", "statusReason": wrong or None}


def _role(role: str) -> Named:
    return Named("ROLE", role, role)
