"""One system as it is read for an audit: in memory, only the lists that tickets are about, each with its line of the certificate.

A snapshot in the store is all or nothing. Here a list that cannot be read only keeps from saying what hangs on it.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import asdict, dataclass, field
from datetime import datetime

from access.clock import Clock
from access.entitlements import ResourceKind, System
from access.failures import CredentialRefused, Failure
from connectors.reading import (
    AccountRow,
    GrantRow,
    Incomplete,
    Part,
    PrincipalKind,
    Reader,
    ReadPlan,
    ResourceRow,
    Row,
    Shifted,
)

#: How often a list that changes under the reader is read before it is given up.
_READINGS = 4

#: Lists without which nothing of a system can be told; of the others each keeps only what hangs on it.
_BASE = frozenset({"users", "users+memberships", "directory", "groups", "projects"})

#: What keeps from saying anything of a list that was not chosen.
_NOT_READ = "Its list was not read, since no ticket seemed to name it. Report it: that was wrong."

#: Which parts are worth reading, by the resources that are known by then.
Chooser = Callable[[Part, "Picture"], bool]


class SystemUnread(Exception):  # noqa: N818 - an outcome that an audit goes on with
    """Nothing of a system can be told; one sentence why."""


@dataclass(frozen=True, slots=True)
class ListRead:
    """One list as it was read: its rows, in how many pages, when, and the SHA-256 of its rows, sorted.

    ``gap`` is why it is not complete; then it has no rows.
    """

    system: str
    name: str
    rows: int
    pages: int
    began_at: datetime
    ended_at: datetime
    sha256: str
    gap: str | None = None


@dataclass(slots=True)
class Picture:
    """What was read of a system. ``gaps`` says for parts that could not be read why, by the part's name."""

    system: System
    began_at: datetime
    credential_of: str = ""
    method: str = ""
    notes: Sequence[str] = ()
    accounts: dict[str, AccountRow] = field(default_factory=dict)
    things: dict[ResourceKind, dict[str, ResourceRow]] = field(default_factory=lambda: defaultdict(dict))
    holders: dict[tuple[ResourceKind, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    holding_groups: dict[tuple[ResourceKind, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    lists: list[ListRead] = field(default_factory=list)
    gaps: dict[tuple[ResourceKind, str], str] = field(default_factory=dict)

    def resources(self, kind: ResourceKind) -> Iterator[ResourceRow]:
        """The resources of a kind that are known by now."""
        return iter(list(self.things[kind].values()))

    def count(self, kind: ResourceKind) -> int:
        """How many there are."""
        return len(self.things[kind])

    def gap(self, kind: ResourceKind, resource: str) -> str | None:
        """Why it cannot be told who holds a resource; None when it can."""
        project = resource.partition("/")[0] if kind is ResourceKind.PROJECT_ROLE else ""
        keys = [(kind, resource), (kind, ""), (ResourceKind.PROJECT, project)]
        keys += [(ResourceKind.GROUP, group) for group in self.holding_groups.get((kind, resource), ())]
        return next((self.gaps[key] for key in keys if key in self.gaps), None)

    def add(self, rows: Iterable[Row]) -> None:
        """Take rows in."""
        for row in rows:
            match row:
                case AccountRow():
                    self.accounts[row.id] = row
                case ResourceRow():
                    self.things[row.kind][row.id] = row
                case GrantRow(principal_kind=PrincipalKind.GROUP):
                    self.holding_groups[row.kind, row.resource].add(row.principal)
                case GrantRow():
                    self.holders[row.kind, row.resource].add(row.principal)


class PictureTaker:
    """Reads one system for an audit, several lists at a time; ``progress`` is told in a few words what is read."""

    def __init__(
        self, reader: Reader, clock: Clock, *, concurrency: int, progress: Callable[[str], None] = lambda _: None
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._concurrency = concurrency
        self._progress = progress

    def take(self, chooses: Chooser) -> Picture:
        """Read the lists that ``chooses`` wants, and then the members of the groups through which they give access.

        Raises ``SystemUnread``.
        """
        reader = self._reader
        picture = Picture(reader.system, self._clock.now())
        try:
            picture.credential_of = reader.prove()
            plan = reader.plan(previous=None, now=self._clock.now())
            picture.method, picture.notes = plan.method, tuple(plan.notes)
            deferred = self._stages(plan, picture, chooses)
            self._read(plan, picture, [part for part in deferred if _gives(part, picture)])
            for part in deferred:
                if not _gives(part, picture):
                    picture.gaps.update(dict.fromkeys(_about(part), _NOT_READ))
        except (Failure, Incomplete) as failure:
            raise SystemUnread(str(failure)) from failure
        return picture

    def _stages(self, plan: ReadPlan, picture: Picture, chooses: Chooser) -> list[Part]:
        """Read the stages; the parts that were left out."""
        left: list[Part] = []
        stage = 0
        while (listed := self._reader.parts(plan, stage, picture)) is not None:
            parts = list(listed)
            chosen = {part.name: not part.about or chooses(part, picture) for part in parts}
            self._read(plan, picture, [part for part in parts if chosen[part.name]])
            left += [part for part in parts if not chosen[part.name]]
            stage += 1
        return left

    def _read(self, plan: ReadPlan, picture: Picture, parts: Sequence[Part]) -> None:
        with ThreadPoolExecutor(max_workers=self._concurrency, thread_name_prefix="truth") as pool:
            readings = [pool.submit(copy_context().run, self._whole, plan, part) for part in parts]
            for number, (part, reading) in enumerate(zip(parts, readings, strict=True), start=1):
                self._progress(
                    f"{self._reader.system.label}: list {number} of {len(parts)} ({part.name.partition('/')[0]})"
                )
                rows, line = reading.result()
                picture.lists.append(line)
                if line.gap is None:
                    picture.add(rows)
                elif part.name in _BASE:
                    raise SystemUnread(line.gap)
                else:
                    picture.gaps.update(dict.fromkeys(_about(part), line.gap))

    def _whole(self, plan: ReadPlan, part: Part) -> tuple[list[Row], ListRead]:
        """A list from its beginning to its end, or why it could not be read. Raises ``CredentialRefused``."""
        began = self._clock.now()
        for _ in range(_READINGS):
            rows: list[Row] = []
            pages = 0
            try:
                for page in self._reader.read(plan, part):
                    rows += page
                    pages += 1
            except Shifted:
                continue
            except CredentialRefused:
                raise
            except (Incomplete, Failure) as failure:
                return [], self._line(part, [], pages, began, gap=str(failure))
            return rows, self._line(part, rows, pages, began)
        return [], self._line(part, [], 0, began, gap=f"The list '{part.name}' changed each time it was read.")

    def _line(
        self, part: Part, rows: Sequence[Row], pages: int, began: datetime, *, gap: str | None = None
    ) -> ListRead:
        return ListRead(
            self._reader.system, part.name, len(rows), pages, began, self._clock.now(), digest(map(_written, rows)), gap
        )


def digest(lines: Iterable[str]) -> str:
    """The SHA-256 of lines in sorted order, in hexadecimal."""
    found = hashlib.sha256()
    for line in sorted(lines):
        found.update(line.encode() + b"\n")
    return found.hexdigest()


def _written(row: Row) -> str:
    return json.dumps(asdict(row), sort_keys=True, ensure_ascii=False, default=str)


def _gives(part: Part, picture: Picture) -> bool:
    """Whether a part has the members of a group that gives a resource to them."""
    group = part.about.get("group")
    if group is None or not part.name.startswith(("members", "unlisted")):
        return False
    return any(group in groups for groups in picture.holding_groups.values())


def _about(part: Part) -> list[tuple[ResourceKind, str]]:
    """What cannot be told without a part; of a list of everything all resources of its kind."""
    about: Mapping[str, str] = part.about
    if part.name.startswith("group-apps"):
        return [(ResourceKind.APPLICATION, "")]
    if group := about.get("group"):
        return [(ResourceKind.GROUP, group)]
    if application := about.get("application"):
        return [(ResourceKind.APPLICATION, application)]
    if project := about.get("project"):
        role = about.get("role")
        return [(ResourceKind.PROJECT_ROLE, f"{project}/{role}") if role else (ResourceKind.PROJECT, project)]
    kind = {"admins": ResourceKind.ADMIN_ROLE, "applications": ResourceKind.APPLICATION}.get(
        part.name, ResourceKind.GROUP
    )
    return [(kind, "")]
