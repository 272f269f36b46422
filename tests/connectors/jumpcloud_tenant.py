"""A JumpCloud organization of any size in the simulator, a reader of it, and the smallest engine that drives a reader."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

from connectors.http import Credential, Manners, Patience
from connectors.jumpcloud import api_key, jumpcloud_client
from connectors.jumpcloud.reading import JumpCloudReader, Method, Sizes
from connectors.reading import (
    AccountRow,
    GrantRow,
    Incomplete,
    Part,
    PrincipalKind,
    ReadPlan,
    ResourceRow,
    Row,
    Shifted,
    ThingKind,
)
from simulator.jumpcloud import World, seed
from simulator.server import Simulators
from simulator.switches import change_switches
from simulator.systems import act
from tests.connectors.stub import TIMEOUTS

READINGS = 4


class Picture:
    """What a run found, by part; the catalogue of its later stages, too."""

    def __init__(self, plan: ReadPlan) -> None:
        self.plan = plan
        self.parts: dict[str, list[Row]] = {}
        self.read: list[str] = []

    @property
    def rows(self) -> list[Row]:
        return [row for rows in self.parts.values() for row in rows]

    @property
    def accounts(self) -> dict[str, AccountRow]:
        return {row.id: row for row in self.rows if isinstance(row, AccountRow)}

    def grants(self, kind: ThingKind, through: PrincipalKind = PrincipalKind.ACCOUNT) -> list[tuple[str, str]]:
        return sorted(
            (row.resource, row.principal)
            for row in self.rows
            if isinstance(row, GrantRow) and row.kind is kind and row.principal_kind is through
        )

    def resources(self, kind: ThingKind) -> Iterator[ResourceRow]:
        return (row for row in self.rows if isinstance(row, ResourceRow) and row.kind is kind)

    def count(self, kind: ThingKind) -> int:
        return len(list(self.resources(kind)))


class Tenant:
    def __init__(self, world: World, simulators: Simulators) -> None:
        self.world = world
        self.simulators = simulators
        self._close: list[Callable[[], None]] = []

    def seed(self, **sizes: int) -> None:
        seed(self.world, **{"users": 30, "groups": 5, "apps": 3, "admins": 3, **sizes}, rng_seed=7)

    def group(self, name: str, members: int = 0, **fields: Any) -> str:
        """A group with so many of the users there are."""
        key = str(self.act("add_group", name=name, **fields)["id"])
        self.world.members.fill(key, [user.id for user in self.world.users][:members])
        return key

    def act(self, verb: str, /, **details: Any) -> Any:
        return act(self.world, verb, **details)

    def switch(self, **values: Any) -> None:
        change_switches(self.world.switches, **values)

    def reader(
        self,
        method: str = "listing",
        *,
        key: str | None = None,
        credential: Credential | None = None,
        organization: str | None = None,
        patience: Patience | None = None,
        **settings: Any,
    ) -> JumpCloudReader:
        client = jumpcloud_client(
            address=self.simulators.jumpcloud_url,
            credential=credential or api_key(key or self.world.credentials()["api_key"]),
            manners=Manners(timeouts=TIMEOUTS, patience=patience or Patience.without_waits(3), pool_size=16),
            organization=organization,
        )
        settings = {"concurrency": 4, "report_patience": Patience.none(), **settings}
        reader = JumpCloudReader(client, method=Method(method), **settings)
        self._close += [reader.close, client.close]
        return reader

    def take(
        self,
        reader: JumpCloudReader,
        *,
        last: Picture | None = None,
        since: timedelta = timedelta(minutes=1),
        between: Callable[[int], None] = lambda _stage: None,
        later: datetime | None = None,
    ) -> Picture:
        """A picture; what is untouched since ``last`` is kept. ``between`` happens before each stage is read."""
        now = later or datetime.now(UTC)
        reader.prove()
        picture = Picture(reader.plan(previous=None if last is None else now - since, now=now))
        stage = 0
        while (parts := _stage(reader, picture, stage)) is not None:
            between(stage)
            for part in parts:
                if (
                    last is not None
                    and not picture.plan.full
                    and part.name in last.parts
                    and not _touched(picture, part)
                ):
                    picture.parts[part.name] = last.parts[part.name]
                else:
                    picture.parts[part.name] = read_part(reader, picture.plan, part)
                    picture.read.append(part.name)
            stage += 1
        return picture

    def calls(self) -> int:
        """The calls made since the last look, as the simulator's control door counts them."""
        with urlopen(f"{self.simulators.control_url}/requests?last=0&system=jumpcloud") as answer:  # noqa: S310 - ours
            total = json.load(answer)["total"]
        with urlopen(Request(f"{self.simulators.control_url}/requests", method="DELETE")):  # noqa: S310 - ours
            return int(total)

    @property
    def sizes(self) -> Sizes:
        world = self.world
        return Sizes(
            users=len(world.users),
            admins=len(world.admins),
            roles=len(world.roles),
            members=[len(world.members.rights(group.id)) for group in world.groups],
            app_groups=[len(world.app_groups.rights(app.id)) for app in world.applications],
            app_users=[len(world.app_users.rights(app.id)) for app in world.applications],
            group_apps=[len(world.app_groups.lefts(group.id)) for group in world.groups],
        )

    @property
    def memberships(self) -> list[tuple[str, str]]:
        return sorted((group.id, user) for group in self.world.groups for user in self.world.members.rights(group.id))

    def proves(self, picture: Picture) -> bool:
        """Whether the picture is the truth."""
        world = self.world
        users, admins = {user.id for user in world.users}, {admin.id for admin in world.admins}
        assert picture.accounts.keys() == users | admins
        assert {row.id for row in picture.resources(ThingKind.GROUP)} == {group.id for group in world.groups}
        assert picture.grants(ThingKind.GROUP) == self.memberships
        apps = [app.id for app in world.applications]
        assert {row.id for row in picture.resources(ThingKind.APPLICATION)} == set(apps)
        bound = sorted((app, user) for app in apps for user in world.app_users.rights(app))
        assert picture.grants(ThingKind.APPLICATION) == bound
        through = sorted((app, group) for app in apps for group in world.app_groups.rights(app))
        assert picture.grants(ThingKind.APPLICATION, PrincipalKind.GROUP) == through
        assert len(picture.rows) == len(set(map(_identity, picture.rows)))
        return True

    def close(self) -> None:
        for close in self._close:
            close()


def read_part(reader: JumpCloudReader, plan: ReadPlan, part: Part) -> list[Row]:
    for _ in range(READINGS):
        try:
            return [row for page in reader.read(plan, part) for row in page]
        except Shifted:
            continue
    raise Incomplete(f"{part.name} changed every time")


def _stage(reader: JumpCloudReader, picture: Picture, stage: int) -> Sequence[Part] | None:
    parts = reader.parts(picture.plan, stage, picture)
    return None if parts is None else list(parts)


def _touched(picture: Picture, part: Part) -> bool:
    return any(part.name == one or (one.endswith("/") and part.name.startswith(one)) for one in picture.plan.touched)


def _identity(row: Row) -> tuple[str, ...]:
    if isinstance(row, GrantRow):
        return (row.kind, row.resource, row.principal_kind, row.principal)
    return (row.kind, row.id)
