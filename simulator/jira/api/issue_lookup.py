from __future__ import annotations

from simulator.jira.api.call import Call
from simulator.jira.api.projects import no_project
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


def project_in_query(call: Call, *names: str) -> Project | None:
    """Return the project of the issue, or the project, that the query names under one of ``names``; refuse an unknown one."""
    issue_key = call.query("issueKey") or call.query("issueId")
    if issue_key:
        issue = visible(call, issue_key)
        if issue is None:
            raise refuse(404, NO_ISSUE)
        return project_of(call, issue)
    key = next((found for name in names if (found := call.query(name))), None)
    if not key:
        return None
    project = call.world.projects.find(key)
    if project is None or not call.world.permissions.sees(call.caller, project):
        raise no_project(key)
    return project
