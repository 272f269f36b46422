"""A JumpCloud organization of any size in the simulator, and a reader of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.request import Request, urlopen

from connectors.jumpcloud import api_key, jumpcloud_client
from connectors.jumpcloud.reading import JumpCloudReader, MembershipMethod, Sizes
from httpclient import ClientOptions, Credential, RetryPolicy
from simulator.jumpcloud import World, seed
from simulator.server import Simulators
from simulator.switches import change_switches
from simulator.systems import act, dump
from tests.connectors.snapshot_engine import Snapshot, take
from tests.connectors.snapshot_truth import difference, jumpcloud_truth, shown
from tests.httpclient.stub import TIMEOUTS


class JumpCloudReaderHarness:
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
        retry_policy: RetryPolicy | None = None,
        **settings: Any,
    ) -> JumpCloudReader:
        client = jumpcloud_client(
            base_url=self.simulators.jumpcloud_url,
            credential=credential or api_key(key or self.world.credentials()["api_key"]),
            options=ClientOptions(
                timeouts=TIMEOUTS, retry_policy=retry_policy or RetryPolicy.without_waits(3), pool_size=16
            ),
            organization=organization,
        )
        settings = {"concurrency": 4, "report_retries": RetryPolicy.none(), **settings}
        reader = JumpCloudReader(client, method=MembershipMethod(method), **settings)
        self._close += [reader.close, client.close]
        return reader

    def take(
        self,
        reader: JumpCloudReader,
        *,
        last: Snapshot | None = None,
        since: timedelta = timedelta(minutes=1),
        between: Callable[[int], None] = lambda _stage: None,
        later: datetime | None = None,
    ) -> Snapshot:
        """A snapshot; what is untouched since ``last`` is kept. ``between`` happens before each stage is read."""
        now = later or datetime.now(UTC)
        return take(reader, last=last, since=now - since, now=now, between=between)

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

    def proves(self, snapshot: Snapshot) -> bool:
        """Whether the snapshot is the truth."""
        assert difference(shown(snapshot.rows), jumpcloud_truth(dump(self.world))) == {}
        return True

    def close(self) -> None:
        for close in self._close:
            close()
