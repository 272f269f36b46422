"""What we wrote, read by clients of other people: the Python library ``jira``, and jira.js where Node and it are there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from jira import JIRA

from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from simulator.systems import act
from tests.conftest import absent
from tests.ticketing.simulated_ticketing import MARKER, SimulatedTicketing, draft
from ticketing.adf import plain_text, to_adf
from ticketing.jira.calls import PROPERTY
from ticketing.ports import Phase, RemoteLink, TicketChanges, TicketRef

BODY = "## What to do\n\nGive **Ada** access:\n\n- `group-1`\n\n| who | what |\n|-|-|\n| Ada | Administrators |"
NOW = f"{BODY}\n\nUntil *tomorrow*."

Read = Callable[[SimulatedTicketing, TicketRef], dict[str, Any]]


def written(harness: SimulatedTicketing, *, request: bool) -> TicketRef:
    """A ticket with everything that we write, closed untrue by a person and brought back."""
    provider = harness.service_desk() if request else harness.provider
    place = {"project": "HELP", "issue_type": "Access"} if request else {}
    ref = provider.create(draft(body=BODY, labels=["access"], due=date(2026, 12, 1), **place))
    provider.link(ref, RemoteLink("provisor:1", "https://console.jumpcloud.com/#/groups/1", "group-1"))
    act(harness.world, "done", issue=ref.key)
    provider.comment(ref, "Still **wrong**.", marker="c-1")
    provider.transition(ref, Phase.OPEN)
    provider.update(ref, TicketChanges(body=NOW, due=date(2026, 12, 2)))
    return ref


def by_library(harness: SimulatedTicketing, ref: TicketRef) -> dict[str, Any]:
    """As the ``jira`` library shows it."""
    client = JIRA(
        server=harness.simulators.jira_url,
        basic_auth=(ADMIN_EMAIL, ADMIN_TOKEN),
        options={"rest_api_version": "3"},
        max_retries=0,
        timeout=300,
    )
    issue = client.issue(ref.key, expand="changelog")
    comments = client.comments(issue, expand="properties")
    shown = {
        "summary": issue.fields.summary,
        "description": issue.raw["fields"]["description"],
        "labels": issue.fields.labels,
        "due": issue.fields.duedate,
        "status": issue.fields.status.statusCategory.key,
        "properties": {
            key.key: client.issue_property(ref.key, key.key).raw["value"] for key in client.issue_properties(ref.key)
        },
        "comments": [
            {"body": each.raw["body"], "properties": each.raw["properties"], "public": each.raw["jsdPublic"]}
            for each in comments
        ],
        "moves": sum(item.field == "status" for each in issue.changelog.histories for item in each.items),
        "links": [link.object.url for link in client.remote_links(issue)],
    }
    client.close()  # type: ignore[no-untyped-call] # the library leaves it untyped
    return shown


def by_jira_js(harness: SimulatedTicketing, ref: TicketRef) -> dict[str, Any]:
    """As jira.js shows it, which ``npm ci`` installs into the folder beside this file."""
    node, folder = shutil.which("node"), Path(__file__).with_name("other_readers")
    if node is None or not (folder / "node_modules" / "jira.js").is_dir():
        absent("jira.js", "there is no Node, or 'npm ci' was not run in tests/ticketing/other_readers")
    words = [node, str(folder / "read_ticket.mjs"), harness.simulators.jira_url, ADMIN_EMAIL, ADMIN_TOKEN, ref.key]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr
    shown: dict[str, Any] = json.loads(ended.stdout)
    return shown


@pytest.mark.parametrize("request_", [False, True], ids=["work item", "request"])
@pytest.mark.parametrize("read", [by_library, by_jira_js])
def test_a_ticket_is_complete_to_clients_of_other_people(
    harness: SimulatedTicketing, read: Read, *, request_: bool
) -> None:
    ref = written(harness, request=request_)
    shown = read(harness, ref)
    assert (shown["summary"], shown["labels"], shown["due"]) == ("Give Ada access", [MARKER, "access"], "2026-12-02")
    assert shown["description"] == to_adf(NOW)
    assert (shown["status"], shown["moves"]) == ("new", 2)
    assert shown["properties"] == {PROPERTY: {"operation": "op-1", "marker": MARKER}}
    (comment,) = shown["comments"]
    assert (plain_text(comment["body"]), comment["public"]) == ("Still wrong.", not request_)
    assert {"key": PROPERTY, "value": {"marker": "c-1"}} in comment["properties"]
    assert shown["links"] == ["https://console.jumpcloud.com/#/groups/1"]
    if request_ and read is by_jira_js:
        assert shown["requestType"] == harness.issue(ref).values["customfield_10010"]
