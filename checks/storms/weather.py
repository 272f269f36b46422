"""The storms by name: what each disturbs while requests are carried out, and how often it has to have done so."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from checks.storms.hostile import hostile
from checks.storms.site import Ground, Site, Sizes, cluster, embedded
from checks.storms.workload import Asked
from demo.patience import Patience
from tests.brokers.proxy import Proxy
from tests.brokers.shifted_clock import compiled, shifted
from tests.crash.process_stack import Worker

#: Where workers are killed or stand still, the next one takes over when their leases have run out.
_LEASE_SECONDS = 3.0
#: After how long a credential that was refused is tried again.
_CREDENTIAL_SECONDS = 60
#: By how much the clocks of two machines are apart, in seconds.
_APART_SECONDS = 600
#: A disk of SQLite that can be full, in bytes: the store of a storm, and as much again.
_DISK_BYTES = 64 * 1024 * 1024

MakeSite = Callable[[Ground, Sizes, Random, Patience], AbstractContextManager[Site]]


@dataclass(frozen=True)
class Storm:
    """One storm: where it takes place, what happens there, and how large it is, in full and in short."""

    about: str
    blow: Callable[[Site], None]
    full: Sizes
    short: Sizes
    site: MakeSite = field(default=cluster)


def _kills(site: Site) -> None:
    """SIGKILL at moments that chance decides; another worker is started in the place of each."""
    site.wanted["worker killed"] = site.sizes.times
    workers = [site.up(), site.up()]
    site.ask(site.workload.asked)
    moments = sorted(site.rng.sample(range(len(site.workload.asked) * 9 // 10), site.sizes.times))
    for moment in moments:
        site.until_over(moment)
        at = site.rng.randrange(len(workers))
        workers[at].kill()
        site.fired["worker killed"] += 1
        workers[at] = site.stack.up()


def _away(site: Site) -> None:
    """The broker, the database, and both refuse everybody for a while, again and again; requests come in meanwhile."""
    assert site.broker is not None
    assert site.database is not None
    site.up()
    windows = [{"broker": site.broker}, {"database": site.database}, {"broker": site.broker, "database": site.database}]
    parts = site.workload.slices(site.sizes.times * len(windows))
    for _ in range(site.sizes.times):
        for servers in windows:
            name = " and ".join(servers) + " away"
            site.wanted[name] = site.sizes.times
            site.ask(next(parts))
            before = {each: proxy.refused for each, proxy in servers.items()}
            for proxy in servers.values():
                proxy.shut()
            site.last()
            # A server that nobody asked for was not away.
            site.wait(partial(_asked_for, servers, before))
            site.fired[name] += 1
            for proxy in servers.values():
                proxy.open()


def _asked_for(servers: Mapping[str, Proxy], before: Mapping[str, int]) -> bool:
    return all(proxy.refused > before[name] for name, proxy in servers.items())


def _weather(site: Site) -> None:
    """Answers are late, wrong, lost or refused, in both systems and whatever is asked."""
    faults = site.stack.faults
    faults.latency(50)
    often: dict[str, dict[str, Any]] = {
        "500": {"status": 500, "probability": 0.05},
        "answer lost": {"drop": "after", "probability": 0.02},
        "wrong JSON": {"method": "GET", "status": 200, "body": '{"oh', "probability": 0.02},
        "late by two seconds": {"latency_ms": 2_000, "probability": 0.02},
        "late by half a second": {"latency_ms": 500, "probability": 0.1},
    }
    armed = {name: faults.add(times=None, **rule) for name, rule in often.items()}
    # Each of a few thousand calls meets each of them by chance; far fewer than that would not be this weather.
    site.wanted.update({name: max(1, site.sizes.requests // 100) for name in armed})
    site.wanted["429 burst"] = site.sizes.times
    site.up()
    for part in site.workload.slices(site.sizes.times):
        site.ask(part)
        burst = faults.add(status=429, headers={"Retry-After": "1"}, times=20)
        site.until_met(burst)
        site.fired["429 burst"] += 1
    site.wait(site.everything_over)
    for name, ident in armed.items():
        site.fired[name] += faults.get(ident).played


def _credentials(site: Site) -> None:
    """A system refuses Provisor's credential for a while, one after the other, and takes it again."""
    site.up()
    parts = site.workload.slices(site.sizes.times * 2)
    for _ in range(site.sizes.times):
        for system in ("jumpcloud", "jira"):
            name = f"credential refused by {system}"
            site.wanted[name] = site.sizes.times
            refused = site.stack.faults.add(system=system, status=401, times=None)
            part = next(parts)
            site.ask(part)
            site.last()
            site.until_met(refused)
            site.fired[name] += 1
            site.stack.faults.remove(refused)
            if site.sizes.seconds < _CREDENTIAL_SECONDS:
                site.wait(partial(_tried_again, site, part))


def _tried_again(site: Site, asked: Sequence[Asked]) -> bool:
    """In a short storm nobody waits for the minute after which a refused credential is tried again."""
    site.stack.let_waits_run_out()
    return _all_over(site, asked)


