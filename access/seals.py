"""Seals: what makes a change of the audit trail visible. Pure rules; the chain itself is kept in the store.

A *seal* closes a batch of audit rows. Its digest is the root of a Merkle tree over the rows, in the shape of RFC 6962, so that
one row can be shown to belong to a batch without showing the others. Each row is hashed with a salt of its own: when a row is
erased its salt goes with it, and what is left says nothing about it. The seal's hash covers the digest and the hash of the
seal before, so that nothing before a known seal can be changed unnoticed.

Other seals say that something happened to the trail: rows were removed on purpose, or an older database was put back.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

#: What the first seal names as the seal before it.
NOTHING = "0" * 64

#: Digits of the name of a key: enough to tell keys apart, and no help to find one.
_KEY_ID = 16


class SealKind(StrEnum):
    """What a seal closes or says."""

    #: A batch of audit rows.
    ROWS = "rows"
    #: Rows were removed by retention or erasure.
    REMOVAL = "removal"
    #: An older database was put back: what followed it before is lost.
    BREAK = "break"


@dataclass(frozen=True, slots=True)
class Seal:
    """One link of the chain. ``statement`` is what a seal says that closes no batch; ``rows`` how many rows it is about."""

    number: int
    kind: SealKind
    rows: int
    statement: Mapping[str, Any] | None
    digest: str
    previous: str
    sealed_at: datetime
    hash: str
    signature: str | None = None
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class Anchored:
    """A seal as it was noted outside the database, and when."""

    number: int
    hash: str
    at: datetime


class Signer:
    """Signs seals with a secret key (HMAC-SHA256): who has the key can check, and who lacks it cannot make one."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self.key_id = hashlib.sha256(b"provisor seal key\0" + self._key).hexdigest()[:_KEY_ID]

    def sign(self, seal_hash: str) -> str:
        """The signature of a seal's hash, in hexadecimal."""
        return hmac.new(self._key, seal_hash.encode(), hashlib.sha256).hexdigest()

    def signed(self, seal_hash: str, signature: str) -> bool:
        """Whether this key made the signature."""
        return hmac.compare_digest(self.sign(seal_hash), signature)


def canonical(value: Any) -> bytes:
    """JSON in one spelling: members sorted, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def written(moment: datetime) -> str:
    """A moment in one spelling: UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def leaf(salt: str, row: Mapping[str, Any]) -> str:
    """The digest of one audit row."""
    return hashlib.sha256(b"\x00" + bytes.fromhex(salt) + canonical(row)).hexdigest()


def root(leaves: Sequence[str]) -> str:
    """The digest of a batch, from the digests of its rows in their order."""
    level = [bytes.fromhex(each) for each in leaves]
    while len(level) > 1:
        level = _above(level)
    return level[0].hex() if level else NOTHING


def path(leaves: Sequence[str], place: int) -> list[tuple[str, str]]:
    """What leads from one row's digest to the batch's: for each step the side and the digest of the neighbour."""
    level, steps = [bytes.fromhex(each) for each in leaves], list[tuple[str, str]]()
    while len(level) > 1:
        neighbour = place ^ 1
        if neighbour < len(level):
            steps.append(("left" if neighbour < place else "right", level[neighbour].hex()))
        level, place = _above(level), place // 2
    return steps


def sealed(
    number: int,
    kind: SealKind,
    *,
    previous: str,
    at: datetime,
    leaves: Sequence[str] = (),
    rows: int | None = None,
    statement: Mapping[str, Any] | None = None,
    signer: Signer | None = None,
) -> Seal:
    """The next seal: over ``leaves``, or one that makes a ``statement`` about so many ``rows``."""
    digest = root(leaves) if statement is None else statement_digest(statement)
    count = len(leaves) if rows is None else rows
    seal = Seal(number, kind, count, statement, digest, previous, at, hash="")
    hashed = hash_of(seal)
    if signer is None:
        return replace(seal, hash=hashed)
    return replace(seal, hash=hashed, signature=signer.sign(hashed), key_id=signer.key_id)


def hash_of(seal: Seal) -> str:
    """The hash that a seal with these contents has."""
    return hashlib.sha256(canonical(seal_facts(seal))).hexdigest()


def seal_facts(seal: Seal) -> dict[str, Any]:
    """What a seal's hash covers, as JSON has it: its canonical form is what is hashed."""
    return {
        "number": seal.number,
        "kind": str(seal.kind),
        "rows": seal.rows,
        "digest": seal.digest,
        "previous": seal.previous,
        "sealed_at": written(seal.sealed_at),
    }


def statement_digest(statement: Mapping[str, Any]) -> str:
    """The digest of a seal that makes a statement."""
    return hashlib.sha256(canonical(statement)).hexdigest()


def _above(level: Sequence[bytes]) -> list[bytes]:
    """The next level of the tree: pairs are hashed together, and one that is left over goes up as it is."""
    pairs = [_node(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
    return pairs + ([level[-1]] if len(level) % 2 else [])


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
