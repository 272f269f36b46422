"""What a person does in the administration site; people and groups change by the actions of the Jira world."""

import secrets
from typing import Any

from simulator.actions import ActionError, actions_by_name, perform
from simulator.atlassian.snapshot import load
from simulator.atlassian.world import World
from simulator.jira import actions as jira_actions


def add_key(world: World, *, value: str | None = None, **limits: Any) -> dict[str, Any]:
    """Make an organization API key; `limits` are the other fields of a key (`account_id`, `scopes`, `expires`)."""
    value = value or secrets.token_hex(20)
    load(world, {"keys": [{**limits, "value": value}]})
    return {"value": value}


def revoke_key(world: World, *, value: str) -> dict[str, Any]:
    """Revoke an organization API key."""
    if world.keys.pop(value, None) is None:
        raise ValueError("There is no such key.")
    return {"value": value}


def set_platform_roles(world: World, *, account: str, roles: list[str]) -> dict[str, Any]:
    """Give an account these roles in the organization, and no others."""
    account_id = world.jira.user(account).account_id
    world.platform_roles[account_id] = list(roles)
    return {"account": account_id, "roles": roles}


def use_product(
    world: World, *, account: str, product: str = "jira-software", at: float | None = None
) -> dict[str, Any]:
    """Let an account use a product, now or at a time in seconds since 1970."""
    account_id = world.jira.user(account).account_id
    world.last_active.setdefault(account_id, {})[product] = world.jira.now() if at is None else at
    return {"account": account_id, "product": product}


def sync_account(world: World, *, account: str) -> dict[str, Any]:
    """Let an identity provider supply an account."""
    user = world.jira.user(account)
    user.managed, user.management_source = True, "synced"
    return {"account": user.account_id}


def manage_account(world: World, *, account: str, managed: bool = True) -> dict[str, Any]:
    """Let the organization manage an account, or no more."""
    user = world.jira.user(account)
    user.managed = managed
    return {"account": user.account_id, "managed": user.managed}


OWN = actions_by_name(add_key, revoke_key, set_platform_roles, use_product, sync_account, manage_account)
"""The actions that only the administration site has."""
ACTIONS = {**jira_actions.ACTIONS, **OWN}


def act(world: World, action: str, /, **details: Any) -> dict[str, Any]:
    """Carry out an action of the administration site, or of the Jira world below; raises ActionError."""
    if action in OWN:
        return perform(OWN, world, action, details)
    if action in jira_actions.ACTIONS:
        return jira_actions.act(world.jira, action, **details)
    raise ActionError(f"There is no action {action!r}. Choose from: {', '.join(sorted(ACTIONS))}.")
