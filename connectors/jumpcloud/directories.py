"""The other directories that may have the say about the members of a group, as far as JumpCloud shows that.

JumpCloud takes groups from an Active Directory ("Use and Manage the Active Directory Integration" [docs]). Where that is the
authority, its agent brings its own members every 90 seconds [docs]. Whether a change by hand is refused, or taken back then, is
[assumed]. The organization's Active Directories tell their use case, and a group tells which ones it is bound to [spec]. Bindings
to Google Workspace and Microsoft 365 give groups to these, and take none from them [docs]. Of groups that were imported from
elsewhere the API shows nothing: only a refusal tells.
"""

from __future__ import annotations

import threading
from time import monotonic

from connectors.jumpcloud.client import PAGE
from connectors.jumpcloud.shapes import ActiveDirectory, Connection
from httpclient import HttpClient

_ACTIVE_DIRECTORIES = "/api/v2/activedirectories"
_ASSOCIATIONS = "/api/v2/usergroups/{group}/associations"

#: A credential may lack the right to read them, and an organization the feature: then nothing is known before a refusal.
_NOT_SHOWN = frozenset({400, 403, 404})

#: The use case in which Active Directory has the say about groups [spec].
_AUTHORITY = "ADASAUTHORITY"

#: The list of Active Directories changes when somebody sets one up.
_FRESH_SECONDS = 600.0


class Directories:
    """The Active Directories of the organization, and the groups that are bound to them."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._known: dict[str, ActiveDirectory] = {}
        self._read_at = float("-inf")

    def master_of(self, group_id: str) -> str | None:
        """The domain that has the say about the group's members by what JumpCloud shows; None where it shows none.

        Raises the failure words.
        """
        masters = {each.id: each for each in self._all().values() if each.useCase == _AUTHORITY}
        bound = self._bound(group_id) if masters else ()
        return next((masters[each].name for each in bound if each in masters), None)

    def bound_to(self, group_id: str) -> str | None:
        """The domain that a group is bound to whose change was refused, whatever its use case. Raises the failure words."""
        known = self._all(fresh=True)
        return next((known[each].name for each in self._bound(group_id) if each in known), None) if known else None

    def _all(self, *, fresh: bool = False) -> dict[str, ActiveDirectory]:
        with self._lock:
            if not fresh and monotonic() < self._read_at + _FRESH_SECONDS:
                return self._known
        answer = self._client.get(_ACTIVE_DIRECTORIES, params={"limit": PAGE}, expects=_NOT_SHOWN)
        found = () if answer.status in _NOT_SHOWN else answer.read_as(list[ActiveDirectory], what="Active Directories")
        with self._lock:
            self._known, self._read_at = {each.id: each for each in found}, monotonic()
            return self._known

    def _bound(self, group_id: str) -> list[str]:
        answer = self._client.get(
            _ASSOCIATIONS,
            path={"group": group_id},
            params={"targets": "active_directory", "limit": PAGE},
            expects=_NOT_SHOWN,
        )
        if answer.status in _NOT_SHOWN:
            return []
        return [row.to.id for row in answer.read_as(list[Connection], what="what a group is bound to")]
