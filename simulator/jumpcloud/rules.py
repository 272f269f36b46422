"""Rules of dynamic groups: who ought to be a member, and what the service does about the difference."""

import fnmatch
from collections.abc import Callable
from typing import Any

from simulator.jumpcloud import documents
from simulator.jumpcloud.associations import record_membership
from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.records import SERVICE, Group, User
from simulator.jumpcloud.world import World

_ORDERED: dict[str, Callable[[str, str], bool]] = {
    "gt": lambda have, want: have > want,
    "ge": lambda have, want: have >= want,
    "lt": lambda have, want: have < want,
    "le": lambda have, want: have <= want,
}


def evaluate_all(world: World) -> None:
    """Evaluate the rules of all dynamic groups, as happens at night and when a user changes."""
    for group in [group for group in world.groups if group.dynamic]:
        evaluate(world, group)


def evaluate(world: World, group: Group) -> None:
    """Bring an automated group in line with its rule, or make suggestions for one that is reviewed."""
    if not group.dynamic:
        return
    if group.membership_method == "DYNAMIC_AUTOMATED":
        take_back(world, group.id)
    if not group.member_query:
        return
    ought = {user.id for user in world.users if _meets(user, group.member_query)}
    have = set(world.members.rights(group.id))
    exempt = set(group.exemptions)
    ops = dict.fromkeys(sorted(ought - have - exempt), "add")
    ops |= dict.fromkeys(sorted(have - ought - exempt), "remove")
    if group.membership_method == "DYNAMIC_AUTOMATED":
        for user_id, op in ops.items():
            _apply(world, group, user_id, op)
    else:
        world.suggestions[group.id] = ops


def check_query(query: Any) -> None:
    """Refuse with 400 a rule that cannot be evaluated."""
    filters = [] if query is None else query.get("filters") or []
    known = {"eq", "ne", "in", "search", "between", *_ORDERED}
    whole = isinstance(filters, list) and all(
        isinstance(each, dict) and {"field", "operator", "value"} <= set(each) and each["operator"] in known
        for each in filters
    )
    if not whole:
        raise ApiError(400, "memberQuery must have filters with field, operator and value")


def take_back_later(world: World, group_id: str, user_id: str, op: str) -> None:
    """Remember a change made by hand to an automated group, to be undone by the next evaluation."""
    before = world.by_hand.pop((group_id, user_id), None)
    if before is None:
        world.by_hand[group_id, user_id] = op
    if world.switches.dynamic_revert_ms is not None:
        world.reverts_due.append((world.clock() + world.switches.dynamic_revert_ms / 1000, group_id))


def take_back_due(world: World) -> None:
    """Undo what was to be undone by now."""
    now = world.clock()
    due = {group_id for at, group_id in world.reverts_due if at <= now}
    world.reverts_due = [entry for entry in world.reverts_due if entry[0] > now]
    for group_id in due:
        take_back(world, group_id)


def take_back(world: World, group_id: str) -> None:
    """Undo every change made by hand to a group."""
    group = world.groups.get(group_id)
    for changed_group, user_id in list(world.by_hand):
        if changed_group == group_id:
            op = world.by_hand.pop((group_id, user_id))
            if group is not None:
                _apply(world, group, user_id, "remove" if op == "add" else "add")


def _apply(world: World, group: Group, user_id: str, op: str) -> None:
    user = world.users.get(user_id)
    if op == "add" and (user is None or world.members.has(group.id, user_id)):
        return
    if op == "remove" and not world.members.has(group.id, user_id):
        return
    if op == "add":
        world.members.add(group.id, user_id, seen_from=world.later())
    else:
        world.members.remove(group.id, user_id, seen_from=world.later())
    if world.switches.dynamic_emits_association_change and user is not None:
        record_membership(world, SERVICE, op, group, user)


def _meets(user: User, query: Any) -> bool:
    return all(_passes(user, condition) for condition in query.get("filters") or [])


def _passes(user: User, condition: dict[str, Any]) -> bool:
    value = documents.user_value(user, str(condition["field"]))
    have = "" if value is None else str(value)
    want = str(condition["value"])
    match condition["operator"]:
        case "eq":
            return fnmatch.fnmatchcase(have, want)
        case "ne":
            return not fnmatch.fnmatchcase(have, want)
        case "in":
            return have in want.split("|")
        case "search":
            return want.casefold() in have.casefold()
        case "between":
            low, _, high = want.partition("|")
            return low <= have <= high
        case op:
            return _ORDERED[op](have, want)
