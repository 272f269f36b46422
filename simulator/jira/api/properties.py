from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.draft import PROPERTY_LIMIT
from simulator.jira.api.issue_lookup import project_of, the_issue
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import answer, empty, refuse

KEY_LIMIT = 255
NO_PROPERTY = "The property with key '{}' does not exist."


def keys(call: Call) -> Response:
    """Return the keys of an issue's properties."""
    issue = the_issue(call)
    at = f"{call.api}/issue/{issue.id}/properties"
    return answer({"keys": [{"self": f"{at}/{quote(key, safe='')}", "key": key} for key in issue.properties]})


def one(call: Call) -> Response:
    """Return one property."""
    issue, key = the_issue(call), call.path("property")
    if key not in issue.properties:
        raise refuse(404, NO_PROPERTY.format(key))
    return answer({"key": key, "value": issue.properties[key]})


def put(call: Call) -> Response:
    """Set a property to any JSON value, replacing what was there."""
    issue, key = the_issue(call), call.path("property")
    call.require("EDIT_ISSUES", "You do not have permission to edit issues in this project.", project_of(call, issue))
    value = call.json()
    if len(key) > KEY_LIMIT:
        raise refuse(400, f"The property key must be no longer than {KEY_LIMIT} characters.")
    if len(call.raw.decode(errors="replace")) > PROPERTY_LIMIT:
        raise refuse(400, f"The property value must be no longer than {PROPERTY_LIMIT} characters.")
    is_new = key not in issue.properties
    issue.properties[key] = value
    return empty(201 if is_new else 200)


def delete(call: Call) -> Response:
    """Delete a property."""
    issue, key = the_issue(call), call.path("property")
    call.require("EDIT_ISSUES", "You do not have permission to edit issues in this project.", project_of(call, issue))
    if key not in issue.properties:
        raise refuse(404, NO_PROPERTY.format(key))
    del issue.properties[key]
    return empty()


WORK, WRITE = "read:jira-work", "write:jira-work"
AT = "/issue/{key}/properties"
OPERATIONS = (
    Operation("GET", AT, keys, WORK, "read:issue.property", login="open"),
    Operation("GET", f"{AT}/{{property}}", one, WORK, "read:issue.property", login="open"),
    Operation("PUT", f"{AT}/{{property}}", put, WRITE, "write:issue.property", issue_write=True),
    Operation("DELETE", f"{AT}/{{property}}", delete, WRITE, "delete:issue.property", issue_write=True),
)
