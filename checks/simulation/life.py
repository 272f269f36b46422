"""One life: some days of a company, whose every chance a seed decides."""

from __future__ import annotations

import heapq
import json
import shutil
import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path
from random import Random

from access.clock import ManualClock
from access.entitlements import EntitlementRef, System
from access.lifecycle import ClaimState, RequestState
from access.operations import access_key
from checks.simulation.outside import LASTING, SimulatedTickets, Weather, simulated_system
from checks.simulation.points import PointedStore, Points
from checks.simulation.processes import Broker, Process, SkewedClock, started
from checks.simulation.stories import MINUTE, PEOPLE, Author, Message, Story
from checks.simulation.turns import Turn
from store.database import Database
from store.tables import audit
from tasks.restoring import Restoring
from tests.fakes.faults import OWN_FAULT
from tests.fakes.local_stack import DISPATCHED_FOR, START
from tests.fakes.system import FakeSystem
from tests.fakes.tickets import Issue
from tests.sync.stored_snapshot import shown
from ticketing.ports import Phase

#: When a sweep will find something: the first row that is due, and that nobody is at.
_DUE = " UNION ALL ".join(
    f"SELECT MIN(MAX(due_at, COALESCE(dispatched_until, due_at), COALESCE({lease}, due_at))) AS at FROM {table} {where}"  # noqa: S608 - our own words
    for table, lease, where in (
        ("requests", "lease_until", ""),
        ("operations", "lease_until", "WHERE state IN ('ready', 'running', 'blocked')"),
        ("claims", "due_at", "WHERE state = 'active'"),
        ("tickets", "lease_until", ""),
        ("sync_runs", "lease_until", ""),
    )
)
_FIRST_DUE = f"SELECT MIN(at) FROM ({_DUE})"  # noqa: S608 - our own words

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)

PROCESSES, _TURNS_AT_ONCE = 3, 6

#: How often, of all times: somebody sends a message twice, an acknowledgement is lost, a life has a restore, an outage is only
#: that changes show late, a person does not come to a ticket, closes one untruly, deletes one.
_TWICE, _UNACKNOWLEDGED, _RESTORED, _LATE, _BUSY, _UNTRUE, _DELETED = 0.2, 0.05, 0.5, 0.3, 0.5, 0.15, 0.07

#: How often work begins that waits at the broker, before what is under way goes on.
_BEGINS = 0.5

#: How far the clocks of processes are from the true time: they measure the database's, so not far.
SKEW_SECONDS = 2.0

#: How long it stays fair after the last day: longer than anything that a fault of before may still hold.
_FAIR = timedelta(hours=16)

#: How many steps a day may take, several times what it takes; a life that takes more spins.
_MOST_STEPS = 100_000


@dataclass(order=True)
class Event:
    """Something that happens in the world."""

    at: datetime
    number: int
    happen: Callable[[], None] = field(compare=False)


