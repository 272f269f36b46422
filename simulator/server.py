"""The simulated systems and their control door, each on its own port, all in one event loop."""

import asyncio
import signal
import socket
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp

from simulator.atlassian import World as AtlassianWorld
from simulator.calls import CallLog
from simulator.control import Control
from simulator.faults import Faults
from simulator.jira import World as JiraWorld
from simulator.jumpcloud import World as JumpCloudWorld
from simulator.middleware import Watched
from simulator.provisioning import Provisioned, Provisioning
from simulator.systems import system_named
from simulator.wire import Listener, bind
from simulator.world import World

LOOPBACK = "127.0.0.1"
CONTROL = "control"
_START_SECONDS = 10
_STOP_SECONDS = 10


class Simulators:
    """Any of the simulated systems, running in a thread of their own, or in this one with `run`.

    Sockets are bound when the object is made, so the addresses are good from then on. A port of 0 takes a free one.
    `atlassian` is True for an organization over the given Jira world, or a world of `simulator.atlassian`.
    """

    def __init__(
        self,
        *,
        jumpcloud: JumpCloudWorld | None = None,
        jira: JiraWorld | None = None,
        atlassian: AtlassianWorld | bool = False,
        ports: dict[str, int] | None = None,
        host: str = LOOPBACK,
        state_file: Path | None = None,
    ) -> None:
        self.faults = Faults(replicate=self._replicas)
        self.calls = CallLog()
        self.worlds = _worlds(jumpcloud, jira, atlassian)
        self.provisioning = Provisioning(jumpcloud, jira)
        self.control = Control(
            self.worlds,
            faults=self.faults,
            calls=self.calls,
            provisioning=self.provisioning,
            state_file=state_file,
        )
        self._host = host
        self._sockets: dict[str, socket.socket] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._thread: threading.Thread | None = None
        ports = ports or {}
        try:
            for name in self.worlds:
                self._sockets[name] = bind(host, ports.get(name, 0))
            self._sockets[CONTROL] = bind(LOOPBACK, ports.get(CONTROL, 0))
        except OSError:
            self._close_sockets()
            raise

    def url(self, name: str) -> str:
        """Return the address of a system or of "control"; raises KeyError when it does not run here."""
        host = LOOPBACK if name == CONTROL else self._host
        return f"http://{host}:{self._sockets[name].getsockname()[1]}"

    @property
    def jumpcloud_url(self) -> str:
        """Return the address that takes the place of console.jumpcloud.com and api.jumpcloud.com."""
        return self.url("jumpcloud")

    @property
    def jira_url(self) -> str:
        """Return the address that takes the place of <site>.atlassian.net."""
        return self.url("jira")

    @property
    def atlassian_url(self) -> str:
        """Return the address that takes the place of api.atlassian.com."""
        return self.url("atlassian")

    @property
    def control_url(self) -> str:
        """Return the address of the control door."""
        return self.url(CONTROL)

    def run(self, *, ready: Callable[[], None] = lambda: None) -> None:
        """Serve in this thread until SIGTERM or SIGINT; SIGUSR1 writes the state file."""
        asyncio.run(self._main(ready, signals=True))
        self.control.write_state()

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._main(started.set)), name="simulators", daemon=True
        )
        self._thread.start()
        if not started.wait(_START_SECONDS):
            raise TimeoutError("The simulators did not start. Look at the traceback of their thread above.")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End every connection and wait until all is closed; may be called from any thread, also twice."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(_STOP_SECONDS)
            self._thread = None
        self._close_sockets()

    def _close_sockets(self) -> None:
        for sock in self._sockets.values():
            sock.close()

    def _apps(self) -> dict[str, ASGIApp]:
        apps: dict[str, ASGIApp] = {CONTROL: self.control.app()}
        for name, world in self.worlds.items():
            system = system_named(name)
            apps[name] = Watched(
                Provisioned(system.create_app(world), self.provisioning.run),
                system=name,
                faults=self.faults,
                calls=self.calls,
                error_body=partial(system.error_body, world),
            )
        return apps

    def _replicas(self, system: str | None) -> dict[str, ASGIApp]:
        """Return applications over copies of the worlds as they are now."""
        replicas: dict[str, ASGIApp] = {}
        for name, world in self.worlds.items():
            if system in (None, name):
                package = system_named(name)
                replicas[name] = package.create_app(package.replicate(world))
        return replicas

    async def _main(self, ready: Callable[[], None], *, signals: bool = False) -> None:
        loop = self._loop = asyncio.get_running_loop()
        self.faults.bind(loop)
        if signals:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._stopping.set)
            loop.add_signal_handler(signal.SIGUSR1, self.control.write_state)
        listeners = [Listener(app, self._sockets[name]) for name, app in self._apps().items()]
        for listener in listeners:
            await listener.start()
        ready()
        await self._stopping.wait()
        for listener in listeners:
            await listener.stop()
        self.faults.bind(None)


def _worlds(
    jumpcloud: JumpCloudWorld | None,
    jira: JiraWorld | None,
    atlassian: AtlassianWorld | bool,  # noqa: FBT001 - the shape of the public argument
) -> dict[str, World]:
    worlds: dict[str, World] = {}
    if jumpcloud is not None:
        worlds["jumpcloud"] = jumpcloud
    if jira is not None:
        worlds["jira"] = jira
    if atlassian is True:
        if jira is None:
            raise ValueError("Atlassian administration needs a Jira world to administer. Give `jira=` too.")
        worlds["atlassian"] = AtlassianWorld(jira)
    elif atlassian is not False:
        worlds["atlassian"] = atlassian
    return worlds
