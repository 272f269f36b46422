"""v1 system users: list, search, read, and the changes that third-party clients make."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from simulator.folding import ascii_lower
from simulator.jumpcloud import documents, people
from simulator.jumpcloud.api import filters
from simulator.jumpcloud.api.call import Call
from simulator.jumpcloud.api.paging import drift, projected, sorted_by, window
from simulator.jumpcloud.api.responses import answer, raw_answer
from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.fields import SEARCH, check_texts, check_types
from simulator.jumpcloud.records import CONSOLE, User
from simulator.jumpcloud.world import World

_IDS = ("_id", "id")
_SEARCHED = ("username", "email", "firstname", "lastname", "displayname", "alternateEmail", "employeeIdentifier")
_UNIQUE = ("_id", "id", "email", "username")
"""Fields that an index answers for."""
_TURN = 7
"""How far a list without `sort` turns from one call to the next under the switch `unsorted_order`."""


def list_users(call: Call) -> Response:
    """GET /systemusers."""
    drift(call, remove=lambda: _remove_first(call.world), insert=lambda: _insert(call.world))
    without_dollar = call.world.switches.filter_without_dollar
    key, test, equal = filters.v1_query(call.query, without_dollar)
    search_key, search = filters.v1_search(call.query, _SEARCHED)
    sort = call.query.get("sort", "").split()
    by_index = len(equal) == 1 and search is None and set(equal) <= set(_UNIQUE)
    if by_index and not call.world.switches.filter_lag_ms:
        rows: Sequence[User] = _by_index(call.world, *next(iter(equal.items())))
    else:
        rows = _select(call.world, (key, search_key, without_dollar), [test, search], sort)
    limit, skip = window(call.world, call.query.get("limit"), call.query.get("skip"))
    return _page(call, rows, limit, skip, call.query.get("fields", "").split())


def search_users(call: Call) -> Response:
    """POST /search/systemusers."""
    body = call.body()
    check_types(body, SEARCH)
    key, test = filters.search_body(body, _SEARCHED)
    rows = _select(call.world, ("search", key), [test], _names(call, body, "sort"))
    names = _names(call, body, "fields")
    limit, skip = window(
        call.world,
        body.get("limit", call.query.get("limit")),
        body.get("skip", call.query.get("skip")),
    )
    switches = call.world.switches
    with_groups = switches.search_returns_memberof and ("memberof" in names or not switches.memberof_needs_fields)
    return _page(call, rows, limit, skip, names, with_groups=with_groups)


def _names(call: Call, body: dict[str, Any], name: str) -> list[str]:
    """Return field names sent in the body, as a list or with blanks between, or in the query."""
    sent = body.get(name) or call.query.get(name) or ""
    return sent.split() if isinstance(sent, str) else check_texts(name, sent)


def read_user(call: Call) -> Response:
    """GET /systemusers/{id}."""
    user = call.world.users.seen(call.ident())
    if user is None:
        raise ApiError(call.world.switches.unknown_id_status, "Not Found")
    return answer(projected(documents.user_document(call.world, user), call.query.get("fields", "").split(), _IDS))


def create_user(call: Call) -> Response:
    """POST /systemusers."""
    user = people.create_user(call.world, call.actor, call.body())
    return answer(documents.user_document(call.world, user))


def change_user(call: Call) -> Response:
    """PUT /systemusers/{id}."""
    user = people.change_user(call.world, call.actor, call.ident(), call.body())
    return answer(documents.user_document(call.world, user))


def delete_user(call: Call) -> Response:
    """DELETE /systemusers/{id}."""
    user = people.remove_user(call.world, call.actor, call.ident())
    return answer(documents.user_document(call.world, user))


def activate_user(call: Call) -> Response:
    """POST /systemusers/{id}/state/activate."""
    people.change_user(call.world, call.actor, call.ident(), {"state": "ACTIVATED"})
    return answer({})


def suspend_user(call: Call) -> Response:
    """POST /systemusers/{id}/state/suspend."""
    people.change_user(call.world, call.actor, call.ident(), {"state": "SUSPENDED"})
    return answer({})


def _by_index(world: World, name: str, value: str) -> list[User]:
    """Return at most one user; the filter tells capitals apart, the index does not."""
    user = world.users.seen(value if name in _IDS else world.user_ids.get(ascii_lower(value), ""))
    return [user] if user is not None and documents.user_value(user, name) == value else []


def _select(
    world: World, key: tuple[str, ...], tests: Sequence[filters.Test | None], sort: Sequence[str]
) -> Sequence[User]:
    wanted = [test for test in tests if test is not None]

    def make(users: Iterable[User]) -> list[User]:
        rows = list(users)
        for test in wanted:
            rows = [user for user in rows if test(partial(documents.user_value, user))]
        return sorted_by(rows, sort, documents.user_value)

    rows = world.users.listing((key, tuple(sort)), make, filtered=bool(wanted))
    if not sort and world.switches.unsorted_order == "rotating" and rows:
        world.turns += _TURN
        turn = world.turns % len(rows)
        return [*rows[turn:], *rows[:turn]]
    return rows


def _page(
    call: Call,
    rows: Sequence[User],
    limit: int,
    skip: int,
    fields: Sequence[str],
    *,
    with_groups: bool = False,
) -> Response:
    world = call.world
    page = rows[skip : skip + limit]
    if not fields and not with_groups:
        listed = ",".join([documents.user_json(world, user) for user in page])
        return raw_answer(f'{{"totalCount":{len(rows)},"results":[{listed}]}}'.encode())
    results: list[dict[str, Any]] = [projected(documents.user_document(world, user), fields, _IDS) for user in page]
    if with_groups:
        late = _late_memberships(world)
        for user, document in zip(page, results, strict=True):
            document["memberof"] = _groups_of(world, user.id, late.get(user.id, []))
    return answer({"totalCount": len(rows), "results": results})


def _groups_of(world: World, user_id: str, late: Sequence[tuple[str, str]]) -> list[str]:
    """Return the groups that search shows, without the changes it does not know of yet."""
    groups = list(world.members.seen_lefts(user_id))
    for op, group_id in late:
        if op == "add" and group_id in groups:
            groups.remove(group_id)
        elif op == "remove" and group_id not in groups:
            groups.append(group_id)
    return groups


def _late_memberships(world: World) -> dict[str, list[tuple[str, str]]]:
    late: dict[str, list[tuple[str, str]]] = defaultdict(list)
    if lag := world.switches.memberof_lag_ms / 1000:
        since = world.clock() - lag
        for event in reversed(list(world.journal)):
            if event.at < since:
                break
            if event.body["event_type"] == "association_change":
                ends = event.body["association"]["connection"]
                late[ends["to"]["object_id"]].append((event.body["association"]["op"], ends["from"]["object_id"]))
    return late


def _remove_first(world: World) -> None:
    people.remove_user(world, CONSOLE, next(iter(world.users)).id)


def _insert(world: World) -> None:
    name = f"drifted.{len(world.users)}"
    people.create_user(world, CONSOLE, {"username": name, "email": f"{name}@example.com"})
