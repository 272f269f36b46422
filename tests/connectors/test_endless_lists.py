"""A list that a service never ends is left after so many calls: what then is said depends on what is safe to believe."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.failures import Transient
from connectors.atlassian import AtlassianOrganization
from connectors.jira.permissions import OwnPermissions
from connectors.jira.projects import Projects
from connectors.jira.reading.change_events import ChangeEvents as JiraEvents
from connectors.jumpcloud.accounts import Accounts
from connectors.jumpcloud.groups import Groups
from connectors.jumpcloud.memberships import Memberships
from connectors.jumpcloud.reading.change_events import ChangeEvents
from connectors.reading import ChangesUnknown
from httpclient import Fetcher, HttpClient
from tests.httpclient.stub import Reply, Stub, client_of

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)


@pytest.fixture
def client(stub: Stub) -> HttpClient:
    return client_of(stub.url)


def answers(stub: Stub, make: Callable[[str], tuple[Any, dict[str, str]]]) -> None:
    """Each page has one row that no page before it had."""
    numbers = itertools.count(1)

    def reply(_path: str) -> Reply:
        body, headers = make(f"{next(numbers):024x}")
        return Reply(200, body, headers)

    stub.by_path = reply


def test_groups_of_jumpcloud(stub: Stub, client: HttpClient) -> None:
    answers(stub, lambda key: ([{"id": key, "name": key}], {}))
    with pytest.raises(Transient, match="did not end"):
        Groups(client).every()
    assert len(stub.seen) == 1000


def test_groups_of_a_user_of_jumpcloud_are_read_twice_and_not_believed(stub: Stub, client: HttpClient) -> None:
    answers(stub, lambda key: ([{"id": key}], {}))
    with pytest.raises(Transient, match="kept changing"):
        Memberships(client, Accounts(client), Groups(client)).observe("g", "u")
    assert len(stub.seen) == 2 * 100


def test_projects_of_jira(stub: Stub, client: HttpClient) -> None:
    answers(stub, lambda key: ({"values": [{"id": key, "key": "A"}], "isLast": False, "maxResults": 1}, {}))
    assert len(list(Projects(client, OwnPermissions(client)).search())) == 100
    assert len(stub.seen) == 100


def test_events_of_jumpcloud_make_everything_be_read(stub: Stub, client: HttpClient, fetching: Fetcher) -> None:
    answers(stub, lambda key: ([{"id": key}], {"x-limit": "1", "x-search_after": f'["{key}"]'}))
    with pytest.raises(ChangesUnknown, match="too many events"):
        ChangeEvents(client, fetching).since(NOW - timedelta(days=14), now=NOW)
    assert len(stub.seen) == 10
    with pytest.raises(ChangesUnknown, match="older than events are kept"):
        ChangeEvents(client, fetching).since(NOW - timedelta(days=14, microseconds=1), now=NOW)


@pytest.mark.parametrize("endless", ["events", "records"])
def test_events_of_jira_make_everything_be_read(
    stub: Stub, client: HttpClient, fetching: Fetcher, endless: str
) -> None:
    numbers = itertools.count(1)

    def reply(path: str) -> Reply:
        if "events-stream" in path:
            return Reply(200, {"data": [], "links": {"next": f"c{next(numbers)}"} if endless == "events" else {}})
        return Reply(200, {"records": [{}], "total": 10_000})

    stub.by_path = reply
    with pytest.raises(ChangesUnknown, match="too many"):
        JiraEvents(client, fetching, AtlassianOrganization(client, "o")).since(NOW)
    assert sum(("events-stream" in each.path) is (endless == "events") for each in stub.seen) == 20
