from __future__ import annotations

from typing import Any

from simulator.actions import actions_by_name
from simulator.jira.world import World


def issue_token(
    world: World,
    *,
    account: str,
    token: str,
    scopes: list[str] | None = None,
    expires_in: float | None = None,
    good_in: float = 0.0,
) -> dict[str, Any]:
    """Make an API token: classic without scopes; times are seconds from now."""
    now = world.now()
    if scopes is None and world.user(account).account_type == "app":
        raise ValueError("A service account has scoped tokens only. Give `scopes` too.")
    made = world.tokens.add(
        token,
        world.user(account).account_id,
        scopes=scopes,
        good_from=now + good_in if good_in else 0.0,
        expires=None if expires_in is None else now + expires_in,
    )
    return {"account_id": made.account_id, "scopes": made.scopes}


def revoke_token(world: World, *, token: str) -> dict[str, Any]:
    """Revoke an API token; an expired one looks the same."""
    found = world.tokens.by_value.get(token)
    if found is None:
        raise ValueError("There is no such token.")
    found.revoked = True
    return {"account_id": found.account_id, "revoked": True}


def set_site(world: World, *, cloud_id: str | None = None, organization_id: str | None = None) -> dict[str, Any]:
    """Give the site another cloud id or the organization another id, as if another one had been set up here."""
    world.site.cloud_id = cloud_id or world.site.cloud_id
    world.organization.id = organization_id or world.organization.id
    return {"cloud_id": world.site.cloud_id, "organization_id": world.organization.id}


def advance(world: World, *, seconds: float) -> dict[str, Any]:
    """Let the world's time jump ahead."""
    world.advance(seconds)
    return {"now": world.now()}


ACTIONS = actions_by_name(issue_token, revoke_token, set_site, advance)
