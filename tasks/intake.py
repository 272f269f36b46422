"""Intake: from a message to a stored request, or to a dead letter with the reason. Whoever calls acknowledges after."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from access.clock import Clock
from access.message import AccessRequest
from access.operations import Lane
from store.letters import Letter
from store.outbox import Topic, Wake
from store.unit import Conflict, Store, Unavailable, Work
from tasks.courier import Courier
from tasks.parsing import Malformed, parse_message

_log = structlog.get_logger(__name__)

#: How long the wake-up sent at intake is given before the sweep looks at the request itself.
DISPATCHED_FOR = timedelta(seconds=30)

#: Why a message that broke us is kept among the dead letters.
BROKE = "Provisor itself failed on this message. Read its log, and send the message again once that is mended."


@dataclass(frozen=True, slots=True)
class Accepted:
    """Stored, and to be fulfilled."""

    request_id: str
    wakes: tuple[Wake, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Repeated:
    """The same request was stored before: this is where it stands."""

    request_id: str
    state: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not accepted; kept among the dead letters under ``number``."""

    reason: str
    number: int
    request_id: str | None = None


Taken = Accepted | Repeated | Rejected


class Intake:
    """The one door for requests, whatever way they came."""

    def __init__(
        self, store: Store, clock: Clock, courier: Courier, *, dispatched_for: timedelta = DISPATCHED_FOR
    ) -> None:
        self._dispatched_for = dispatched_for
        self._store = store
        self._clock = clock
        self._courier = courier

    def take(self, body: bytes, *, content_type: str | None, source: str) -> Taken:
        """Store one message's request with its wake-up in one commit, or keep it as a dead letter."""
        taken = self._take_once_or_twice(body, content_type, source)
        if isinstance(taken, Accepted):
            self._courier.send(taken.wakes)
        self._tell(taken, source)
        return taken

    def bury(self, body: bytes, *, content_type: str | None, source: str, reason: str) -> Rejected:
        """Keep a message as a dead letter without looking into it."""
        with self._store.write() as work:
            rejected = self._reject(work, body, content_type, source, reason=reason, request_id=None)
        self._tell(rejected, source)
        return rejected

    def drain_inbox(self, limit: int) -> int:
        """Take in what was handed in through the store; each message leaves the inbox in the commit that stores it."""
        try:
            with self._store.write() as work:
                letters = work.inbox.waiting(limit)
                outcomes = [(self._store_letter(work, letter), letter) for letter in letters]
        except Unavailable:
            raise
        except Exception:  # noqa: BLE001 - a letter must never keep the others, or itself, from an end
            # One of them spoils the rest: alone, each finds its own end.
            _log.warning("inbox.one_by_one", exc_info=True)
            with self._store.read() as work:
                letters = work.inbox.waiting(limit)
            outcomes = [(self._take_letter(letter), letter) for letter in letters]
        for taken, letter in outcomes:
            if isinstance(taken, Accepted):
                self._courier.send(taken.wakes)
            if taken is not None:
                self._tell(taken, letter.source)
        return len(outcomes)

    def _take_letter(self, letter: Letter) -> Taken | None:
        """Take one letter in on its own; one that breaks us twice becomes a dead letter."""
        for _ in range(2):
            try:
                with self._store.write() as work:
                    return self._store_letter(work, letter)
            except Unavailable:
                raise
            except Exception:  # noqa: BLE001 - the same
                _log.exception("message.broke", letter=letter.id)
        with self._store.write() as work:
            if not work.inbox.remove(letter.id):
                return None
            return self._reject(work, letter.body, letter.content_type, letter.source, reason=BROKE, request_id=None)

    def _store_letter(self, work: Work, letter: Letter) -> Taken | None:
        if not work.inbox.remove(letter.id):
            return None  # Another has it.
        return self._store_one(work, letter.body, letter.content_type, letter.source)

    def resend(self, number: int) -> bool:
        """Hand a dead letter in again, as it was; whether there was such a letter still to be sent."""
        now = self._clock.now()
        with self._store.write() as work:
            letter = work.dead_letters.get(number)
            if letter is None or letter.resent_at is not None:
                return False
            work.inbox.add(letter.body, content_type=letter.content_type, source=f"dead-letter {number}", now=now)
            work.dead_letters.mark_resent(number, now=now)
            work.audit.record("dead_letter.resent", "dead_letter", str(number), now=now, actor="operator")
        return True

    def _take_once_or_twice(self, body: bytes, content_type: str | None, source: str) -> Taken:
        try:
            with self._store.write() as work:
                return self._store_one(work, body, content_type, source)
        except Conflict:
            # Another worker stored a request of this id between our look and our insert: now we will see it.
            with self._store.write() as work:
                return self._store_one(work, body, content_type, source)

    def _store_one(self, work: Work, body: bytes, content_type: str | None, source: str) -> Taken:
        try:
            message = parse_message(body, content_type)
        except Malformed as exc:
            return self._reject(work, body, content_type, source, reason=str(exc), request_id=None)
        known = work.requests.fingerprint(message.id)
        if known is None:
            return self._accept(work, message, source)
        if known == message.fingerprint():
            request = work.requests.get(message.id)
            assert request is not None
            return Repeated(message.id, str(request.state))
        reason = (
            f"A different request with the id '{message.id}' is stored already. Send this one under an id of its own."
        )
        return self._reject(work, body, content_type, source, reason=reason, request_id=message.id)

    def _accept(self, work: Work, message: AccessRequest, source: str) -> Accepted:
        now = self._clock.now()
        work.requests.add(message, source=source, now=now, dispatched_for=self._dispatched_for)
        work.audit.record(
            "request.received",
            "request",
            message.id,
            now=now,
            request_id=message.id,
            actor=message.requested_by or source,
            action=str(message.action),
            subject=str(message.who),
            entitlement=str(message.entitlement_ref),
            approved_by=message.approved_by,
        )
        lane = Lane.GRANT if message.action.direction.wants_present else Lane.REVOKE
        return Accepted(message.id, (work.outbox.add(Topic.REQUEST, message.id, lane, now=now),))

    def _reject(
        self, work: Work, body: bytes, content_type: str | None, source: str, *, reason: str, request_id: str | None
    ) -> Rejected:
        now = self._clock.now()
        number = work.dead_letters.add(body, content_type=content_type, source=source, reason=reason, now=now)
        work.audit.record(
            "message.rejected", "dead_letter", str(number), now=now, request_id=request_id, actor=source, reason=reason
        )
        return Rejected(reason, number, request_id)

    def _tell(self, taken: Taken, source: str) -> None:
        match taken:
            case Accepted(request_id=request_id):
                _log.info("request.received", request_id=request_id, source=source)
            case Repeated(request_id=request_id, state=state):
                _log.info("request.repeated", request_id=request_id, state=state, source=source)
            case Rejected(reason=reason, number=number):
                _log.warning("message.rejected", reason=reason, dead_letter=number, source=source)
