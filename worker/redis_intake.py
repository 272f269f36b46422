"""Messages from Redis: entries of a list, taken in from its end, and removed only once they are stored.

Redis keeps no order between two readers. So one process reads at a time: the one that has the lease in the database, which the
transaction that stores messages checks and prolongs. The length of an entry is asked before the entry is read, and a long one is
read piece by piece.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
from time import monotonic
from typing import Any, NamedTuple, Protocol

import redis
import structlog
from kombu import Connection

from access.sources import UNKNOWN
from store.unit_of_work import Unavailable
from tasks.incoming_message import WHOLE_BYTES, Arrival, Body, BodyReader, storable
from tasks.json_text import decode, read_json
from worker.intake_sources import BATCH_BYTES, Batch
from worker.queues import Queues

_log = structlog.get_logger(__name__)

_CROOKED = "The envelope's body is not a text, or its properties are not an object."

#: Redis copies the whole entry for each piece, so pieces are few.
_PIECE_BYTES = 4 * 1024 * 1024

#: Between two renewals of the lease while nothing comes, and between two tries to get it.
_LEASE_SECONDS = 2.0

#: The last entries of a list, oldest first: the length, the SHA-1 and, where it is not long, the content of each.
_PEEK = """
local found, bytes = {}, 0
for place = 1, math.min(redis.call('LLEN', KEYS[1]), tonumber(ARGV[1])) do
  local entry = redis.call('LINDEX', KEYS[1], -place)
  local length = string.len(entry)
  local long = length > tonumber(ARGV[2])
  if not long then bytes = bytes + length end
  if place > 1 and (long or bytes > tonumber(ARGV[3])) then break end
  found[place] = {length, redis.sha1hex(entry), long and '' or entry}
  if long then break end
end
return found
"""

#: A piece of the last entry.
_PIECE = "return string.sub(redis.call('LINDEX', KEYS[1], -1) or '', ARGV[1], ARGV[2])"

#: Remove the entries with these SHA-1 from the end, as long as they are what stands there; how many were.
_REMOVE = """
for place, digest in ipairs(ARGV) do
  local entry = redis.call('LINDEX', KEYS[1], -1)
  if not entry or redis.sha1hex(entry) ~= digest then return place - 1 end
  redis.call('RPOP', KEYS[1])
