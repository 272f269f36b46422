"""The Python `jira` library, written by others for the real service, against the simulator."""

from collections.abc import Iterator

import pytest
from jira import JIRA, JIRAError

from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from tests.simulator.jira_client import Jira


@pytest.fixture
def library(jira: Jira) -> Iterator[JIRA]:
    jira.project("ACC")
    client = JIRA(server=jira.site, basic_auth=(ADMIN_EMAIL, ADMIN_TOKEN), max_retries=0, timeout=300)
    yield client
    client.close()  # type: ignore[no-untyped-call] # the library leaves it untyped


def test_it_takes_the_site_for_jira_cloud(library: JIRA) -> None:
    assert library._is_cloud
    assert library.myself()["emailAddress"] == ADMIN_EMAIL
    assert [project.key for project in library.projects()] == ["ACC"]


def test_it_creates_finds_moves_comments_and_links_an_issue(library: JIRA, jira: Jira) -> None:
    made = library.create_issue(
        project="ACC", issuetype={"name": "Task"}, summary="Give access", description="*now*", labels=["ar-1"]
    )
    (found,) = library.enhanced_search_issues("labels = ar-1", fields=["summary", "status"])
    assert (found.key, found.fields.summary, found.fields.status.name) == (made.key, "Give access", "To Do")
    assert library.approximate_issue_count("project = ACC") == 1
    library.transition_issue(made, "Done", resolution={"name": "Done"})
    assert jira.status_of(made.key) == "Done"
    comment = library.add_comment(made, "all done")
    assert [each.body for each in library.comments(made)] == [comment.body]
    library.add_remote_link(made.key, {"url": "https://example.com/1", "title": "Request 1"}, globalId="request=1")
    assert [link.globalId for link in library.remote_links(made)] == ["request=1"]
    library.add_issue_property(made, "provisor", {"request": "1"})
    assert library.issue_property(made, "provisor").value.request == "1"
    jira.user("ada")
    library.add_watcher(made, "ada@example.com")
    assert library.watchers(made).watchCount == 2


def test_it_edits_through_the_links_of_the_answers(library: JIRA, jira: Jira) -> None:
    made = library.create_issue(project="ACC", issuetype={"name": "Task"}, summary="Give access")
    made.update(fields={"summary": "Other"}, notify=False)
    assert jira.get(f"/issue/{made.key}").json()["fields"]["summary"] == "Other"


def test_it_pages_through_a_search(library: JIRA) -> None:
    for number in range(5):
        library.create_issue(project="ACC", issuetype={"name": "Task"}, summary=f"n{number}")
    found = library.enhanced_search_issues("project = ACC", maxResults=0, fields=["key"])
    assert len(found) == 5


def test_it_raises_the_errors_of_the_service(library: JIRA) -> None:
    with pytest.raises(JIRAError, match="Issue does not exist") as refused:
        library.issue("ACC-99")
    assert refused.value.status_code == 404


def test_it_reads_roles(library: JIRA) -> None:
    assert "Administrators" in library.project_roles("ACC")
