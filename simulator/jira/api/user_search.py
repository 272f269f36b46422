from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.operation import Operation
from simulator.jira.api.projects import no_project
from simulator.jira.api.responses import NO_ISSUE, answer, refuse
from simulator.jira.api.user_documents import shows_email, user_listed
from simulator.jira.api.users import LARGEST_PAGE, find
from simulator.jira.people import User
from simulator.jira.projects import Project

REACH = 1000
"""Only so many users are looked at [spec]."""
ONE_OF = "Either the 'query' or the 'accountId' query parameter has to be provided."


def search(call: Call) -> Response:
    """Find active users by the start of a word of their name or address."""
    if not call.may("USER_PICKER"):
        return answer([])
    query = call.query("query")
    if not query and not call.query("accountId") and not call.query("property"):
        raise refuse(400, "One of the 'query', 'accountId' or 'property' query parameters has to be provided.")
    return _page(call, _asked_for(call))


def with_permission(call: Call) -> Response:
    """Find users who hold all of some permissions in a project."""
    wanted = call.listed("permissions")
    if not wanted:
        raise refuse(400, "The 'permissions' query parameter needs to be provided")
    project = _project(call)
    permissions = call.world.permissions
    some = _asked_for(call) if call.query("query") or call.query("accountId") else _first(call)
    return _page(call, (user for user in some if all(permissions.has(user, each, project) for each in wanted)))


def who_sees(call: Call) -> Response:
    """Find users who see a project or issue."""
    if not call.query("query") and not call.query("accountId"):
        raise refuse(400, ONE_OF)
    project = _project(call)
    seen = (user for user in _asked_for(call) if project is None or call.world.permissions.sees(user, project))
    return _page(call, seen)


def assignable(call: Call) -> Response:
    """Find users whom issues of a project can be assigned to."""
    project = _project(call)
    if project is None:
        raise refuse(400, "The 'project' or 'issueKey' query parameter has to be provided.")
    some = _asked_for(call) if call.query("query") or call.query("accountId") else _first(call)
    return _page(call, (user for user in some if call.world.permissions.has(user, "ASSIGNABLE_USER", project)))


def _project(call: Call) -> Project | None:
    issue_key = call.query("issueKey") or call.query("issueId")
    if issue_key:
        issue = call.world.issues.find(issue_key)
        if issue is None:
            raise refuse(404, NO_ISSUE)
        return call.world.projects.by_id[issue.project_id]
    key = call.query("projectKey") or call.query("project")
    if not key:
        return None
    project = call.world.projects.find(key)
    if project is None or not call.world.permissions.sees(call.caller, project):
        raise no_project(key)
    return project


def _first(call: Call) -> Iterator[User]:
    directory = call.world.directory
    return (user for each in directory.user_ids[:REACH] if (user := directory.users[each]).active)


def _asked_for(call: Call) -> Iterator[User]:
    account_id, query = call.query("accountId"), call.query("query")
    if account_id:
        user = find(call, account_id)
        return iter([user] if user and user.active else [])
    if not query:
        return iter(())
    by_address = call.world.directory.user_by_email(query)
    found: Iterable[User] = call.world.directory.names.starting_with(query)
    if by_address is not None:
        found = [by_address, *(user for user in found if user is not by_address)]
    return islice((user for user in found if user.active and _shown(call, user, query)), REACH)


def _shown(call: Call, user: User, query: str) -> bool:
    if user.found_from > call.world.now():
        return False
    if shows_email(call, user):
        return True
    if user.email.casefold() == query.casefold():
        return call.world.switches.search_hidden_email == "hit"
    name = user.display_name.casefold()
    return any(each.startswith(query.casefold()) for each in (name, *name.split()))


def _page(call: Call, users: Iterable[User]) -> Response:
    start, size = call.integer("startAt", 0), call.integer("maxResults", 50)
    if start < 0 or not 0 < size <= LARGEST_PAGE:
        raise refuse(400, f"The maxResults parameter must be between 1 and {LARGEST_PAGE}.")
    return answer([user_listed(call, user) for user in islice(users, start, start + size)])


USER = "read:jira-user"
SEARCH = "read:application-role read:avatar read:group read:user"
WORK = f"{SEARCH} read:issue read:project"
OPERATIONS = (
    Operation("GET", "/user/search", search, USER, f"{SEARCH} read:user.property", login="directory", user_search=True),
    Operation("GET", "/user/permission/search", with_permission, USER, WORK, login="directory", user_search=True),
    Operation("GET", "/user/viewissue/search", who_sees, USER, WORK, login="directory", user_search=True),
    Operation("GET", "/user/assignable/search", assignable, USER, WORK, login="directory", user_search=True),
)
