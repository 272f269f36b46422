"""What the organization above a site knows: people, groups with their owners, and events."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

from access.clock import Clock
from access.failures import CredentialRefused, Permanent
from connectors.atlassian.shapes import DirectoryGroup, DirectoryPerson, Event, Links, Page
from connectors.atlassian.suspension import AccountSuspension
from connectors.reading import Shifted
from httpclient import Call, Fetcher, HttpClient, Response

_EVENTS = "/admin/v1/orgs/{organization}/events-stream"
#: ``-`` is every directory that the key may manage [spec].
_DIRECTORIES = "/admin/v2/orgs/{organization}/directories/-"
_PEOPLE = f"{_DIRECTORIES}/users/search"
_GROUPS = f"{_DIRECTORIES}/groups/search"

#: Most rows of a page [spec].
PAGE = 100
_EVENT_PAGE = 500

#: How long to keep who owns a group: the owner rarely changes.
_FRESH = timedelta(minutes=10)

T = TypeVar("T")


class AtlassianOrganization:
    """Reads one organization with its API key, with or without scopes. Provisor works without an organization, too.

    ``fetching`` limits the calls in flight. Every method also raises the failure words.
    """

    def __init__(self, client: HttpClient, org_id: str, *, fetching: Fetcher | None = None) -> None:
        self._client = client
        self._org_id = org_id
        self._fetching = fetching

    def __repr__(self) -> str:
        return f"AtlassianOrganization({self._client!r}, {self._org_id!r})"

    def within(self, fetching: Fetcher) -> AtlassianOrganization:
        """The same organization, with its calls among those of ``fetching``."""
        return AtlassianOrganization(self._client, self._org_id, fetching=fetching)

    def suspension(self) -> AccountSuspension:
        """Suspension in the same organization, with the same key."""
        return AccountSuspension(self._client, self._org_id)

    def people(self, *, expand: Sequence[str] = (), **filters: Sequence[str]) -> Iterator[list[DirectoryPerson]]:
        """People in the organization's directories, and the accounts that it manages; never apps [spec].

        ``expand`` is ``groups`` (the groups of each, at no further call), ``productAccess`` (when last active), …;
        ``filters`` are those of the search, such as ``groupIds``, ``emails``, ``status``.
        """
        body = {"limit": PAGE, **({"expand": list(expand)} if expand else {}), **filters}
        return self._search(_PEOPLE, body, Page[DirectoryPerson], what="the organization's people")

    def groups(self, *, counted: bool = False, **filters: Sequence[str]) -> Iterator[list[DirectoryGroup]]:
        """The groups of the organization's directories with their owners; without some system groups [observed]."""
        body = {"limit": PAGE, **({"expand": ["counts.users"]} if counted else {}), **filters}
        return self._search(_GROUPS, body, Page[DirectoryGroup], what="the organization's groups")

    def group(self, group_id: str) -> DirectoryGroup | None:
        """The group; None when the directories do not show it."""
        found = next(self.groups(groupIds=[group_id]), [])
        return next((group for group in found if group.id == group_id), None)

    def events(self, since: datetime, *, most_pages: int) -> Iterator[list[Event]]:
        """The events since a time, oldest first. Raises ``Permanent`` for more than ``most_pages`` of them."""
        params: dict[str, str] = {"from": str(int(since.timestamp() * 1000)), "limit": str(_EVENT_PAGE)}
        for _ in range(most_pages):
            page = self._send("GET", _EVENTS, params=params).read_as(Page[Event], what="the organization's events")
            yield page.data
            cursor = _cursor(page.links)
            if cursor is None:
                return
            params = {"cursor": cursor, "limit": str(_EVENT_PAGE)}
        raise Permanent(
            f"The organization had more than {most_pages * _EVENT_PAGE} events since {since:%Y-%m-%d %H:%M} UTC.",
            remedy="Everything is read instead.",
        )

    def _search(self, route: str, body: Mapping[str, Any], shape: type[Page[T]], *, what: str) -> Iterator[list[T]]:
        """The pages of a search. After the first page Provisor sends the cursor alone, which holds the rest [spec].

        Raises ``Shifted`` when a cursor has expired, or leads in a circle.
        """
        answer = self._send("POST", route, body=body)
        seen: set[str] = set()
        while True:
            page = answer.read_as(shape, what=what)
            yield page.data
            cursor = _cursor(page.links)
            if cursor is None:
                return
            if cursor in seen:
                raise Shifted("The organization's list led back to a page it had shown.")
            seen.add(cursor)
            answer = self._send("POST", route, body={"cursor": cursor}, expects=frozenset({400}))
            if answer.status == HTTPStatus.BAD_REQUEST:
                raise Shifted("The organization does not know its own cursor any more.")

    def _send(self, method: str, route: str, **more: Any) -> Response:
        # A search goes by POST and changes nothing: it counts as a read, and may be repeated.
        call = Call(method=method, route=route, path={"organization": self._org_id}, endpoint_class="read", **more)
        send = partial(self._client.send, call)
        try:
            return send() if self._fetching is None else self._fetching.one(send)
        except CredentialRefused as exc:
            raise CredentialRefused(
                f"The Atlassian organization API refused Provisor's organization key ({exc.status} to {call}).",
                remedy="Make a new API key in admin.atlassian.com, and check that it has not expired.",
                status=exc.status,
                trace_id=exc.trace_id,
            ) from exc


class IdentityProviderGroups:
    """Says whether an identity provider fills a group. Jira itself tells that only by refusing a change [docs].

    Called with a group's id; asks the organization once for each group in 10 minutes. Raises the failure words.
    """

    def __init__(self, organization: AtlassianOrganization, clock: Clock) -> None:
        self._organization = organization
        self._clock = clock
        self._known: dict[str, tuple[bool, datetime]] = {}
        self._lock = threading.Lock()

    def __call__(self, group_id: str) -> bool:
        """Whether an identity provider fills the group; False for a group that the directories do not show."""
        now = self._clock.now()
        with self._lock:
            known = self._known.get(group_id)
        if known is not None and now - known[1] < _FRESH:
            return known[0]
        group = self._organization.group(group_id)
        external = group is not None and group.is_external
        with self._lock:
            self._known[group_id] = (external, now)
        return external


def _cursor(links: Links | None) -> str | None:
    """The cursor of the next page: v2 gives it bare [spec], v1 within an address [observed]."""
    following = links.next if links is not None else None
    if not following:
        return None
    if "://" not in following and not following.startswith(("/", "?")):
        return following
    found = parse_qs(urlsplit(following).query).get("cursor")
    if not found:
        raise Permanent(
            "The organization's list has a next page, and does not say which.",
            remedy="Report it: the service may have changed its interface.",
        )
    return found[0]
