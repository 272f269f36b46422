"""What a person does in the administration site; people and groups are changed by the acts of the Jira world."""

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.world import ActError

if TYPE_CHECKING:
    from simulator.atlassian.world import World

Details = dict[str, Any]
Verb = Callable[["World", Details], Details]


def act(world: "World", name: str, details: Details) -> Details:
    """Do one thing and say what came of it; raises ActError."""
    verb = _VERBS.get(name)
    if verb is None:
        try:
            return world.jira.act(name, **details)
        except ActError as wrong:
            own = ", ".join(sorted(_VERBS))
            raise ActError(f"{wrong} The administration site itself has: {own}.") from wrong
    try:
        return verb(world, details)
    except KeyError as missing:
        raise ActError(f"{name} needs {missing}.") from missing
    except ValueError as wrong:
        raise ActError(f"{name}: {wrong}") from wrong


def _add_key(world: "World", details: Details) -> Details:
    value = details.get("value") or secrets.token_hex(20)
    world.load({"keys": [{**details, "value": value}]})
    return {"value": value}


def _revoke_key(world: "World", details: Details) -> Details:
    del world.keys[details["value"]]
    return {"value": details["value"]}


def _set_platform_roles(world: "World", details: Details) -> Details:
    account_id = world.jira.user(details["account"]).account_id
    world.platform_roles[account_id] = list(details["roles"])
    return {"account": account_id, "roles": details["roles"]}


def _use_product(world: "World", details: Details) -> Details:
    account_id = world.jira.user(details["account"]).account_id
    product = details.get("product", "jira-software")
    world.last_active.setdefault(account_id, {})[product] = details.get("at", world.jira.now())
    return {"account": account_id, "product": product}


def _sync_account(world: "World", details: Details) -> Details:
    user = world.jira.user(details["account"])
    user.managed, user.management_source = True, "synced"
    return {"account": user.account_id}


def _manage_account(world: "World", details: Details) -> Details:
    user = world.jira.user(details["account"])
    user.managed = bool(details.get("managed", True))
    return {"account": user.account_id, "managed": user.managed}


_VERBS: dict[str, Verb] = {
    "add_key": _add_key,
    "revoke_key": _revoke_key,
    "set_platform_roles": _set_platform_roles,
    "use_product": _use_product,
    "sync_account": _sync_account,
    "manage_account": _manage_account,
}