class Life:
    """Some days of a company. Everything is made in ``folder`` from ``template``, a migrated database."""

    def __init__(self, seed: int, folder: Path, template: Path, *, days: int, requests: int) -> None:
        self.seed, self._days = seed, days
        self.rng = Random(seed)  # noqa: S311 - a repeatable choice
        self.clock = ManualClock(START)
        self.points = Points(self.clock, self.rng)
        self.weathers = {
            place: Weather(self.points, self.rng, place=place, changes=place != "tickets")
            for place in ("jumpcloud", "jira", "tickets")
        }
        self.systems = {
            system: simulated_system(self.clock, self.weathers[str(system)], PEOPLE, system)
            for system in (System.JUMPCLOUD, System.JIRA)
        }
        self.tickets = SimulatedTickets(self.clock, self.weathers["tickets"])
        self.broker = Broker(self.rng)
        self.author = Author(self.rng)
        self._folder, self._file = folder, folder / "life.db"
        shutil.copyfile(template, self._file)
        self._open()
        self.stories: list[Story] = []
        self._events: list[Event] = []
        self._numbers = count()
        self._turns: list[Turn] = []
        self._mail: deque[Message] = deque()
        self._next_sweep, self._in_vain = START, 0
        #: What went wrong on the way, in sentences.
        self.wrong: list[str] = []
        #: Whether a person lied about an issue, or deleted the issue of an operation, already.
        self._tried: set[tuple[str, str, str]] = set()
        self.outages = self.restores = self.snapshots = 0
        self._snapshot_seen: str | None = None
        self._plan(requests)

    # What happens when

    def _plan(self, requests: int) -> None:
        for day in range(self._days):
            begins, asked = START + day * DAY, 0
            while asked < requests:
                story = self.author.write(begins + timedelta(seconds=self.rng.randrange(86_400)))
                self.stories.append(story)
                if story.there_before:
                    self.system_of(story).change(story.account, story.ref, present=True)
                for message in story.messages:
                    self._at(message.at, partial(self._send, message, story))
                asked += len(story.messages)
            self._at(begins + timedelta(seconds=self.rng.randrange(86_400)), self._begin_sync)
            for _ in range(self.rng.randint(2, 5)):
                self._at(begins + timedelta(seconds=self.rng.randrange(86_400)), self._outage)
        if self.rng.random() < _RESTORED:
            at = START + timedelta(seconds=self.rng.uniform(3600, self._days * 86_400))
            self._at(at, self._back_up)
        self._at(START + 10 * MINUTE, self._people_work)
        self._at(START + 10 * MINUTE, self._look_at_snapshot)
        self._at(START + self._days * DAY, self._become_fair)
        self._at(START + self._days * DAY + _FAIR - timedelta(hours=2), self._begin_sync)

    def _at(self, moment: datetime, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, Event(moment, next(self._numbers), happen))

    def system_of(self, story: Story) -> FakeSystem:
        """The system of a story's access."""
        return self.systems[EntitlementRef.parse(story.ref).system]

    def _send(self, message: Message, story: Story) -> None:
        """A producer sends a message, once all is so that it would; sometimes twice."""
        if message.after is not None and message.after.taken_at is None:
            self._at(self.clock.now() + 5 * SECOND, lambda: self._send(message, story))
            return
        if message.when_held:
            state = self._claim_state(story.messages[0].id)
            if state in (None, ClaimState.PENDING):
                self._at(self.clock.now() + 5 * MINUTE, lambda: self._send(message, story))
                return
            if state is not ClaimState.ACTIVE:
                return
        message.sent_at = self.clock.now()
        self._mail.append(message)
        if self.rng.random() < _TWICE:
            self._at(self.clock.now() + self.rng.randrange(7200) * SECOND, lambda: self._mail.append(message))

    def _claim_state(self, request_id: str) -> ClaimState | None:
        with self.store.read() as work:
            claim = work.claims.of_request(request_id)
        return None if claim is None else claim.state

    def _begin_sync(self) -> None:
        self._begin(lambda process: process.sync.begin(System.JUMPCLOUD))

    def _outage(self) -> None:
        """One place answers with faults alone for a while, or shows changes late."""
        weather = self.weathers[self.rng.choice(list(self.weathers))]
        if self.rng.random() < _LATE:
            system = self.rng.choice(list(self.systems.values()))
            system.lag = timedelta(seconds=self.rng.randrange(8))
            return
        weather.lasting = self.rng.choice(LASTING)
        self.outages += 1
        self._at(self.clock.now() + timedelta(minutes=self.rng.uniform(1, 60)), weather.pass_over)

    def _become_fair(self) -> None:
        for weather in self.weathers.values():
            weather.clear()
        for system in self.systems.values():
            system.lag = timedelta(0)
        self.points.calm = True

    def _people_work(self) -> None:
        """People do what tickets ask for; a few close one that they did not do, or delete it."""
        for issue in self.tickets.open_issues():
            if self.rng.random() < _BUSY:
                continue
            data, draw = issue.draft.data, self.rng.random()
            lie = ("lie", *self.asked_by(issue))
            if draw < _UNTRUE and lie not in self._tried:
                self._tried.add(lie)
                issue.phase = Phase.DONE
                continue
            delete = ("delete", *self.asked_by(issue))
            if draw > 1 - _DELETED and delete not in self._tried:
                self._tried.add(delete)
                del self.tickets.issues[issue.ref.id]
                continue
            present = data["direction"] == "give"
            ref = EntitlementRef.parse(data["entitlement"])
            self.systems[ref.system].change(data["account"], str(ref), present=present)
            issue.phase = Phase.DONE
        self._at(self.clock.now() + self.rng.randint(5, 30) * MINUTE, self._people_work)

    @staticmethod
    def asked_by(issue: Issue) -> tuple[str, str]:
        """The request that an issue is about, and what it asks for."""
        return issue.draft.data["request"], issue.draft.data["direction"]

    def _look_at_snapshot(self) -> None:
        """Compare a snapshot that is new with what did not change while it was read."""
        self._at(self.clock.now() + 30 * MINUTE, self._look_at_snapshot)
        with self.store.read() as work:
            current = work.snapshots.current(System.JUMPCLOUD)
        if current is None or current.run_id == self._snapshot_seen:
            return
        self._snapshot_seen = current.run_id
        self.snapshots += 1
        shows = shown(self.store, System.JUMPCLOUD)
        if len(shows.accounts) != len(PEOPLE) or len(shows.resources) != len(self.author.groups):
            self.wrong.append("A snapshot lacks accounts or groups.")
        held = {(resource, who) for _, resource, _, who in shows.grants}
        for story in self.stories:
            ref = EntitlementRef.parse(story.ref)
            journal = self.systems[System.JUMPCLOUD].journal(story.account, story.ref)
            before = [there for moment, there in journal if moment < current.began_at - MINUTE]
            still = not any(
                current.began_at - MINUTE <= moment <= current.completed_at + MINUTE for moment, _ in journal
            )
            if ref.system is System.JUMPCLOUD and still:
                true = bool(before) and before[-1]
                if ((ref.path[0], story.account) in held) is not true:
                    self.wrong.append(f"A snapshot is wrong about {story.account} {story.ref}.")

    # Restores

    def _back_up(self) -> None:
        with closing(sqlite3.connect(self._file)) as source, closing(sqlite3.connect(self._backup)) as target:
            source.backup(target)
        made = self.clock.now()
        self._at(made + timedelta(minutes=self.rng.uniform(5, 90)), lambda: self._restore(made))

    @property
    def _backup(self) -> Path:
        return self._folder / "backup.db"

    def _restore(self, made: datetime) -> None:
        """Everything is stopped, and the backup takes the place of the database; what came in since is handed in again."""
        self.restores += 1
        for process in self._processes:
            process.running.killed = True
        self._drain()
        self.database.close()
        for file in self._folder.glob("life.db*"):
            file.unlink()
        shutil.copyfile(self._backup, self._file)
        self._open()
        restoring = Restoring(self.store, self.clock, by="grace")
        restoring.begin()
        again = []
        for story in self.stories:
            living = [each for each in story.messages if each.sent_at is not None]
            if living:
                story.lost_a_part |= self._is_touched(story, made)
            again += [each for each in living if each.sent_at and each.sent_at >= made - 2 * MINUTE]
        for message in sorted(again, key=lambda each: (each.taken_at or self.clock.now(), each.id)):
            self._processes[0].stack.intake.take(
                json.dumps(message.body).encode(), content_type="application/json", source="test"
            )
        weather = self.weathers["tickets"]
        rough, weather.rough = weather.rough, False
        lasting, weather.lasting = weather.lasting, weather.lasting.FINE
        restoring.look_for_tickets(self.tickets)
        weather.rough, weather.lasting = rough, lasting
        restoring.end()

    def _is_touched(self, story: Story, made: datetime) -> bool:
        """Whether something of a story happened since, or was under way then."""
        journal = self.system_of(story).journal(story.account, story.ref)
        with self.store.read() as work:
            requests = [work.requests.get(each.id) for each in story.messages]
            claims = work.claims.on(
                access_key(story.account, None, EntitlementRef.parse(story.ref)),
                states=(ClaimState.PENDING, ClaimState.ENDING),
            )
        open_then = any(each is None or each.finished_at is None for each in requests)
        return open_then or bool(claims) or any(moment >= made for moment, _ in journal)

    # Processes

    def _open(self) -> None:
        self.database = Database(f"sqlite:///{self._file}", pool_size=10)
        self.store = PointedStore(self.database, self.points)
        self._processes = [self._start(self.clock.now()) for _ in range(PROCESSES)]

    def _start(self, up_from: datetime) -> Process:
        by = timedelta(seconds=self.rng.uniform(-SKEW_SECONDS, SKEW_SECONDS))
        return started(
            SkewedClock(self.clock, by),
            self.store,
            self.broker,
            self.systems,
            self.tickets,
            groups=self.author.groups,
            jitter=self.rng.random,
            up_from=up_from,
        )

    def _restart_killed(self) -> None:
        for number, process in enumerate(self._processes):
            if process.running.killed:
                process.parts.close()
                up_from = self.clock.now() + self.rng.randint(1, 20) * SECOND
                self._processes[number] = self._start(up_from)

    def _begin(self, work: Callable[[Process], object]) -> bool:
        """Have a process that is up do something; whether one is."""
        up = [each for each in self._processes if each.up_from <= self.clock.now() and not each.running.killed]
        if not up:
            return False
        process = self.rng.choice(up)
        self._turns.append(Turn(lambda: work(process), process.running, self.clock.now()))
        return True

    # Time

    def run(self) -> None:
        """Live it to its end."""
        end = START + self._days * DAY + _FAIR
        steps = 0
        while self.clock.now() < end:
            steps += 1
            if steps > _MOST_STEPS * self._days:
                self.wrong.append("The same work is due over and over.")
                break
            moment = self.clock.now()
            if not self._go_on():
                self.clock.advance(max(self._next_moment(), moment + timedelta(milliseconds=1)) - moment)
        self.steps = steps
        self._drain()

    def _drain(self) -> None:
        """Let all turns come to their end; those of killed processes end at once."""
        while self._turns:
            self._run(self._turns[0])

    def _run(self, turn: Turn) -> None:
        turn.run()
        if turn.over:
            self._turns.remove(turn)
            # What the weather raised in our name the process logs, and goes on.
            if turn.raised is not None and str(turn.raised) != OWN_FAULT:
                self.wrong.append(f"A worker raised {turn.raised!r}.")
        self._restart_killed()

    def _go_on(self) -> bool:
        """Do one thing that is due; whether there was one."""
        now = self.clock.now()
        if self._events and self._events[0].at <= now:
            heapq.heappop(self._events).happen()
            return True
        ready = [turn for turn in self._turns if turn.resumes <= now]
        room = len(self._turns) < _TURNS_AT_ONCE
        if room and self._mail and self._begin(self._take_message):
            return True
        if room and self.broker.wake_ups and (not ready or self.rng.random() < _BEGINS):
            wake_up = self.broker.take()
            if self._begin(lambda process: process.handlers[wake_up.topic](wake_up.ref)):
                return True
        if ready:
            self._run(self.rng.choice(ready))
            return True
        if room and self._next_sweep <= now:
            # Clocks differ, and a sweep may find nothing yet; for what none finds it looks ever more rarely.
            self._next_sweep = now + min(SECOND * 2 ** min(self._in_vain, 10), 10 * MINUTE)
            due = self.due()
            if due is not None and due <= now:
                return self._begin(self._sweep)
            self._next_sweep = max(self._next_sweep, due or now + MINUTE)
        return False

    def _next_moment(self) -> datetime:
        moments = [turn.resumes for turn in self._turns] + [each.up_from for each in self._processes]
        moments += [event.at for event in self._events[:1]]
        moments += [self._next_sweep]
        return min((each for each in moments if each > self.clock.now()), default=self.clock.now() + SECOND)

    def _take_message(self, process: Process) -> None:
        """The broker has a message again until it is acknowledged, which may be lost."""
        if not self._mail:
            return
        message = self._mail.popleft()
        back = Event(self.clock.now() + 10 * SECOND, next(self._numbers), lambda: self._mail.append(message))
        heapq.heappush(self._events, back)
        process.stack.intake.take(json.dumps(message.body).encode(), content_type="application/json", source="test")
        message.taken_at = message.taken_at or self.clock.now()
        if self.rng.random() >= _UNACKNOWLEDGED and back in self._events:
            self._events.remove(back)
            heapq.heapify(self._events)

    def _sweep(self, process: Process) -> None:
        with self.store.write() as work:
            found = work.sweep.mark_due(now=process.stack.clock.now(), dispatched_for=DISPATCHED_FOR, limit=50)
        self._in_vain = 0 if found else self._in_vain + 1
        self.broker.wake_ups += found

    def due(self) -> datetime | None:
        """When a sweep will find something."""
        with self.database.read() as connection:
            found = connection.exec_driver_sql(_FIRST_DUE).scalar()
        return None if found is None else datetime.fromisoformat(found).replace(tzinfo=UTC)

    def unrecorded(self) -> list[tuple[str, str]]:
        """The audit rows that are missing."""
        return self._processes[0].stack.unrecorded()

    def recorded_often(self, events: Collection[str]) -> list[tuple[str, str, int]]:
        """Which of these events the audit has more than once, of what, and how often."""
        found: Counter[tuple[str, str]] = Counter()
        with self.database.read() as connection:
            for row in connection.execute(audit.select().where(audit.c.event.in_(events))):
                found[row.event, row.entity_id] += 1
        return [(*of, times) for of, times in found.items() if times > 1]

    def least_of(self, story: Story) -> timedelta | None:
        """How long its access has to last at least, the extension included that was agreed to."""
        extension = next((each for each in story.messages if each.when_held and each.sent_at is not None), None)
        if story.least is None or extension is None:
            return story.least
        with self.store.read() as work:
            request = work.requests.get(extension.id)
        agreed = request is not None and request.state is RequestState.DONE
        return story.least + (request.message.duration or timedelta(0)) if request and agreed else story.least

    def counts(self) -> dict[str, int]:
        """How often what happened."""
        fired = sum((weather.fired for weather in self.weathers.values()), Counter())
        return {
            "faults": fired.total(),
            "kills": self.points.crashed.total(),
            "outages": self.outages,
            "restores": self.restores,
            "snapshots": self.snapshots,
            "tickets": self.tickets.made,
        }

    def close(self) -> None:
        """Let go of everything."""
        for process in self._processes:
            process.parts.close()
        self.database.close()
