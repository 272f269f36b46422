"""Messages as they came: what is kept of each, whatever it is."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from access.text import shortened

#: Bodies up to this many bytes are kept whole. No request is as long (``tasks.message_parsing.MAX_BODY``).
WHOLE_BYTES = 1024 * 1024
#: What is kept of a longer body, besides its length and its SHA-256.
BEGINNING_BYTES = 64 * 1024

_MOST_CHARACTERS = 255


@dataclass(frozen=True, slots=True)
class Body:
    """The bytes of a message: all of them, or the beginning of a long one.

    ``length`` is in bytes, ``sha256`` in hexadecimal digits; both are those of the whole.
    """

    kept: bytes = field(repr=False)
    length: int
    sha256: str

    @property
    def whole(self) -> bool:
        """Whether everything is kept."""
        return len(self.kept) == self.length

    @classmethod
    def of(cls, data: bytes) -> Body:
        """The body that ``data`` is."""
        reader = BodyReader(len(data))
        reader.add(data)
        return reader.body()


class BodyReader:
    """Reads a body of known length piece by piece, and holds no more of it than is kept."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._most = length if length <= WHOLE_BYTES else BEGINNING_BYTES
        self._pieces: list[bytes] = []
        #: Bytes in memory.
        self.held = 0
        self._read = 0
        self._digest = hashlib.sha256()

    @property
    def complete(self) -> bool:
        """Whether all of it was read."""
        return self._read >= self._length

    def add(self, piece: bytes) -> None:
        """Read the next piece."""
        self._read += len(piece)
        self._digest.update(piece)
        if self.held < self._most:
            beginning = piece[: self._most - self.held]
            self._pieces.append(beginning)
            self.held += len(beginning)

    def body(self) -> Body:
        """What is kept of it."""
        return Body(b"".join(self._pieces), self._read, self._digest.hexdigest())


@dataclass(frozen=True, slots=True)
class Arrival:
    """One message as it came.

    - ``source``: the way it came.
    - ``content_type``: as text that every database stores (``storable``).
    - ``properties``: what came with the body, as raw bytes; None when nothing did.
    - ``problem``: why it can be no request, where that is known without reading the body.
    - ``again``: the broker says that it delivered the message before; it may be stored already.
    """

    body: Body
    source: str
    content_type: str | None = None
    properties: bytes | None = field(default=None, repr=False)
    problem: str | None = None
    again: bool = False


def storable(value: bytes | str) -> str:
    """A short text for people and databases, whatever bytes were sent; what cannot be shown is escaped."""
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value
    return shortened(
        "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text), most=_MOST_CHARACTERS
    )
