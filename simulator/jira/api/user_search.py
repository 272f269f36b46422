from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from starlette.responses import Response

from simulator.folding import ascii_lower
from simulator.jira import names
from simulator.jira.api.call import Call
from simulator.jira.api.issue_lookup import project_in_query
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import answer, refuse
from simulator.jira.api.user_documents import shows_email, user_listed
from simulator.jira.api.users import LARGEST_PAGE, find
from simulator.jira.names import WORD
from simulator.jira.people import User

REACH = 1000
"""Only so many users are looked at [spec]."""
ONE_OF = "Either the 'query' or the 'accountId' query parameter has to be provided."


def search(call: Call) -> Response:
    """Find active users by the start of a word of their name or address; an empty query finds all of them."""
    if not call.may("USER_PICKER"):
        return answer([])
    if not _names_somebody(call) and call.query("property") is None:
        raise refuse(400, "One of the 'query', 'accountId' or 'property' query parameters has to be provided.")
    start, size = _window(call)
    return answer([user_listed(call, user) for user in islice(_asked_for(call), start, start + size)])


def with_permission(call: Call) -> Response:
    """Find users who hold all of some permissions in a project."""
    wanted = call.listed("permissions")
    if not wanted:
        raise refuse(400, "The 'permissions' query parameter needs to be provided")
    project = project_in_query(call, "projectKey", "project")
    permissions = call.world.permissions
    return _filtered(call, lambda user: all(permissions.has(user, each, project) for each in wanted))


def who_sees(call: Call) -> Response:
    """Find users who see a project or issue."""
    if not _names_somebody(call):
        raise refuse(400, ONE_OF)
    project = project_in_query(call, "projectKey", "project")
    return _filtered(call, lambda user: project is None or call.world.permissions.sees(user, project))


def assignable(call: Call) -> Response:
    """Find users whom issues of a project can be assigned to."""
    project = project_in_query(call, "projectKey", "project")
    if project is None:
        raise refuse(400, "The 'project' or 'issueKey' query parameter has to be provided.")
    return _filtered(call, lambda user: call.world.permissions.has(user, "ASSIGNABLE_USER", project))


def _names_somebody(call: Call) -> bool:
    return call.query("query") is not None or bool(call.query("accountId"))


def _asked_for(call: Call) -> Iterator[User]:
    """Return the active users that the caller names; all of them when the query has no letter and no digit."""
    account_id, query = call.query("accountId"), call.query("query") or ""
    directory, now = call.world.directory, call.world.now()
    if account_id:
        user = find(call, account_id)
        return iter([user] if user and user.active else [])
    if not WORD.search(query):
        everybody = (directory.users[each] for each in directory.user_ids[:REACH])
        return (user for user in everybody if user.active and max(user.found_from, user.searched_from) <= now)
    found: Iterable[User] = directory.names.starting_with(query)
    by_address = directory.user_by_email(query)
    if by_address is not None:
        found = [by_address, *(user for user in found if user is not by_address)]
    late = directory.search_lags()
    known = [user for user in late if names.matches(query, *user.searched_as)]
    shown = [*known, *(user for user in found if _shown(call, user, query))]
    return islice((user for user in shown if user.active), REACH)


def _shown(call: Call, user: User, query: str) -> bool:
    now = call.world.now()
    if user.found_from > now or user.searched_from > now:
        return False
    if shows_email(call, user) or names.matches(query, user.display_name, ""):
        return True
    how, email = call.world.switches.search_hidden_email, ascii_lower(user.email)
    return (how != "none" and email == ascii_lower(query)) or (how == "beginning" and names.matches(query, "", email))


def _window(call: Call) -> tuple[int, int]:
    start, size = call.integer("startAt", 0), call.integer("maxResults", 50)
    if start < 0 or not 0 < size <= LARGEST_PAGE:
        raise refuse(400, f"The maxResults parameter must be between 1 and {LARGEST_PAGE}.")
    return start, size


def _filtered(call: Call, test: Callable[[User], bool]) -> Response:
    """Return one page, which is filtered only after it was cut, so that it may be short anywhere [spec]."""
    start, size = _window(call)
    page = islice(_asked_for(call), start, start + size)
    return answer([user_listed(call, user) for user in page if test(user)])


USER = "read:jira-user"
SEARCH = "read:application-role read:avatar read:group read:user"
WORK = f"{SEARCH} read:issue read:project"
OPERATIONS = (
    Operation("GET", "/user/search", search, USER, f"{SEARCH} read:user.property", login="directory", user_search=True),
    Operation("GET", "/user/permission/search", with_permission, USER, WORK, login="directory", user_search=True),
    Operation("GET", "/user/viewissue/search", who_sees, USER, WORK, login="directory", user_search=True),
    Operation("GET", "/user/assignable/search", assignable, USER, WORK, login="directory", user_search=True),
)
