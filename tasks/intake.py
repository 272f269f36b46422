"""Intake: stores each message as a request, or as a dead letter with the reason. The caller acknowledges afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from access import actors
from access.clock import Clock
from access.lifecycle import RequestState
from access.message import AccessRequest
from access.operations import Lane, lane_of_action
from store.inbox import WaitingMessage
from store.outbox import Topic, WakeUp
from store.requests import ORDER, Received
from store.unit_of_work import Conflict, Store, Unavailable, UnitOfWork
from tasks.incoming_message import WHOLE_BYTES, Arrival, Body, BodyReader
from tasks.message_parsing import MAX_BODY, Malformed, parse_message
from tasks.publisher import Publisher
from tasks.services import new_id

_log = structlog.get_logger(__name__)

#: How long the wake-up sent at intake is given before the sweep looks at the request itself.
DISPATCHED_FOR = timedelta(seconds=30)

#: The most requests of one commit that get a wake-up, removals first. A wake-up saves only the time until workers look for work
#: (``worker.poll``), and each is a message of its own whose receipt the broker confirms: one for each request took more time
#: than all the rest of the intake [measured]. What comes alone has one; what comes in numbers keeps workers busy anyway.
_WOKEN = 4

#: How long the process that takes messages in may say nothing before another takes over.
_LEASE = timedelta(seconds=8)

#: Bytes of bodies from the inbox in one transaction.
_INBOX_BYTES = 4 * 1024 * 1024

_FORGOTTEN_AT_ONCE = 100

#: A request that is stored and undone to find out whether the database can store requests.
_REHEARSAL = (
    b'{"id": "rehearsal", "action": "grant", "subject": {"id": "-"}, "entitlement": "jumpcloud:group:-:member"}'
)

#: The reason of a dead letter that met a mistake of ours.
FAULT = "Provisor itself failed on this message. Read its log, and send the message again once that is mended."


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is stored as a new request."""

    request_id: str
    lane: Lane


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same request was stored before; ``state`` is where it stands."""

    request_id: str
    state: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The message is not accepted, and kept among the dead letters under ``number``."""

    reason: str
    number: int
    request_id: str | None = None


Taken = Accepted | Repeated | Rejected


