from __future__ import annotations

from html import escape

from starlette.responses import HTMLResponse, Response

from simulator.jira.api.call import Call
from simulator.jira.api.operation import Operation
from simulator.jira.wiki import to_wiki

PAGE = """<!doctype html>
<meta charset="utf-8"><title>[{key}] {summary}</title>
<style>body{{font:16px/1.5 system-ui;max-width:48rem;margin:2rem auto;padding:0 1rem}}pre{{white-space:pre-wrap}}</style>
<p>{project} / {key}</p><h1>{summary}</h1><p><strong>{status}</strong> {resolution} {labels}</p>
<pre>{description}</pre><h2>Comments</h2>{comments}
"""


def page(call: Call) -> Response:
    """Show an issue to whoever follows a link to it, without a login: there is nothing real to protect."""
    issue = call.world.issues.find(call.path("issue"))
    if issue is None:
        return HTMLResponse("<!doctype html><title>Not found</title><p>This issue does not exist.", 404)
    users = call.world.directory.users
    comments = "".join(
        f"<h3>{escape(users[each.author].display_name)}</h3><pre>{escape(to_wiki(each.body))}</pre>"
        for each in issue.comments
    )
    return HTMLResponse(
        PAGE.format(
            key=issue.key,
            summary=escape(issue.summary),
            project=escape(call.world.projects.by_id[issue.project_id].name),
            status=escape(call.world.catalogue.statuses[issue.status_id].name),
            resolution="" if issue.resolution_id is None else "(resolved)",
            labels=escape(" ".join(issue.labels)),
            description=escape(to_wiki(issue.values.get("description"))),
            comments=comments or "<p>None yet.</p>",
        ).encode(errors="replace")
    )


OPERATIONS = (Operation("GET", "/browse/{issue}", page, login="open", root=True),)
