from __future__ import annotations

from functools import lru_cache
from typing import Any
from urllib.parse import quote

from simulator.jira.api.call import Call
from simulator.jira.people import Group, User

PRODUCT_NAMES = {
    "jira-software": "Jira",
    "jira-servicedesk": "Jira Service Management",
    "jira-core": "Jira Work Management",
    "jira-product-discovery": "Jira Product Discovery",
}


@lru_cache(maxsize=64)
def _avatars(base: str, kind: str) -> dict[str, str]:
    return {f"{size}x{size}": f"{base}/secure/{kind}?size={size}" for size in (48, 24, 16, 32)}


def avatars(call: Call, *, kind: str = "useravatar") -> dict[str, str]:
    """Return the four avatar addresses."""
    return _avatars(call.base, kind)


def shows_email(call: Call, user: User) -> bool:
    """Return whether answers carry the user's address; one's own is always shown."""
    if not user.email or user.account_type == "app":
        return False
    hidden = user.email_hidden or call.world.switches.hidden_emails
    return not hidden or user is call.caller


def is_active(call: Call, user: User) -> bool:
    """Return whether answers call the user active, which lags behind a removal."""
    return user.active or user.removal_seen_from > call.world.now()


def user_brief(call: Call, user: User) -> dict[str, Any]:
    """Return `UserDetails`, the short form that groups, issues and comments show."""
    document: dict[str, Any] = {
        "self": f"{call.api}/user?accountId={quote(user.account_id, safe='')}",
        "accountId": user.account_id,
        "avatarUrls": avatars(call),
        "displayName": user.display_name,
        "active": is_active(call, user),
        "timeZone": user.time_zone,
        "accountType": user.account_type,
    }
    if shows_email(call, user):
        document["emailAddress"] = user.email
    return document


def person(call: Call, account_id: str | None) -> dict[str, Any] | None:
    """Return the short form of an account by id, or None."""
    user = call.world.directory.users.get(account_id or "")
    return None if user is None else user_brief(call, user)


def user_full(call: Call, user: User, expand: list[str] | None = None) -> dict[str, Any]:
    """Return `User`; groups and application roles are only counted unless expanded."""
    document = {**user_brief(call, user), "locale": user.locale}
    if user.app_type:
        document["appType"] = user.app_type
    directory = call.world.directory
    groups = directory.groups_of(user.account_id)
    roles = sorted({key for group in groups for key in group.grants})
    wanted = expand or []
    document["groups"] = {
        "size": len(groups),
        "items": [group_name(call, group) for group in groups] if "groups" in wanted else [],
    }
    document["applicationRoles"] = {
        "size": len(roles),
        "items": [application_role(call, key, brief=True) for key in roles] if "applicationRoles" in wanted else [],
    }
    document["expand"] = "groups,applicationRoles"
    return document


def user_listed(call: Call, user: User) -> dict[str, Any]:
    """Return `User` as lists do, without groups."""
    document = {**user_brief(call, user), "locale": user.locale}
    if user.app_type:
        document["appType"] = user.app_type
    return document


def group_name(call: Call, group: Group) -> dict[str, Any]:
    """Return `GroupName`."""
    return {"name": group.name, "groupId": group.id, "self": f"{call.api}/group?groupId={group.id}"}


def application_role(call: Call, key: str, *, brief: bool = False) -> dict[str, Any]:
    """Return `ApplicationRole`, a product with its access groups and seats."""
    document: dict[str, Any] = {"key": key, "name": PRODUCT_NAMES.get(key, key)}
    if brief:
        return document
    groups = [group for group in call.world.directory.groups_in_order() if key in group.grants]
    used = len({member for group in groups for member in group.members if call.world.directory.users[member].active})
    seats = call.world.site.seats
    defaults = [group for group in groups if group.access_type == "user"]
    return {
        **document,
        "groups": [group.name for group in groups],
        "groupDetails": [group_name(call, group) for group in groups],
        "defaultGroups": [group.name for group in defaults],
        "defaultGroupsDetails": [group_name(call, group) for group in defaults],
        "selectedByDefault": key == call.world.site.applications[0],
        "defined": True,
        "numberOfSeats": seats,
        "remainingSeats": 0 if call.world.switches.licence_full else max(0, seats - used),
        "userCount": used,
        "userCountDescription": "users",
        "hasUnlimitedSeats": False,
        "platform": key == "jira-core",
    }
