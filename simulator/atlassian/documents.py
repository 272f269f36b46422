"""People and groups in the form they have on the wire."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from simulator.atlassian.world import World
from simulator.jira.people import Group, User

HIDDEN_GROUPS = ("atlassian-addons-admin", "system-administrators")
"""Groups that the directory keeps to itself [observed]."""
_PRODUCT_KEYS = {"jira-servicedesk": "jira-service-desk"}
"""Keys of products in v1, where they differ from the names of the applications."""
_PRODUCT_NAMES = {"jira-software": "Jira", "jira-servicedesk": "Jira Service Management"}
_NICKNAME_LENGTH = 30


def stamp(at: float) -> str:
    """Return RFC 3339 with milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def composed_status(world: World, user: User) -> str:
    """Account and membership status in one word."""
    if user.account_id in world.deletions:
        return "for_deletion"
    if user.account_status != "active":
        return "deactivated"
    return {"active": "active", "suspended": "suspended"}.get(world.membership_status(user), "not_invited")


def roles_of(world: World, user: User) -> set[str]:
    """Return the roles that somebody has on anything."""
    product = {"atlassian/user"} if world.products_of(user) else set()
    admins = {"atlassian/admin"} & {
        "atlassian/admin" if group.access_type in {"admin", "site-admin"} else ""
        for group in world.jira.directory.groups_of(user.account_id)
    }
    return {*world.platform_roles.get(user.account_id, ()), *product, *admins}


def user_document(world: World, user: User, expand: Sequence[str] = ()) -> dict[str, Any]:
    """Return somebody in the directory, as v2 shows him."""
    document: dict[str, Any] = {
        "accountId": user.account_id,
        "accountType": "atlassian",
        "accountStatus": user.account_status,
        "membershipStatus": world.membership_status(user),
        "status": composed_status(world, user),
        "claimStatus": "managed" if user.managed else "unmanaged",
        "managementSource": user.management_source,
        "name": user.display_name,
        "nickname": user.display_name[:_NICKNAME_LENGTH] or "-",
        "emailVerified": True,
        "mfaEnabled": user.account_id in world.mfa,
        "addedToOrg": stamp(user.added),
        "timeZone": user.time_zone,
        "links": {"self": user.account_id},
    }
    if user.email and (user.managed or not user.email_hidden or world.switches.unmanaged_emails == "shown"):
        document["email"] = user.email
    if "platformRoles" in expand:
        document["platformRoles"] = list(world.platform_roles.get(user.account_id, ()))
    if "counts.resources" in expand:
        document["counts"] = {"resources": len(world.products_of(user))}
    if "productAccess" in expand:
        document["productAccess"] = [_product_access(world, user, name) for name in world.products_of(user)]
    if "groups" in expand:
        document["groups"] = [
            {"id": group.id, "name": group.name, "description": group.description or None}
            for group in world.jira.directory.groups_of(user.account_id)
            if group.name not in HIDDEN_GROUPS
        ]
    return document


def managed_document(world: World, user: User) -> dict[str, Any]:
    """Return a managed account, as v1 shows it."""
    active = world.last_active.get(user.account_id, {})
    document: dict[str, Any] = {
        "account_id": user.account_id,
        "account_type": user.account_type,
        "account_status": user.account_status,
        "name": user.display_name,
        "picture": f"https://secure.gravatar.com/avatar/{user.account_id[-12:]}",
        "email": user.email,
        "access_billable": bool(world.products_of(user)),
        "product_access": [
            {
                "key": product_key(name),
                "name": _PRODUCT_NAMES.get(name, name),
                "url": world.site_url(),
                **({"last_active": stamp(active[name])} if name in active else {}),
            }
            for name in world.products_of(user)
        ],
        "links": {"self": f"/admin/v1/orgs/{world.jira.organization.id}/users/{user.account_id}"},
    }
    if active:
        document["last_active"] = stamp(max(active.values()))
    return document


def group_document(world: World, group: Group, expand: Sequence[str] = ()) -> dict[str, Any]:
    """Return a group of the directory."""
    counts = {}
    if "counts.resources" in expand:
        counts["resources"] = len(group.grants)
    if "counts.users" in expand:
        counts["users"] = len(world.jira.directory.members(group))
    return {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "directoryId": world.jira.organization.directory_id,
        "externalSynced": group.external_synced,
        "managedBy": "external" if group.external_synced else group.managed_by,
        "managementAccess": {
            "readable": True,
            "modifiable": not group.external_synced,
            "deletable": not group.external_synced and not group.grants,
        },
        "links": {"self": group.id},
        **({"counts": counts} if counts else {}),
    }


def product_key(application: str) -> str:
    """Return the key that v1 has for an application."""
    return _PRODUCT_KEYS.get(application, application)


def _product_access(world: World, user: User, application: str) -> dict[str, Any]:
    found: dict[str, Any] = {"id": world.jira.site.resource(application), "key": application}
    at = world.last_active.get(user.account_id, {}).get(application)
    return found if at is None else {**found, "lastActiveTimestamp": stamp(at)}