end
return #ARGV
"""


class Lease(Protocol):
    """The lease of the intake in the database."""

    def take_lease(self) -> bool:
        """Take or prolong it; whether this process has it."""

    def give_lease_back(self) -> None:
        """End it."""


class RedisSource:
    """Redis. ``most`` messages at the most are held at once, and only while this process has ``lease``."""

    def __init__(self, url: str, queues: Queues, lease: Lease, *, most: int, timeout: float) -> None:
        self._url = url
        self._queues = queues
        self._lease = lease
        self._most = most
        self._timeout = timeout
        self.errors: tuple[type[Exception], ...] = (redis.RedisError, OSError)

    def open(self) -> RedisSession | None:
        """Connect, when this process has the lease."""
        if not self._lease.take_lease():
            return None
        session = RedisSession(
            redis_client(self._url, timeout=self._timeout), self._queues, self._lease, most=self._most
        )
        session.begin()
        return session


class Link(NamedTuple):
    """A client of Redis, and the connection that it belongs to."""

    client: Any
    connection: Connection


def redis_client(url: str, *, timeout: float) -> Link:
    """A client as kombu makes it, so that an address means the same to the intake and to Celery."""
    options = {"socket_connect_timeout": timeout, "socket_timeout": timeout}
    connection = Connection(url, transport_options=options)
    channel: Any = connection.default_channel
    return Link(channel.client, connection)


class RedisSession:
    """One connection that reads lists."""

    pause = 0.05

    def __init__(self, link: Link, queues: Queues, lease: Lease, *, most: int) -> None:
        self._client, self._connection = link
        self._peek, self._piece, self._remove = map(self._client.register_script, (_PEEK, _PIECE, _REMOVE))
        self._key = queues.intake.name
        # What producers still put on the list of the version before is older than what stands on the new one.
        self._old_key: str | None = queues.old[0]
        #: The wake-ups of the version before, by list, with the oldest as it was at the look before.
        self._old_lanes: dict[str, Any] = dict.fromkeys(queues.old_lanes)
        self._lease = lease
        self._most = most
        self._renew_at = monotonic() + _LEASE_SECONDS
        #: Lists from which this process has removed something: what it reads there was read by no other.
        self._removed_from: set[str] = set()

    def begin(self) -> None:
        """Find out whether the server can be read."""
        self._client.ping()

    def next_batch(self) -> Batch | None:
        """The oldest entries."""
        if monotonic() > self._renew_at:
            self._renew_at = monotonic() + _LEASE_SECONDS
            if not self._lease.take_lease():
                raise redis.ConnectionError("another process has the intake's lease by now")
            self._drop_old_wake_ups()
        return self._read_old() or self._read(self._key)

    def keep_alive(self) -> None:
        """Do nothing: Redis does not wait for it."""

    def acknowledge(self, batch: Batch) -> None:
        """Remove the entries."""
        key, digests = batch.handle
        removed = self._remove([key], digests)
        self._removed_from.add(key)
        if removed != len(digests):
            _log.warning(
                "intake.list_changed", queue=key, entries=len(digests) - removed, why="another client removed them"
            )

    def close(self) -> None:
        """Close the connection, and let another process take over."""
        with contextlib.suppress(Exception):
            self._connection.release()
        with contextlib.suppress(Unavailable):
            self._lease.give_lease_back()

    def _read_old(self) -> Batch | None:
        """What stands on the list of the version before, which nobody needs: it may be no list, or not be ours to read."""
        if self._old_key is None:
            return None
        try:
            return self._read(self._old_key)
        except redis.ResponseError as exc:
            _log.warning("intake.old_list_unreadable", queue=self._old_key, why=str(exc))
            self._old_key = None
            return None

    def _drop_old_wake_ups(self) -> None:
        """Remove lanes of the version before that nobody reads any more: the sweep finds their rows.

        While its processes live they take what comes at once, so the oldest wake-up does not stand there twice.
        """
        for name, before in self._old_lanes.items():
            try:
                oldest = self._client.lindex(name, -1)
            except redis.ResponseError:
                continue  # What stands there is no list, and so not ours.
            if oldest is not None and oldest == before:
                _log.info("intake.old_queue", queue=name, why="its wake-ups are dropped: the store has their rows")
                self._client.unlink(name)
            self._old_lanes[name] = oldest

    def _read(self, key: str) -> Batch | None:
        found = self._peek([key], [self._most, WHOLE_BYTES, BATCH_BYTES])
        if not found:
            return None
        again = key not in self._removed_from
        arrivals = []
        for length, _, content in found:
            whole = bytes(content)
            arrivals.append(
                read_entry(whole, again=again) if len(whole) == length else self._read_long(key, length, again=again)
            )
        return Batch(arrivals, (key, [_text(digest) for _, digest, _ in found]), leased=True)

    def _read_long(self, key: str, length: int, *, again: bool) -> Arrival:
        reader = BodyReader(length)
        for start in range(1, length + 1, _PIECE_BYTES):
            reader.add(self._piece([key], [start, start + _PIECE_BYTES - 1]))
        return Arrival(reader.body(), UNKNOWN, again=again)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def read_entry(entry: bytes, *, again: bool = False) -> Arrival:
    """What a list entry holds: a request's JSON, or an envelope around it, as kombu and others write it."""
    try:
        envelope = read_json(decode(entry))
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict) or not {"body", "properties"} <= envelope.keys():
        return Arrival(Body.of(entry), UNKNOWN, again=again)
    problem = None
    try:
        body = _unpacked(envelope)
    except ValueError as exc:
        body, problem = entry, str(exc)
    content_type = envelope.get("content-type")
    if content_type is not None and not isinstance(content_type, str):
        body, problem = entry, "The envelope's content-type is not a text."
    return Arrival(
        Body.of(body),
        UNKNOWN,
        content_type=storable(content_type) if isinstance(content_type, str) else None,
        properties=None if problem else entry,
        problem=problem,
        again=again,
    )


def _unpacked(envelope: dict[str, Any]) -> bytes:
    """The body within an envelope. Raises ``ValueError`` with a sentence."""
    body, properties = envelope["body"], envelope["properties"]
    if not isinstance(body, str) or not isinstance(properties, dict):
        raise ValueError(_CROOKED)  # noqa: TRY004 - one kind of error for what was sent
    match properties.get("body_encoding"):
        case None | "":
            return body.encode()
        case "base64":
            try:
                return base64.b64decode(body, validate=True)
            except (binascii.Error, ValueError) as exc:
                raise ValueError("The envelope's body is not base64.") from exc
        case other:
            raise ValueError(f"The envelope's body_encoding '{storable(str(other))}' is not read; send base64.")
