"""A Jira reader on a simulated site, and a picture taken with it the way the engine does, held in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from access.entitlements import System
from connectors.atlassian import AtlassianOrganization, organization_client, organization_key
from connectors.http import Credential, Manners, Patience, RateGate
from connectors.http.gate import NoGate
from connectors.jira import api_token, jira_client
from connectors.jira.reading import JiraReader
from connectors.reading import (
    AccountRow,
    GrantRow,
    Part,
    PrincipalKind,
    ReadPlan,
    ResourceRow,
    Row,
    Shifted,
    ThingKind,
)
from simulator.atlassian import World as OrganizationWorld
from simulator.atlassian.world import ORGANIZATION_KEY
from simulator.jira import World
from simulator.server import Simulators
from simulator.switches import change_switches
from tests.connectors.stub import TIMEOUTS

ADMIN, TOKEN = "admin@example.com", "sim-token"
SITE = "https://example.atlassian.net"
_READINGS = 4


@dataclass
class Taken:
    """The rows of a picture by part, and what reading it cost."""

    plan: ReadPlan
    rows: dict[str, list[Row]] = field(default_factory=dict)
    read: list[str] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def resources(self, kind: ThingKind) -> Iterator[ResourceRow]:
        found = [
            row for rows in self.rows.values() for row in rows if isinstance(row, ResourceRow) and row.kind == kind
        ]
        yield from sorted(found, key=lambda row: row.id)

    def count(self, kind: ThingKind) -> int:
        return len(list(self.resources(kind)))

    @property
    def accounts(self) -> dict[str, AccountRow]:
        return {row.id: row for rows in self.rows.values() for row in rows if isinstance(row, AccountRow)}

    @property
    def grants(self) -> set[GrantRow]:
        found = [row for rows in self.rows.values() for row in rows if isinstance(row, GrantRow)]
        assert len(found) == len(set(found)), "a grant was read twice"
        return set(found)

    def members(self, group_id: str) -> set[str]:
        return {row.principal for row in self.grants if row.kind is ThingKind.GROUP and row.resource == group_id}

    def actors(self, project_id: str, role_id: int | str) -> set[tuple[PrincipalKind, str]]:
        path = f"{project_id}/{role_id}"
        return {(row.principal_kind, row.principal) for row in self.grants if row.resource == path}

    def resource(self, kind: ThingKind, ident: str) -> ResourceRow:
        return next(row for row in self.resources(kind) if row.id == ident)

    @property
    def total(self) -> int:
        return sum(self.calls.values())


class Photographer:
    """Takes pictures of a simulated site, and counts calls by the control door's book."""

    def __init__(self, world: World, simulators: Simulators) -> None:
        self.world = world
        self.simulators = simulators
        self._close: list[Callable[[], None]] = []

    def reader(
        self,
        credential: Credential | None = None,
        *,
        address: str | None = None,
        tries: int = 1,
        gate: RateGate | None = None,
        organization: AtlassianOrganization | None = None,
        **more: Any,
    ) -> JiraReader:
        client = jira_client(
            address=address or self.simulators.jira_url,
            credential=credential or api_token(ADMIN, TOKEN),
            manners=Manners(
                timeouts=TIMEOUTS, patience=Patience.without_waits(tries), gate=gate or NoGate(), pool_size=8
            ),
        )
        reader = JiraReader(client, site=SITE, organization=organization, **more)
        assert reader.system is System.JIRA
        self._close += [reader.close, client.close]
        return reader

    def organization(self, key: str = ORGANIZATION_KEY, *, org_id: str | None = None) -> AtlassianOrganization:
        client = organization_client(
            credential=organization_key(key),
            manners=Manners(timeouts=TIMEOUTS, patience=Patience.without_waits(1), pool_size=8),
            address=self.simulators.atlassian_url,
        )
        self._close.append(client.close)
        return AtlassianOrganization(client, org_id or self.world.organization.id)

    @property
    def directory(self) -> OrganizationWorld:
        world = self.simulators.worlds["atlassian"]
        assert isinstance(world, OrganizationWorld)
        return world

    @property
    def gateway(self) -> str:
        return f"{self.simulators.jira_url}/ex/jira/{self.world.site.cloud_id}"

    def switch(self, **values: Any) -> None:
        change_switches(self.world.switches, **values)

    def take(self, reader: JiraReader, *, previous: Taken | None = None, since: datetime | None = None) -> Taken:
        """A picture; of what changed when there is a previous one."""
        requests.delete(f"{self.simulators.control_url}/requests", timeout=10)
        reader.prove()
        now = datetime.now(UTC)
        taken = Taken(reader.plan(previous=since if previous is None else since or now, now=now))
        stage = 0
        while (parts := reader.parts(taken.plan, stage, taken)) is not None:
            found: dict[str, list[Row]] = {}
            for part in parts:
                assert part.name not in found
                assert part.name not in taken.rows
                if (
                    previous
                    and not taken.plan.full
                    and not touched(part.name, taken.plan)
                    and part.name in previous.rows
                ):
                    found[part.name] = previous.rows[part.name]
                else:
                    taken.read.append(part.name)
                    found[part.name] = whole(reader, taken.plan, part)
            taken.rows.update(found)
            stage += 1
        taken.calls = self.calls()
        return taken

    def calls(self) -> Counter[str]:
        """The calls that reached the simulators, by the control door's book."""
        book = requests.get(f"{self.simulators.control_url}/requests", timeout=10).json()
        return Counter({f"{one['system']} {one['method']} {one['route']}": one["count"] for one in book["counts"]})

    def close(self) -> None:
        for close in reversed(self._close):
            close()


def whole(reader: JiraReader, plan: ReadPlan, part: Part) -> list[Row]:
    """A part, read as often as it shifts."""
    for _ in range(_READINGS):
        try:
            return [row for page in reader.read(plan, part) for row in page]
        except Shifted:
            continue
    raise AssertionError(f"{part.name} never stood still")


def touched(name: str, plan: ReadPlan) -> bool:
    return any(name == one or (one.endswith("/") and name.startswith(one)) for one in plan.touched)


def part(name: str, /, **about: str) -> Part:
    return Part(name, about)


def flat(pages: Iterator[Sequence[Row]]) -> list[Row]:
    return [row for page in pages for row in page]
