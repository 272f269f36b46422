"""What a person does in the console: changes that do not come through the API of the client under test.

Users are named by id, e-mail address or user name, groups by id or name, administrators by id or e-mail address.
"""

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from simulator.jumpcloud import applications, groups, people, rules, snapshot
from simulator.jumpcloud.records import Actor, Application, Key
from simulator.jumpcloud.refusals import RefusalError
from simulator.world import ActError

if TYPE_CHECKING:
    from simulator.jumpcloud.world import World

Details = dict[str, Any]
Verb = Callable[["World", Actor, Details], Details]


def act(world: "World", by: Actor, name: str, details: Details) -> Details:
    """Do one thing and say what came of it; raises ActError."""
    verb = _VERBS.get(name)
    if verb is None:
        raise ActError(f"No such act: {name!r}. Choose from: {', '.join(sorted(_VERBS))}.")
    try:
        return verb(world, by, details)
    except RefusalError as refused:
        raise ActError(f"{name}: {refused.message or 'refused'} (status {refused.status}).") from refused
    except KeyError as missing:
        raise ActError(f"{name} needs {missing}.") from missing
    except ValueError as wrong:
        raise ActError(f"{name}: {wrong}") from wrong


def _user(world: "World", details: Details) -> str:
    return snapshot.user_id_of(world, details["user"])


def _group(world: "World", details: Details) -> str:
    return snapshot.group_id_of(world, details["group"])


def _admin(world: "World", details: Details) -> str:
    name = details["admin"]
    for admin in world.admins:
        if name in {admin.id, admin.email}:
            return admin.id
    raise ValueError(f"There is no administrator {name!r}.")


def _application(world: "World", details: Details) -> Application:
    name = details["application"]
    for application in world.applications:
        if name in {application.id, application.display_label, application.name}:
            return application
    raise ValueError(f"There is no application {name!r}.")


def _add_user(world: "World", by: Actor, details: Details) -> Details:
    fields = {"username": str(details["email"]).partition("@")[0], **details}
    return {"id": people.create_user(world, by, fields).id}


def _change_user(world: "World", by: Actor, details: Details) -> Details:
    fields = {name: value for name, value in details.items() if name != "user"}
    return {"id": people.change_user(world, by, _user(world, details), fields).id}


def _to_state(state: str) -> Verb:
    def change(world: "World", by: Actor, details: Details) -> Details:
        return {"id": people.change_user(world, by, _user(world, details), {"state": state}).id}

    return change


def _delete_user(world: "World", by: Actor, details: Details) -> Details:
    return {"id": people.remove_user(world, by, _user(world, details)).id}


def _add_group(world: "World", by: Actor, details: Details) -> Details:
    return {"id": groups.create_group(world, by, details).id}


def _change_group(world: "World", by: Actor, details: Details) -> Details:
    fields = {name: value for name, value in details.items() if name != "group"}
    return {"id": groups.change_group(world, by, _group(world, details), fields).id}


def _delete_group(world: "World", by: Actor, details: Details) -> Details:
    return {"id": groups.remove_group(world, by, _group(world, details)).id}


def _member(op: str) -> Verb:
    def change(world: "World", by: Actor, details: Details) -> Details:
        group_id, user_id = _group(world, details), _user(world, details)
        groups.change_member(world, by, group_id, op, user_id)
        return {"group": group_id, "user": user_id}

    return change


def _add_application(world: "World", by: Actor, details: Details) -> Details:
    return {"id": applications.create_application(world, by, details).id}


def _delete_application(world: "World", by: Actor, details: Details) -> Details:
    return {"id": applications.remove_application(world, by, _application(world, details).id).id}


def _binding(op: str) -> Verb:
    def change(world: "World", by: Actor, details: Details) -> Details:
        kind = "user_group" if "group" in details else "user"
        ident = _group(world, details) if kind == "user_group" else _user(world, details)
        application = _application(world, details)
        groups.change_binding(world, by, application, op, (kind, ident), from_app=True)
        return {"application": application.id, kind: ident}

    return change


def _add_admin(world: "World", by: Actor, details: Details) -> Details:
    key = details.get("apiKey") or f"jca_{secrets.token_hex(18)}"
    return {"id": people.create_admin(world, by, {**details, "apiKey": key}).id, "api_key": key}


def _change_admin(world: "World", by: Actor, details: Details) -> Details:
    fields = {name: value for name, value in details.items() if name != "admin"}
    return {"id": people.change_admin(world, by, _admin(world, details), fields).id}


def _delete_admin(world: "World", by: Actor, details: Details) -> Details:
    return {"id": people.remove_admin(world, by, _admin(world, details)).id}


def _reset_key(world: "World", _: Actor, details: Details) -> Details:
    admin_id = _admin(world, details)
    world.keys = {text: key for text, key in world.keys.items() if key.admin_id != admin_id}
    text = details.get("apiKey") or f"jca_{secrets.token_hex(18)}"
    world.keys[text] = Key(text, admin_id, world.clock(), details.get("expires_at"))
    return {"api_key": text}


def _expire_key(world: "World", _: Actor, details: Details) -> Details:
    text = details["api_key"]
    world.keys[text] = replace(world.keys[text], expires_at=world.clock())
    return {"api_key": text}


def _change_service_account(world: "World", _: Actor, details: Details) -> Details:
    account = world.service_accounts[details["client_id"]]
    changes: Details = {name: details[name] for name in ("role", "enabled") if name in details}
    if "secrets" in details:
        changes["secrets"] = tuple(details["secrets"])
    world.service_accounts[account.client_id] = replace(account, **changes)
    return {"client_id": account.client_id}


def _revoke_tokens(world: "World", _: Actor, _details: Details) -> Details:
    revoked = len(world.tokens)
    world.tokens.clear()
    return {"revoked": revoked}


def _evaluate_rules(world: "World", _: Actor, _details: Details) -> Details:
    rules.evaluate_all(world)
    return {"groups": [group.id for group in world.groups if group.dynamic]}


_VERBS: dict[str, Verb] = {
    "add_user": _add_user,
    "change_user": _change_user,
    "suspend_user": _to_state("SUSPENDED"),
    "activate_user": _to_state("ACTIVATED"),
    "delete_user": _delete_user,
    "add_group": _add_group,
    "change_group": _change_group,
    "delete_group": _delete_group,
    "add_member": _member("add"),
    "remove_member": _member("remove"),
    "add_application": _add_application,
    "delete_application": _delete_application,
    "bind_application": _binding("add"),
    "unbind_application": _binding("remove"),
    "add_admin": _add_admin,
    "change_admin": _change_admin,
    "delete_admin": _delete_admin,
    "reset_key": _reset_key,
    "expire_key": _expire_key,
    "change_service_account": _change_service_account,
    "revoke_tokens": _revoke_tokens,
    "evaluate_rules": _evaluate_rules,
}