class Intake:
    """Takes all messages in, whatever way they came, in one order: the order of the commits."""

    def __init__(
        self, store: Store, clock: Clock, publisher: Publisher, *, dispatched_for: timedelta = DISPATCHED_FOR
    ) -> None:
        self._dispatched_for = dispatched_for
        self._store = store
        self._clock = clock
        self._publisher = publisher
        #: This process, as the holder of the lease.
        self._holder = new_id("in")

    def take(self, body: bytes, *, content_type: str | None, source: str) -> Taken:
        """Store one message's request with its wake-up, or keep it as a dead letter."""
        return self.take_all([Arrival(Body.of(body), source, content_type=content_type)])[0]

    def take_all(self, arrivals: Sequence[Arrival], *, leased: bool = False) -> Sequence[Taken]:
        """Store the requests of all messages in this order, with their wake-ups, in one commit; the rest become dead letters.

        ``leased``: only while this process has the lease of the intake. Raises ``Unavailable``, and nothing else.
        """
        try:
            taken, wake_ups = self._store_once_or_twice(arrivals, leased=leased)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, each message must come to an end
            if len(arrivals) > 1:
                # One message spoils the transaction of all. Alone, each comes to its own end.
                _log.warning("messages.one_by_one", exc_info=True)
                return [self.take_all([arrival], leased=leased)[0] for arrival in arrivals]
            # The message would break the next worker too. A dead letter keeps the message, and the queue moves on.
            _log.exception("message.error")
            return [self._bury(arrivals[0], leased=leased)]
        self._publisher.send(wake_ups)
        for arrival, one in zip(arrivals, taken, strict=True):
            self._log_outcome(one, arrival.source)
        return taken

    def take_lease(self) -> bool:
        """Become, or stay, the process that takes messages from a broker that would serve several; whether it is."""
        with self._store.write() as work:
            return work.intake_lease.take(self._holder, now=self._clock.now(), lasting=_LEASE)

    def give_lease_back(self) -> None:
        """Let another process take messages at once."""
        with self._store.write() as work:
            work.intake_lease.give_back(self._holder)

    def rehearse(self) -> None:
        """Store a request and a dead letter, and undo that. Raises ``Unavailable`` when the database cannot do it now."""
        with contextlib.suppress(_Undo), self._store.write(holding=ORDER) as work:
            self._store_all(work, [_rehearsed(b"{}"), _rehearsed(_REHEARSAL)])
            work.audit.flush()
            raise _Undo

    def drain_inbox(self, limit: int) -> int:
        """Take up to ``limit`` messages from the inbox; each leaves the inbox in the commit that stores its request."""
        try:
            with self._store.write(holding=ORDER) as work:
                messages = list(_first_bytes(work.inbox.waiting(limit)))
                arrivals = [_arrival(work, message) for message in messages]
                for message in messages:
                    work.inbox.remove(message.id)
                taken, wake_ups = self._store_all(work, arrivals)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, each message must come to an end
            # One message spoils the transaction of all. Alone, each comes to its own end.
            _log.warning("inbox.one_by_one", exc_info=True)
            with self._store.read() as work:
                messages = list(_first_bytes(work.inbox.waiting(limit)))
            for message in messages:
                self._take_from_inbox(message)
            return len(messages)
        self._publisher.send(wake_ups)
        for one, message in zip(taken, messages, strict=True):
            self._log_outcome(one, message.source)
        return len(messages)

    def _take_from_inbox(self, message: WaitingMessage) -> None:
        """Take one message in on its own; one that meets a mistake of ours twice becomes a dead letter."""
        for _ in range(2):
            try:
                with self._store.write(holding=ORDER) as work:
                    arrival = _arrival(work, message)
                    if not work.inbox.remove(message.id):
                        return  # Another worker has taken it.
                    [taken], wake_ups = self._store_all(work, [arrival])
            except Unavailable:
                raise
            except Exception:  # noqa: BLE001 - the same
                _log.exception("message.error", inbox=message.id)
            else:
                self._publisher.send(wake_ups)
                self._log_outcome(taken, message.source)
                return
        with self._store.write() as work:
            work.require_own_revision()
            arrival = _arrival(work, message)
            if not work.inbox.remove(message.id):
                return
            rejected = self._reject(work, arrival, reason=FAULT, request_id=None)
        self._log_outcome(rejected, message.source)

    def resend(self, number: int, *, by: str) -> bool:
        """Put a dead letter into the inbox again, unchanged; whether one was there that is whole and was not sent again yet.

        ``by`` is the OS user who asks for it.
        """
        now = self._clock.now()
        with self._store.write() as work:
            letter = work.dead_letters.get(number)
            if letter is None or letter.resent_at is not None or not letter.whole:
                return False
            work.inbox.add(letter.body, content_type=letter.content_type, source=letter.source, now=now)
            work.dead_letters.mark_resent(number, now=now)
            work.audit.record("dead_letter.resent", "dead_letter", str(number), now=now, actor=actors.operator(by))
        return True

    def acknowledge(self, number: int, *, why: str, by: str) -> bool:
        """Note that nothing more is to be done about a dead letter; whether that was open. ``by`` is the OS user."""
        now = self._clock.now()
        with self._store.write() as work:
            if not work.dead_letters.acknowledge(number, why=why, now=now):
                return False
            work.audit.record(
                "dead_letter.acknowledged",
                "dead_letter",
                str(number),
                now=now,
                actor=actors.operator(by),
                reason=why,
            )
        return True

    def forget_dead_letters(self, *, older_than: timedelta) -> int:
        """Delete dead letters that have been kept long enough, some at a time; how many. Their audit rows stay."""
        now = self._clock.now()
        with self._store.write() as work:
            work.require_own_revision()
            gone = work.dead_letters.forget(before=now - older_than, limit=_FORGOTTEN_AT_ONCE)
            for number, sha256 in gone:
                work.audit.record(
                    "dead_letter.forgotten",
                    "dead_letter",
                    str(number),
                    now=now,
                    actor=actors.SCHEDULER,
                    sha256=sha256,
                )
        return len(gone)

    def _store_once_or_twice(
        self, arrivals: Sequence[Arrival], *, leased: bool
    ) -> tuple[Sequence[Taken], Sequence[WakeUp]]:
        try:
            with self._store.write(holding=ORDER) as work:
                return self._store_all(work, arrivals, leased=leased)
        except Conflict:
            # Another worker stored a request with the same id between our read and our insert: this time we read it.
            with self._store.write(holding=ORDER) as work:
                return self._store_all(work, arrivals, leased=leased)

    def _store_all(
        self, work: UnitOfWork, arrivals: Sequence[Arrival], *, leased: bool = False
    ) -> tuple[Sequence[Taken], Sequence[WakeUp]]:
        self._require(work, leased=leased)
        now = self._clock.now()
        read = [_read(arrival) for arrival in arrivals]
        known = work.requests.fingerprints([message.id for message in read if isinstance(message, AccessRequest)])
        taken: list[Taken] = []
        new: list[Received] = []
        for message, arrival in zip(read, arrivals, strict=True):
            if isinstance(message, Malformed):
                taken.append(self._reject(work, arrival, reason=str(message), request_id=None))
            elif message.id not in known:
                known[message.id] = message.fingerprint()
                new.append(Received(message, arrival.source, at=now))
                taken.append(Accepted(message.id, lane_of_action(message.action)))
            elif known[message.id] == message.fingerprint():
                stored = work.requests.get(message.id)
                taken.append(Repeated(message.id, str(stored.state if stored else RequestState.RECEIVED)))
            else:
                taken.append(self._reject(work, arrival, reason=_differs(message), request_id=message.id))
        return taken, self.add(work, new)

    def _require(self, work: UnitOfWork, *, leased: bool) -> None:
        work.require_own_revision()
        if leased and not work.intake_lease.take(self._holder, now=self._clock.now(), lasting=_LEASE):
            raise Unavailable("Another process takes messages in by now.")

    def add(self, work: UnitOfWork, new: Sequence[Received]) -> Sequence[WakeUp]:
        """Store requests whose ids are new, within the caller's transaction, which holds ``ORDER``.

        Returns the wake-ups to be sent after the commit.
        """
        if not new:
            return ()
        wake_ups = _wake_ups(new)
        work.requests.add(new, woken={each.ref for each in wake_ups}, dispatched_for=self._dispatched_for)
        for message, source, at in new:
            work.audit.record(
                "request.received",
                "request",
                message.id,
                now=at,
                request_id=message.id,
                actor=actors.producer(source),
                action=str(message.action),
                subject=str(message.who),
                entitlement=str(message.entitlement_ref),
                requested_by=message.requested_by,
                approved_by=message.approved_by,
            )
        return work.outbox.add(wake_ups, now=new[-1].at)

    def _bury(self, arrival: Arrival, *, leased: bool) -> Rejected:
        """Keep a message that met a mistake of ours, without reading it."""
        with self._store.write() as work:
            self._require(work, leased=leased)
            rejected = self._reject(work, arrival, reason=FAULT, request_id=None)
        self._log_outcome(rejected, arrival.source)
        return rejected

    def _reject(self, work: UnitOfWork, arrival: Arrival, *, reason: str, request_id: str | None) -> Rejected:
        body = arrival.body
        if arrival.again and (kept := work.dead_letters.like(body.sha256, source=arrival.source)) is not None:
            return Rejected(reason, kept, request_id)  # Kept when the broker delivered it before.
        now = self._clock.now()
        number = work.dead_letters.add(
            body=body.kept,
            length=body.length,
            sha256=body.sha256,
            properties=arrival.properties,
            content_type=arrival.content_type,
            source=arrival.source,
            reason=reason,
            now=now,
        )
        work.audit.record(
            "message.rejected",
            "dead_letter",
            str(number),
            now=now,
            request_id=request_id,
            actor=actors.producer(arrival.source),
            reason=reason,
        )
        return Rejected(reason, number, request_id)

    def _log_outcome(self, taken: Taken, source: str) -> None:
        match taken:
            case Accepted(request_id=request_id):
                _log.info("request.received", request_id=request_id, source=source)
            case Repeated(request_id=request_id, state=state):
                _log.info("request.repeated", request_id=request_id, state=state, source=source)
            case Rejected(reason=reason, number=number):
                _log.warning("message.rejected", reason=reason, dead_letter=number, source=source)


