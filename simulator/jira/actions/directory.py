from __future__ import annotations

from typing import Any

from simulator.actions import actions_by_name
from simulator.jira.people import User
from simulator.jira.world import World

SERVICE_DOMAIN = "serviceaccount.atlassian.com"


def create_user(
    world: World, *, email: str, name: str | None = None, products: list[str] | None = None, managed: bool = False
) -> dict[str, Any]:
    """Invite somebody in the administration screen."""
    if world.directory.user_by_email(email):
        raise ValueError(f"There is an account with the address {email} already.")
    user = world.administration.create_user(email, now=world.now(), switches=world.switches)
    user.display_name, user.managed = name or user.display_name, managed
    for group in world.administration.access_groups(["jira-software"] if products is None else products):
        world.administration.add_member(group, user)
    return _said(user)


def create_service_account(world: World, *, name: str) -> dict[str, Any]:
    """Make a service account; it has an address of Atlassian's and takes scoped tokens only."""
    email = f"{name}@{SERVICE_DOMAIN}"
    if world.directory.user_by_email(email):
        raise ValueError(f"There is a service account {name!r} already.")
    user = world.administration.create_user(email, now=world.now(), switches=world.switches)
    user.account_type, user.app_type = "app", "service"
    return {**_said(user), "email": email}


def _said(user: User) -> dict[str, Any]:
    return {
        "account_id": user.account_id,
        "account_status": user.account_status,
        "membership_status": user.membership_status,
    }


def deactivate(world: World, *, account: str) -> dict[str, Any]:
    """Deactivate an Atlassian account."""
    user = world.user(account)
    world.administration.set_account_status(user, "inactive")
    return _said(user)


def activate(world: World, *, account: str) -> dict[str, Any]:
    """Reactivate an Atlassian account."""
    user = world.user(account)
    world.administration.set_account_status(user, "active")
    return _said(user)


def close_account(world: World, *, account: str) -> dict[str, Any]:
    """Delete an Atlassian account: its fields are blanked, the id stays."""
    user = world.user(account)
    world.administration.set_account_status(user, "closed")
    return _said(user)


def suspend(world: World, *, account: str) -> dict[str, Any]:
    """Suspend somebody in the directory."""
    user = world.user(account)
    world.administration.set_membership_status(user, "suspended")
    return _said(user)


def restore(world: World, *, account: str) -> dict[str, Any]:
    """Restore somebody who is suspended, with all groups and roles."""
    user = world.user(account)
    world.administration.set_membership_status(user, "active")
    return _said(user)


def remove_user(world: World, *, account: str) -> dict[str, Any]:
    """Remove somebody from the site."""
    user = world.user(account)
    world.administration.remove_user(user)
    return _said(user)


def change_profile(
    world: World,
    *,
    account: str,
    name: str | None = None,
    email: str | None = None,
    hidden: bool | None = None,
    time_zone: str | None = None,
) -> dict[str, Any]:
    """Change somebody's name, address, its visibility, or time zone."""
    user = world.user(account)
    world.directory.change_profile(user, name=name, email=email)
    user.email_hidden = user.email_hidden if hidden is None else hidden
    user.time_zone = time_zone or user.time_zone
    return _said(user)


def move_address(world: World, *, email: str, to: str, leaving: str) -> dict[str, Any]:
    """Let an address move from its account, which gets the address `leaving`, to another account."""
    holder, taker = world.user(email), world.user(to)
    address = holder.email
    world.directory.change_profile(holder, email=leaving)
    world.directory.change_profile(taker, email=address)
    return {"from": holder.account_id, "to": taker.account_id}


def create_group(world: World, *, name: str) -> dict[str, Any]:
    """Make a group."""
    if world.directory.group_by_name(name):
        raise ValueError(f"There is a group {name!r} already.")
    return {"id": world.administration.create_group(name).id}


def rename_group(world: World, *, group: str, name: str) -> dict[str, Any]:
    """Rename a group; its id stays."""
    found = world.group(group)
    if world.directory.group_by_name(name):
        raise ValueError(f"There is a group {name!r} already.")
    world.directory.rename_group(found, name)
    return {"id": found.id, "name": name}


def delete_group(world: World, *, group: str) -> dict[str, Any]:
    """Delete a group."""
    found = world.group(group)
    world.administration.delete_group(found)
    return {"id": found.id}


def sync_group(world: World, *, group: str, synced: bool = True) -> dict[str, Any]:
    """Let an identity provider own a group, or no more."""
    found = world.group(group)
    found.external_synced, found.managed_by = synced, "external" if synced else "admins"
    return {"id": found.id, "external_synced": synced}


def add_member(world: World, *, group: str, account: str) -> dict[str, Any]:
    """Add somebody to a group."""
    found = world.group(group)
    world.administration.add_member(found, world.user(account))
    return {"id": found.id, "members": len(found.members)}


def remove_member(world: World, *, group: str, account: str) -> dict[str, Any]:
    """Take somebody out of a group."""
    found = world.group(group)
    world.administration.remove_member(found, world.user(account))
    return {"id": found.id, "members": len(found.members)}


ACTIONS = actions_by_name(
    create_user,
    create_service_account,
    deactivate,
    activate,
    close_account,
    suspend,
    restore,
    remove_user,
    change_profile,
    move_address,
    create_group,
    rename_group,
    delete_group,
    sync_group,
    add_member,
    remove_member,
)
