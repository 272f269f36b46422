"""JumpCloud applications: found, and read. Access to one comes with a user group that is bound to it."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus

from access.accounts import NoMatch
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System, Way
from access.failures import Transient
from access.text import named
from connectors.jumpcloud.client import PAGE, total_count
from connectors.jumpcloud.groups import Groups
from connectors.jumpcloud.shapes import Application, Connection, Envelope
from httpclient import HttpClient
from httpclient.calls import Params

_APPLICATIONS = "/api/applications"
_BOUND = "/api/v2/applications/{application}/associations"
#: Never ``config``, which may hold certificates and keys [observed].
_FIELDS = "name displayName displayLabel"

#: Most pages of a list: 10 000 rows.
_MOST_PAGES = 100
#: The most groups of an application that are named to a person who has to choose one.
_MOST_NAMED = 5

#: Unknown ids give 404, ids of another form 400 [assumed].
_NO_SUCH_ID = frozenset({400, 404})

GIVEN_BY_GROUPS = "access to it comes with a group, which policy names (via)"


class Applications:
    """Finds applications, and the groups through which they are given."""

    def __init__(self, client: HttpClient, groups: Groups) -> None:
        self._client = client
        self._groups = groups

    def find(self, name_or_id: str) -> Entitlement | NoMatch:
        """Access to the one application of this id, or of this label that an administrator chose."""
        every = list(self._every())
        same = [each for each in every if each.id == name_or_id] or named(name_or_id, every, lambda each: each.label)
        if len(same) != 1:
            candidates = tuple(f"{each.label} ({each.id})" for each in same)
            return NoMatch(f"The JumpCloud application '{name_or_id}'", candidates, several=len(same) > 1)

        def ref(part: str) -> EntitlementRef:
            return EntitlementRef(System.JUMPCLOUD, ResourceKind.APPLICATION, (part,))

        return Entitlement(
            ref=ref(same[0].id),
            named=ref(same[0].label),
            title=f"JumpCloud application {same[0].label}",
            by_person=GIVEN_BY_GROUPS,
            ways=tuple(self._ways(same[0].id)),
        )

    def _every(self) -> Iterator[Application]:
        read = 0
        for _ in range(_MOST_PAGES):
            params: Params = {"sort": "_id", "fields": _FIELDS, "limit": PAGE, "skip": read}
            answer = self._client.get(_APPLICATIONS, params=params).read_as(Envelope[Application], what="applications")
            yield from answer.results
            read += len(answer.results)
            if not answer.results or (answer.totalCount is not None and read >= answer.totalCount):
                return
        raise Transient("JumpCloud's list of applications did not end.")

    def _ways(self, application: str) -> Iterator[Way]:
        """The groups that are bound to an application; the first of them with their names."""
        for number, group_id in enumerate(self._bound(application)):
            group = self._groups.by_id(group_id) if number < _MOST_NAMED else None
            yield Way(group_id, group_id if group is None else group.name)

    def _bound(self, application: str) -> Iterator[str]:
        read = 0
        for _ in range(_MOST_PAGES):
            params: Params = {"targets": "user_group", "limit": PAGE, "skip": read}
            path = {"application": application}
            answer = self._client.get(_BOUND, path=path, params=params, expects=_NO_SUCH_ID)
            if answer.status != HTTPStatus.OK:
                return
            page = answer.read_as(list[Connection], what="groups of an application")
            yield from (each.to.id for each in page)
            read += len(page)
            total = total_count(answer)
            if not page or (total is not None and read >= total):
                return
        raise Transient("JumpCloud's list of an application's groups did not end.")