class _Undo(Exception):  # noqa: N818 - never leaves this module
    """Rolls a rehearsal back."""


def _rehearsed(body: bytes) -> Arrival:
    return Arrival(Body.of(body), "rehearsal")


def _read(arrival: Arrival) -> AccessRequest | Malformed:
    """The request that a message carries, or why it carries none; a mistake of ours is such a reason too."""
    if arrival.problem is not None:
        return Malformed(arrival.problem)
    if arrival.body.length > MAX_BODY:
        return Malformed(f"The body has {arrival.body.length} bytes; at most {MAX_BODY} are read.")
    try:
        return parse_message(arrival.body.kept, arrival.content_type)
    except Malformed as malformed:
        return malformed
    except Exception:  # noqa: BLE001 - no content of a message may break the intake
        _log.exception("message.error")
        return Malformed(FAULT)


def _wake_ups(new: Sequence[Received]) -> list[WakeUp]:
    """The wake-ups for the first of new requests, removals before others."""
    wake_ups = [WakeUp(Topic.REQUEST, each.message.id, lane_of_action(each.message.action)) for each in new]
    return sorted(wake_ups, key=lambda each: each.lane is not Lane.REVOKE)[:_WOKEN]


def _differs(message: AccessRequest) -> str:
    return f"A different request with the id '{message.id}' is stored already. Send this one under an id of its own."


def _first_bytes(messages: Sequence[WaitingMessage]) -> Iterator[WaitingMessage]:
    """The first messages, as long as their bodies can be held at once."""
    held = 0
    for message in messages:
        held += min(message.length, WHOLE_BYTES)
        if held > _INBOX_BYTES:
            return
        yield message


def _arrival(work: UnitOfWork, message: WaitingMessage) -> Arrival:
    reader = BodyReader(message.length)
    for piece in work.inbox.body(message.id, piece=WHOLE_BYTES):
        reader.add(piece)
    return Arrival(reader.body(), message.source, content_type=message.content_type)
