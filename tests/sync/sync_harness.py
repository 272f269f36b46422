"""Simulated systems, and a wired Provisor that takes snapshots of one of them over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from access.entitlements import System
from access.snapshots import RunState, SyncRun
from config.settings import Settings
from simulator.jumpcloud import World, seed
from simulator.server import Simulators
from simulator.switches import change_switches
from simulator.systems import act, dump
from store.database import Database
from store.unit_of_work import Store
from tasks.publisher import RecordingPublisher
from tests.connectors.reader_quirks import meanwhile
from tests.connectors.snapshot_truth import Truth, difference, is_between, jumpcloud_truth
from tests.sync.stored_snapshot import everything, rows_stored, shown
from worker.composition import Provisor, compose

#: Looks at a run before it is called endless.
_LOOKS = 200


class FastClock:
    """The machine's clock, which tests put forward where somebody would only wait."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def seconds(self) -> float:
        """The same for the simulated systems."""
        return self.now().timestamp()

    def advance(self, by: timedelta) -> None:
        self._ahead += max(by, timedelta(0))


@dataclass
class SyncHarness:
    """Takes snapshots of one system, and knows what they have to show."""

    system: System
    simulators: Simulators
    provisor: Provisor
    clock: FastClock
    world: Any
    truth_of: Callable[[Mapping[str, Any]], Truth]

    @property
    def store(self) -> Store:
        return self.provisor.store

    def switch(self, **values: Any) -> None:
        change_switches(self.world.switches, **values)

    def act(self, verb: str, /, **details: Any) -> Any:
        return act(self.world, verb, **details)

    def sync(self, *, full: bool = True) -> SyncRun:
        """A run from its beginning to its end."""
        run_id = self.provisor.syncing.begin(self.system, full=full)
        for _ in range(_LOOKS):
            self.provisor.syncing.work(run_id)
            with self.store.read() as work:
                run = work.sync_runs.get(run_id)
            assert run is not None
            if run.state is not RunState.RUNNING:
                return run
            assert run.due_at is not None, "a run that rests is due at some time"
            self.clock.advance(run.due_at - self.clock.now() + timedelta(milliseconds=1))
        raise AssertionError(f"the run does not end: {run}")

    def truth(self) -> Truth:
        return self.truth_of(dump(self.world))

    def shown(self) -> Truth:
        return shown(self.store, self.system)

    def everything(self) -> list[object]:
        return everything(self.store, self.system)

    def is_right(self, run: SyncRun) -> None:
        """The run is complete, the snapshot is the truth, and nothing else is left in the store."""
        assert (run.state, run.error) == (RunState.COMPLETE, None), run
        wrong = difference(self.shown(), self.truth())
        assert not wrong, wrong
        assert self.leftovers() == 0

    def is_between(self, run: SyncRun, earlier: Truth, later: Truth) -> None:
        """The run is complete; each list is what it was at some moment of the run, while somebody changed things."""
        assert (run.state, run.error) == (RunState.COMPLETE, None), run
        assert is_between(self.shown(), earlier, later)
        assert self.leftovers() == 0

    def failed_honestly(self, run: SyncRun, before: list[object]) -> None:
        """The run says in a sentence why it failed, and the old snapshot is what it was, and nothing else is left."""
        assert run.state is RunState.FAILED
        reason = str(run.error)
        assert "UTC stays." in reason
        assert "\n" not in reason
        assert "Traceback" not in reason
        assert "mistake" not in reason, "Provisor blames itself: it does not know this failure"
        assert self.everything() == before
        assert self.leftovers() == 0

    def leftovers(self) -> int:
        snapshot = self.shown()
        return rows_stored(self.store) - len(snapshot.accounts) - len(snapshot.resources) - len(snapshot.grants)

    @contextmanager
    def meanwhile(self, path: str, act: Callable[[], object], *, after: int = 0) -> Iterator[None]:
        """Let somebody act while a request for ``path`` is on its way; ``after`` so many of them."""
        with meanwhile(self.simulators, path, act, after=after):
            yield


def wire(settings: Mapping[str, Any], url: str, folder: Path, clock: FastClock) -> Provisor:
    """Provisor over a store that has its tables."""
    policy = folder / "policy.yaml"
    policy.write_text("ticket: {project: ACC}\nrules: []\n", encoding="utf-8")
    whole = Settings.model_validate({"provisioning": "on", "policy": policy, "store": {"url": url}, **settings})
    return compose(whole, RecordingPublisher(), clock=clock, store=Store(Database(url, pool_size=8)))


def wide(**more: Any) -> dict[str, Any]:
    """A rate budget that nobody waits for."""
    return {"rate": 10_000, "burst": 10_000, "concurrency": 4, **more}


#: A group in the company of ``company_of`` that needs two pages.
BIG = "Everybody"


def company_of(url: str, folder: Path, *, sync: str = "listing", **settings: Any) -> Iterator[SyncHarness]:
    """A JumpCloud organization whose users and one group need two pages, and a Provisor that reads it by ``sync``."""
    clock = FastClock()
    world = World(clock=clock.seconds)
    seed(world, users=130, groups=3, memberships=12, apps=2, admins=2, rng_seed=3)
    act(world, "add_group", name=BIG)
    act(world, "add_group", name="By rule", membershipMethod="DYNAMIC_AUTOMATED")
    world.members.fill(world.group_ids[BIG.casefold()], [user.id for user in world.users][:120])
    clock.advance(timedelta(hours=1))  # what made this world is no news
    with Simulators(jumpcloud=world) as simulators:
        jumpcloud = wide(api_url=simulators.jumpcloud_url, insights_url=simulators.jumpcloud_url)
        jumpcloud |= settings or {"api_key": world.credentials()["api_key"]}
        if "client_id" in settings:
            jumpcloud["token_url"] = f"{simulators.jumpcloud_url}/oauth2/token"
        provisor = wire({"jumpcloud": jumpcloud, "sync": {"jumpcloud_method": sync}}, url, folder, clock)
        yield SyncHarness(System.JUMPCLOUD, simulators, provisor, clock, world, jumpcloud_truth)
        provisor.store.database.close()
