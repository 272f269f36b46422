from __future__ import annotations

from simulator.jira.api.call import Call
from simulator.jira.api.responses import NO_ISSUE, refuse
from simulator.jira.issues import Issue
from simulator.jira.projects import Project


def visible(call: Call, id_or_key: str) -> Issue | None:
    """Return an issue that the caller may see, or None."""
    issue = call.world.issues.find(id_or_key)
    return issue if issue is not None and call.sees_issue(issue) else None


def the_issue(call: Call) -> Issue:
    """Return the issue of the path, or refuse."""
    issue = visible(call, call.path("key"))
    if issue is None:
        raise refuse(404, NO_ISSUE)
    return issue


def project_of(call: Call, issue: Issue) -> Project:
    """Return the project of an issue."""
    return call.world.projects.by_id[issue.project_id]
