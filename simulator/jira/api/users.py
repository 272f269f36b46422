from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.operation import Operation
from simulator.jira.api.paging import page
from simulator.jira.api.responses import answer, empty, refuse
from simulator.jira.api.user_documents import group_name, user_full, user_listed
from simulator.jira.people import User

NO_USER = "Specified user does not exist or you do not have required permissions"
NO_ACCOUNT_ID = "The 'accountId' query parameter needs to be provided"
PRODUCTS = ("jira-core", "jira-servicedesk", "jira-product-discovery", "jira-software")
ADDRESS = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")
LARGEST_PAGE = 1000
PHANTOM_EVERY = 5
"""With `short_pages` every fifth place of users/search is a record that nobody may see."""
MADE_ALL_THE_SAME = "User could not be created: Failed to add user HttpErrorCode 404 - User not found"


def find(call: Call, account_id: str | None) -> User | None:
    """Return an account that reads find, or None."""
    user = call.world.directory.users.get(account_id or "")
    if user is None or user.found_from > call.world.now():
        return None
    gone = user.membership_status == "no_membership" and user.removal_seen_from <= call.world.now()
    return None if gone and not call.world.switches.removed_user_readable else user


def listing(call: Call) -> Response:
    """List every account, active or not; pages may be short and are no sign of the end."""
    call.require("USER_PICKER", "You do not have permission to browse users.")
    start, size = call.integer("startAt", 0), call.integer("maxResults", 50)
    if start < 0 or not 0 < size <= LARGEST_PAGE:
        raise refuse(400, f"The maxResults parameter must be between 1 and {LARGEST_PAGE}.")
    directory, now = call.world.directory, call.world.now()
    ids = directory.user_ids
    if call.world.switches.short_pages:
        places = range(start, min(start + size, len(ids) + len(ids) // (PHANTOM_EVERY - 1)))
        real = (place - place // PHANTOM_EVERY for place in places if place % PHANTOM_EVERY != PHANTOM_EVERY - 1)
        shown = [ids[place] for place in real if place < len(ids)]
    else:
        shown = ids[start : start + size]
    users = (directory.users[each] for each in shown)
    return answer([user_listed(call, user) for user in users if user.found_from <= now])


def one(call: Call) -> Response:
    """Return one account."""
    if not call.query("accountId"):
        raise refuse(400, NO_ACCOUNT_ID)
    user = find(call, call.query("accountId"))
    if user is None or not call.may("USER_PICKER"):
        raise refuse(404, NO_USER)
    return answer(user_full(call, user, call.listed("expand")))


def bulk(call: Call) -> Response:
    """Return several accounts by id; unknown ids are left out."""
    wanted = call.many("accountId")
    if not wanted:
        raise refuse(400, "accountId must be specified")
    start = call.integer("startAt", 0)
    size = min(call.integer("maxResults", 10), call.world.switches.users_bulk_cap)
    found = [user for each in dict.fromkeys(wanted) if (user := find(call, each)) is not None]
    if call.world.switches.unknown_in_bulk == "404" and len(found) < len(set(wanted)):
        raise refuse(404, NO_USER)
    shown = [user_listed(call, user) for user in found[start : start + size]]
    return answer(page(call, shown, start=start, size=size, total=len(found)))


def groups_of(call: Call) -> Response:
    """Return the groups of an account."""
    if not call.query("accountId"):
        raise refuse(400, NO_ACCOUNT_ID)
    user = find(call, call.query("accountId"))
    if user is None:
        raise refuse(404, NO_USER)
    return answer([group_name(call, group) for group in call.world.directory.groups_of(user.account_id)])


def create(call: Call) -> Response:
    """Invite somebody, or give the account that is there already."""
    call.require("ADMINISTER", "You are not authorized to create users.")
    body = call.members()
    email, products = _checked(body)
    administration = call.world.administration
    user = call.world.directory.user_by_email(email)
    if user is not None and administration.has_access(user):
        return answer(user_full(call, user), 201)
    if products and call.world.switches.licence_full:
        raise refuse(400, "You cannot add more users: the licence limit of the product has been reached.")
    if user is not None and (call.world.switches.existing_without_access_status == 400 or not products):
        raise refuse(400, "A user with that email address already exists but has no access to Jira.")
    is_new = user is None
    if user is None:
        user = administration.create_user(
            email, now=call.world.now(), switches=call.world.switches, actor=call.me.account_id
        )
    else:
        administration.invite_back(user, actor=call.me.account_id)
    for group in administration.access_groups(products):
        administration.add_member(group, user, actor=call.me.account_id)
    if is_new and call.world.switches.invited_arrive == "suspended":
        administration.set_membership_status(user, "suspended")
    if call.world.switches.create_user_400_but_made:
        raise refuse(400, MADE_ALL_THE_SAME)
    return answer(user_full(call, user), 201)


def _checked(body: dict[str, Any]) -> tuple[str, list[str]]:
    products, email = body.get("products"), body.get("emailAddress")
    if not isinstance(products, list):
        raise refuse(400, "You must specify the products that user can access.")
    unknown = [str(each) for each in products if not isinstance(each, str) or each not in PRODUCTS]
    if unknown:
        raise refuse(400, f"Invalid products specified: {', '.join(unknown)}")
    if not email:
        raise refuse(400, errors={"emailAddress": "You must specify an email address."})
    if not isinstance(email, str) or not ADDRESS.match(email):
        raise refuse(400, errors={"emailAddress": "You must specify a valid email address."})
    return email, products


def remove(call: Call) -> Response:
    """Take an account out of this site; the Atlassian account stays."""
    call.require("SITE_ADMIN", "You are not authorized to remove users.")
    user = call.world.directory.users.get(call.query("accountId") or "")
    if not call.query("accountId"):
        raise refuse(400, NO_ACCOUNT_ID)
    if user is None or user.membership_status == "no_membership":
        raise refuse(404, NO_USER)
    if user is call.caller:
        raise refuse(400, "Cannot delete user. You cannot delete yourself.")
    seen_from = call.world.now() + call.world.switches.removal_lag_ms / 1000
    call.world.administration.remove_user(user, seen_from=seen_from, actor=call.me.account_id)
    return empty()


def by_email(call: Call) -> Response:
    """Refuse: finding by address is for approved apps only."""
    raise refuse(400, f"The operation {call.request.url.path} is only available to approved apps.")


READ = "read:application-role read:avatar read:group read:user"
USER = "read:jira-user"
OPERATIONS = (
    Operation("GET", "/users/search", listing, USER, READ, login="directory"),
    Operation("GET", "/users", listing, USER, READ, login="directory"),
    Operation("GET", "/user", one, USER, READ, login="directory"),
    Operation("POST", "/user", create, "manage:jira-configuration", "write:user"),
    Operation("DELETE", "/user", remove, "manage:jira-configuration", "write:user"),
    Operation("GET", "/user/bulk", bulk, USER, READ, login="directory"),
    Operation("GET", "/user/groups", groups_of, USER, "read:group", login="directory"),
    Operation("GET", "/user/email", by_email, USER, READ, login="directory"),
)
