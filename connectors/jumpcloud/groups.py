from __future__ import annotations

from difflib import get_close_matches
from http import HTTPStatus

from access.accounts import NoMatch
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.text import normalized_name
from connectors.jumpcloud.client import PAGE, v2_rows
from connectors.jumpcloud.shapes import GROUP, GROUPS, Group, is_object_id
from httpclient import Call, HttpClient
from httpclient.calls import Params

_GROUP = "/api/v2/usergroups/{group}"
_GROUPS = "/api/v2/usergroups"

#: Unknown ids give 404, ids of another form 400 [assumed, both]: neither names a group.
_NO_SUCH_ID = frozenset({400, 404})

_MOST_CANDIDATES = 5


class Groups:
    """Finds user groups. ``console`` is the address people see them at."""

    def __init__(self, client: HttpClient, console: str) -> None:
        self._client = client
        self._console = console.rstrip("/")

    def find(self, name_or_id: str) -> Entitlement | NoMatch:
        """The membership of the one group of this id or name.

        Names are unique whatever their case [docs] while the filter minds it [spec], treats a comma as a second filter and
        takes wildcards [spec]: it is only a short cut, and all groups are looked through when it does not find the name.
        """
        group = self.by_id(name_or_id) or self._by_filter(name_or_id)
        if group:
            return self._entitlement(group)
        every = self.every()
        wanted = normalized_name(name_or_id)
        same = [group for group in every if normalized_name(group.name) == wanted]
        if len(same) == 1:
            return self._entitlement(same[0])
        names = {normalized_name(group.name): group for group in every}
        near = same or [names[name] for name in get_close_matches(wanted, list(names), n=_MOST_CANDIDATES)]
        candidates = tuple(f"{group.name} ({group.id})" for group in near)
        return NoMatch(f"The JumpCloud group '{name_or_id}'", candidates, several=len(same) > 1)

    def by_id(self, group_id: str) -> Group | None:
        """The group, None when there is none of that id."""
        if not is_object_id(group_id):
            return None
        answer = self._client.send(Call(method="GET", route=_GROUP, path={"group": group_id}, expects=_NO_SUCH_ID))
        return None if answer.status in _NO_SUCH_ID else answer.read_as(GROUP, what="a group")

    def every(self) -> list[Group]:
        """All user groups, each once."""
        rows = v2_rows(self._client, _GROUPS, GROUPS, what="groups", params={"sort": "name"})
        return list({group.id: group for group in rows}.values())

    def _by_filter(self, name: str) -> Group | None:
        params: Params = {"filter": f"name:eq:{name}", "limit": PAGE}
        # A name the filter cannot hold may be refused; it is then looked for in all.
        answer = self._client.send(Call(method="GET", route=_GROUPS, params=params, expects=frozenset({400})))
        if answer.status != HTTPStatus.OK:
            return None
        return next((group for group in answer.read_as(GROUPS, what="groups") if group.name == name), None)

    def _entitlement(self, group: Group) -> Entitlement:
        def ref(part: str) -> EntitlementRef:
            return EntitlementRef(system=System.JUMPCLOUD, kind=ResourceKind.GROUP, path=(part,))

        return Entitlement(
            ref=ref(group.id),
            named=ref(group.name or group.id),
            title=f"JumpCloud group {group.name or group.id}",
            # [observed: JumpCloud's own documentation of its RADIUS tool]
            url=f"{self._console}/#/groups/user/{group.id}/details",
            by_person="its members follow a rule (dynamic group)" if group.follows_a_rule else None,
        )
