from __future__ import annotations

import threading
from datetime import datetime, timedelta

from access.clock import Clock
from connectors.atlassian.organization import AtlassianOrganization

#: How long to keep an answer: the owner of a group rarely changes.
_FRESH = timedelta(minutes=10)


class IdentityProviderGroups:
    """Says whether an identity provider fills a group. Jira itself tells that only by refusing a change [docs].

    Called with a group's id; asks the organization once for each group in ``fresh``. Raises the failure words.
    """

    def __init__(self, organization: AtlassianOrganization, clock: Clock, *, fresh: timedelta = _FRESH) -> None:
        self._organization = organization
        self._clock = clock
        self._fresh = fresh
        self._known: dict[str, tuple[bool, datetime]] = {}
        self._lock = threading.Lock()

    def __call__(self, group_id: str) -> bool:
        """Whether an identity provider fills the group; False for a group that the directories do not show."""
        now = self._clock.now()
        with self._lock:
            known = self._known.get(group_id)
        if known is not None and now - known[1] < self._fresh:
            return known[0]
        group = self._organization.group(group_id)
        external = group is not None and group.is_external
        with self._lock:
            self._known[group_id] = (external, now)
        return external
