"""Intake: stores each message as a request, or as a dead letter with the reason. The caller acknowledges afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from access.clock import Clock
from access.lifecycle import RequestState
from access.message import AccessRequest
from access.operations import Lane, lane_of
from store.inbox import StoredMessage
from store.outbox import Topic, WakeUp
from store.requests import Received
from store.unit_of_work import Conflict, Store, Unavailable, UnitOfWork
from tasks.message_parsing import Malformed, parse_message
from tasks.publisher import Publisher

_log = structlog.get_logger(__name__)

#: How long the wake-up sent at intake is given before the sweep looks at the request itself.
DISPATCHED_FOR = timedelta(seconds=30)

#: The shortest time between two moments that every database tells apart.
_NEXT_MOMENT = timedelta(microseconds=1)

#: The reason of a dead letter that met a mistake of ours.
FAULT = "Provisor itself failed on this message. Read its log, and send the message again once that is mended."


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it came, and by which way."""

    body: bytes
    content_type: str | None
    source: str


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
    """Takes all messages in, whatever way they came."""

    def __init__(
        self, store: Store, clock: Clock, publisher: Publisher, *, dispatched_for: timedelta = DISPATCHED_FOR
    ) -> None:
        self._dispatched_for = dispatched_for
        self._store = store
        self._clock = clock
        self._publisher = publisher

    def take(self, body: bytes, *, content_type: str | None, source: str) -> Taken:
        """Store one message's request with its wake-up, or keep it as a dead letter."""
        return self.take_all([Arrival(body, content_type, source)])[0]

    def take_all(self, arrivals: Sequence[Arrival]) -> Sequence[Taken]:
        """Store the requests of all messages in this order, with their wake-ups, in one commit; the rest become dead letters."""
        try:
            taken, wake_ups = self._store_once_or_twice(arrivals)
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, each message must come to an end
            if len(arrivals) > 1:
                # One message spoils the transaction of all. Alone, each comes to its own end.
                _log.warning("messages.one_by_one", exc_info=True)
                return [self.take_all([arrival])[0] for arrival in arrivals]
            # The message would break the next worker too. A dead letter keeps the message, and the queue moves on.
            _log.exception("message.error")
            [arrival] = arrivals
            return [self.reject(arrival.body, content_type=arrival.content_type, source=arrival.source, reason=FAULT)]
        self._publisher.send(wake_ups)
        for arrival, one in zip(arrivals, taken, strict=True):
            self._log_outcome(one, arrival.source)
        return taken

    def reject(self, body: bytes, *, content_type: str | None, source: str, reason: str) -> Rejected:
        """Keep a message as a dead letter without reading it."""
        with self._store.write() as work:
            work.require_own_revision()
            rejected = self._reject(work, Arrival(body, content_type, source), reason=reason, request_id=None)
        self._log_outcome(rejected, source)
        return rejected

    def drain_inbox(self, limit: int) -> int:
        """Take up to ``limit`` messages from the inbox; each leaves the inbox in the commit that stores its request."""
        try:
            with self._store.write() as work:
                messages = [message for message in work.inbox.waiting(limit) if work.inbox.remove(message.id)]
                taken, wake_ups = self._store_all(work, [_arrival(message) for message in messages])
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, each message must come to an end
            # One message spoils the transaction of all. Alone, each comes to its own end.
            _log.warning("inbox.one_by_one", exc_info=True)
            with self._store.read() as work:
                messages = list(work.inbox.waiting(limit))
            for message in messages:
                self._take_from_inbox(message)
            return len(messages)
        self._publisher.send(wake_ups)
        for one, message in zip(taken, messages, strict=True):
            self._log_outcome(one, message.source)
        return len(messages)

    def _take_from_inbox(self, message: StoredMessage) -> None:
        """Take one message in on its own; one that meets a mistake of ours twice becomes a dead letter."""
        for _ in range(2):
            try:
                with self._store.write() as work:
                    if not work.inbox.remove(message.id):
                        return  # Another worker has taken it.
                    [taken], wake_ups = self._store_all(work, [_arrival(message)])
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
            if not work.inbox.remove(message.id):
                return
            rejected = self._reject(work, _arrival(message), reason=FAULT, request_id=None)
        self._log_outcome(rejected, message.source)

    def resend(self, number: int) -> bool:
        """Put a dead letter into the inbox again, unchanged; whether there was one that had not been sent again yet."""
        now = self._clock.now()
        with self._store.write() as work:
            letter = work.dead_letters.get(number)
            if letter is None or letter.resent_at is not None:
                return False
            work.inbox.add(letter.body, content_type=letter.content_type, source=f"dead-letter {number}", now=now)
            work.dead_letters.mark_resent(number, now=now)
            work.audit.record("dead_letter.resent", "dead_letter", str(number), now=now, actor="operator")
        return True

    def _store_once_or_twice(self, arrivals: Sequence[Arrival]) -> tuple[Sequence[Taken], Sequence[WakeUp]]:
        try:
            with self._store.write() as work:
                return self._store_all(work, arrivals)
        except Conflict:
            # Another worker stored a request with the same id between our read and our insert: this time we read it.
            with self._store.write() as work:
                return self._store_all(work, arrivals)

    def _store_all(self, work: UnitOfWork, arrivals: Sequence[Arrival]) -> tuple[Sequence[Taken], Sequence[WakeUp]]:
        work.require_own_revision()
        read = [_read(arrival) for arrival in arrivals]
        known = work.requests.fingerprints([message.id for message in read if isinstance(message, AccessRequest)])
        taken: list[Taken] = []
        new: list[Received] = []
        for message, arrival in zip(read, arrivals, strict=True):
            if isinstance(message, Malformed):
                taken.append(self._reject(work, arrival, reason=str(message), request_id=None))
            elif message.id not in known:
                known[message.id] = message.fingerprint()
                new.append(Received(message, arrival.source, at=self._moment_after(new)))
                taken.append(Accepted(message.id, lane_of(message.action.direction)))
            elif known[message.id] == message.fingerprint():
                stored = work.requests.get(message.id)
                taken.append(Repeated(message.id, str(stored.state if stored else RequestState.RECEIVED)))
            else:
                taken.append(self._reject(work, arrival, reason=_differs(message), request_id=message.id))
        return taken, self._add(work, new)

    def _moment_after(self, earlier: Sequence[Received]) -> datetime:
        """A moment later than the requests before it: requests count in the order in which they came in."""
        now = self._clock.now()
        return max(now, earlier[-1].at + _NEXT_MOMENT) if earlier else now

    def _add(self, work: UnitOfWork, new: Sequence[Received]) -> Sequence[WakeUp]:
        if not new:
            return ()
        work.requests.add(new, dispatched_for=self._dispatched_for)
        for message, source, at in new:
            work.audit.record(
                "request.received",
                "request",
                message.id,
                now=at,
                request_id=message.id,
                actor=message.requested_by or source,
                action=str(message.action),
                subject=str(message.who),
                entitlement=str(message.entitlement_ref),
                approved_by=message.approved_by,
            )
        wake_ups = [
            WakeUp(Topic.REQUEST, received.message.id, lane_of(received.message.action.direction)) for received in new
        ]
        return work.outbox.add(wake_ups, now=new[-1].at)

    def _reject(self, work: UnitOfWork, arrival: Arrival, *, reason: str, request_id: str | None) -> Rejected:
        now = self._clock.now()
        number = work.dead_letters.add(
            arrival.body, content_type=arrival.content_type, source=arrival.source, reason=reason, now=now
        )
        work.audit.record(
            "message.rejected",
            "dead_letter",
            str(number),
            now=now,
            request_id=request_id,
            actor=arrival.source,
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


def _read(arrival: Arrival) -> AccessRequest | Malformed:
    try:
        return parse_message(arrival.body, arrival.content_type)
    except Malformed as malformed:
        return malformed


def _differs(message: AccessRequest) -> str:
    return f"A different request with the id '{message.id}' is stored already. Send this one under an id of its own."


def _arrival(message: StoredMessage) -> Arrival:
    return Arrival(message.body, message.content_type, message.source)