def _frozen(site: Site) -> None:
    """SIGSTOP while a call is under way, until another process has done the work when its lease had run out; then SIGCONT."""
    name, faults = "worker frozen past its lease", site.stack.faults
    site.wanted[name] = site.sizes.times
    worker = site.up()
    for part in site.workload.slices(site.sizes.times):
        held = faults.add(path="/member", hold=site.rng.choice(("before", "after")))
        site.ask(part)
        site.wait(partial(_taken_in, site, part))
        site.until_met(held, holding=1)
        worker.freeze()
        faults.release(held)
        successor = site.up()
        site.wait(partial(_all_over, site, part))
        worker.thaw()
        site.fired[name] += 1
        worker.stop()
        worker = successor


def _taken_in(site: Site, asked: Sequence[Asked]) -> bool:
    return site.known(asked) == len(asked)


def _all_over(site: Site, asked: Sequence[Asked]) -> bool:
    return site.over(asked) == len(asked)


def _clocks(site: Site) -> None:
    """Two machines whose clocks are apart, one before and one behind the database's."""
    library = compiled(site.folder)
    site.wanted["clock off"] = 2
    servers = [shifted(library, seconds) for seconds in (_APART_SECONDS // 2, -_APART_SECONDS // 2)]
    try:
        workers = [site.up(by=server) for server in servers]
        site.ask(site.workload.asked)
        site.wait(site.everything_over)
        site.wait(lambda: all(worker.events()["clock.off"] for worker in workers))
        site.fired["clock off"] += len(workers)
    finally:
        for worker in site.stack.workers:
            worker.kill()
        for server in servers:
            server.close()


def _slow(site: Site) -> None:
    """One system answers nothing at all while what is asked of the other one has to come to its end."""
    name, faults = "call held", site.stack.faults
    site.wanted[name] = site.sizes.times
    others = [each for each in site.workload.asked if each.holding[0] == "jira"]
    held = faults.add(system="jumpcloud", path="/members", hold="before", times=None)
    site.up()
    site.ask(site.workload.asked)
    site.until_met(held, holding=site.sizes.times)
    site.wait(lambda: site.over(others) == len(others))
    site.fired[name] += faults.get(held).played
    faults.remove(held)


def _disk_full(site: Site) -> None:
    """The disk of the database is full for a while, again and again."""
    name, disk = "disk full", Path(str(site.stack.store.database.engine.url.database)).parent
    site.wanted[name] = site.sizes.times
    site.ask(site.workload.asked)
    worker = site.up()
    for number in range(site.sizes.times):
        site.until_over(len(site.workload.asked) * number // site.sizes.times)
        noticed = partial(_said_full, worker, _times_full(worker) + 1)
        with _ballast(disk):
            site.wait(noticed)
            site.last()
        site.fired[name] += 1


def _times_full(worker: Worker) -> int:
    """How often a worker has said that the disk is full."""
    return sum("disk is full" in str(line) for line in worker.said())


def _said_full(worker: Worker, times: int) -> bool:
    return _times_full(worker) >= times


@contextmanager
def _ballast(disk: Path) -> Iterator[None]:
    """Nothing more fits on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 4_096, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def _on_a_small_disk(ground: Ground, sizes: Sizes, rng: Random, patience: Patience) -> Iterator[Site]:
    """A site on SQLite whose folder is a small disk in memory. Raises ``CalledProcessError`` who may not mount one."""
    with TemporaryDirectory(dir=ground.folder) as folder:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES}", "tmpfs", folder]
        subprocess.run(mount, check=True)  # noqa: S603 - made here
        try:
            with embedded(ground, sizes, rng, patience, store=Path(folder)) as site:
                yield site
        finally:
            subprocess.run(["umount", folder], check=True)  # noqa: S603, S607 - as above


_leased = partial(cluster, lease=f"{_LEASE_SECONDS:g}s")

STORMS: dict[str, Storm] = {
    "kills": Storm("workers are killed", _kills, Sizes(10_000, 2_000, 50), Sizes(60, 6, 2), _leased),
    "away": Storm("broker and database away", _away, Sizes(1_200, 120, 2, 60), Sizes(30, 3, 1, 0.5)),
    "weather": Storm("answers late, wrong or lost", _weather, Sizes(1_000, 100, 10), Sizes(30, 3, 1)),
    "credentials": Storm("credentials refused", _credentials, Sizes(600, 60, 2, 60), Sizes(20, 2, 1, 0.5)),
    "frozen": Storm("workers stand still", _frozen, Sizes(1_000, 100, 10), Sizes(30, 3, 1), _leased),
    "clocks": Storm("clocks ten minutes apart", _clocks, Sizes(600, 60, 2), Sizes(30, 3, 2)),
    "slow": Storm("one system does not answer", _slow, Sizes(600, 60, 2), Sizes(30, 3, 1)),
    "hostile": Storm("messages that are none", hostile, Sizes(600, 60, 10_000), Sizes(20, 2, 100)),
    "disk-full": Storm(
        "no room for the database", _disk_full, Sizes(600, 60, 5, 10), Sizes(20, 2, 1, 0.5), _on_a_small_disk
    ),
}
