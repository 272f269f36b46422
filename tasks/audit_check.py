"""Verifying the audit trail: every row against its batch, every seal against the one before, and against what is outside.

What it needs of memory does not depend on the length of the trail.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, groupby

from access.seals import NOTHING, Anchored, Seal, SealKind, Signer, hash_of, leaf, root, statement_digest
from store.queries.audit import Member, Trail

#: Findings that are kept; all are counted.
_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was sealed: in which batch (its seal's number), which row where one is meant, and what."""

    seal: int | None
    row: int | None
    what: str


@dataclass(slots=True)
class Verdict:
    """What verifying found.

    - ``rows``, ``removed``, ``waiting``: rows that are as they were sealed, that were removed as a seal says, and that wait
      for a seal.
    - ``signed``, ``foreign``: seals that the key at hand signed, and that another key signed, which were not checked.
    - ``breaks``: when an older database was put back, as the chain says.
    - ``anchors``: notes outside that agree with the chain; ``lost_anchors`` those of seals that a put-back database lost.
    - ``anchored_at``, ``anchored_to``: the newest note outside that agrees, and the seal up to which it vouches.
    """

    seals: int = 0
    rows: int = 0
    removed: int = 0
    waiting: int = 0
    signed: int = 0
    foreign: int = 0
    breaks: list[datetime] = field(default_factory=list)
    anchors: int = 0
    lost_anchors: int = 0
    anchored_at: datetime | None = None
    anchored_to: int | None = None
    newest: Seal | None = None
    findings: list[Finding] = field(default_factory=list)
    count: int = 0

    def find(self, seal: int | None, row: int | None, what: str) -> None:
        """Note a finding."""
        self.count += 1
        if len(self.findings) < _KEPT:
            self.findings.append(Finding(seal, row, what))


def verify(reading: Trail, *, signer: Signer | None = None, anchors: Sequence[Anchored] = ()) -> Verdict:
    """Verify the whole trail, against ``anchors`` from outside and the key of ``signer``."""
    return _Verifying(reading, signer, anchors).verdict()


class _Verifying:
    def __init__(self, reading: Trail, signer: Signer | None, anchors: Sequence[Anchored]) -> None:
        self._reading = reading
        self._signer = signer
        self._outside: dict[int, list[Anchored]] = {}
        for each in anchors:
            self._outside.setdefault(each.number, []).append(each)
        self._not_met: list[Anchored] = []
        self._gone_through = 0
        self._gone_rows: set[int] = set()
        self._found = Verdict()

    def verdict(self) -> Verdict:
        for removal in self._reading.removals():
            said = removal.statement or {}
            self._gone_through = max(self._gone_through, said.get("through", 0))
            self._gone_rows.update(said.get("rows", ()))
        before: Seal | None = None
        was_signed = False
        for seal, members in _together(self._reading.seals(), self._reading.members(), self._found):
            self._chain(seal, before)
            was_signed = self._signature(seal, was_signed=was_signed)
            self._contents(seal, members)
            self._anchors(seal)
            self._found.seals += 1
            before = seal
        self._found.newest = before
        self._rest()
        return self._found

    def _chain(self, seal: Seal, before: Seal | None) -> None:
        number, previous = (1, NOTHING) if before is None else (before.number + 1, before.hash)
        if seal.number != number:
            missing = f"seal {number} is" if seal.number == number + 1 else f"seals {number} to {seal.number - 1} are"
            self._found.find(seal.number, None, f"{missing} missing before it")
        elif seal.previous != previous:
            self._found.find(seal.number, None, "it does not follow the seal before it")
        if hash_of(seal) != seal.hash:
            self._found.find(seal.number, None, "the seal itself was changed")
        if seal.statement is not None and statement_digest(seal.statement) != seal.digest:
            self._found.find(seal.number, None, "what the seal says was changed")

    def _signature(self, seal: Seal, *, was_signed: bool) -> bool:
        """Check the signature of a seal; whether seals from here on have to be signed."""
        if seal.signature is None or seal.key_id is None:
            if was_signed:
                self._found.find(seal.number, None, "it is not signed, and seals before it are")
            return was_signed
        if self._signer is None or self._signer.key_id != seal.key_id:
            self._found.foreign += 1
        elif not self._signer.signed(seal.hash, seal.signature):
            self._found.find(seal.number, None, "the key at hand did not make its signature")
        else:
            self._found.signed += 1
        return True

    def _contents(self, seal: Seal, members: Iterable[Member]) -> None:
        if seal.kind is SealKind.BREAK:
            self._found.breaks.append(seal.sealed_at)
        if seal.kind is not SealKind.ROWS:
            for member in members:
                self._found.find(seal.number, member.number, "the row is said to be in a seal that closes no batch")
            return
        batch = list(members)
        if not batch and seal.number <= self._gone_through:
            self._found.removed += seal.rows
            return
        for member in batch:
            self._member(seal, member)
        if len(batch) != seal.rows:
            self._found.find(seal.number, None, f"it was made over {seal.rows} rows, and there are {len(batch)}")
        elif root([member.digest or "" for member in batch]) != seal.digest:
            self._found.find(seal.number, None, "the digests of its rows, or their order, were changed")

    def _member(self, seal: Seal, member: Member) -> None:
        if member.row is None:
            if member.number in self._gone_rows and member.removed_by is not None:
                self._found.removed += 1
            else:
                self._found.find(seal.number, member.number, "the row is missing")
        elif member.salt is None or leaf(member.salt, member.row) != member.digest:
            self._found.find(seal.number, member.number, "the row was changed")
        else:
            self._found.rows += 1

    def _anchors(self, seal: Seal) -> None:
        for each in self._outside.pop(seal.number, ()):
            if each.hash != seal.hash:
                self._not_met.append(each)
                continue
            self._found.anchors += 1
            if self._found.anchored_at is None or each.at > self._found.anchored_at:
                self._found.anchored_at, self._found.anchored_to = each.at, seal.number

    def _rest(self) -> None:
        found = self._found
        for each in chain(self._not_met, *self._outside.values()):
            if any(broken >= each.at for broken in found.breaks):
                found.lost_anchors += 1
                continue
            noted = f"seal {each.number}, noted outside {each.at:%Y-%m-%d %H:%M:%S} UTC,"
            found.find(
                each.number,
                None,
                f"{noted} is not in the chain: the trail was written anew, or an older database put back",
            )
        for number in self._reading.unknown_rows(limit=_KEPT):
            found.find(
                None, number, "the row is in no batch: it was written past the triggers, or its place was deleted"
            )
        for number in self._reading.lost_rows(limit=_KEPT):
            found.find(None, number, "the row was deleted before it was sealed")
        found.waiting = self._reading.count_waiting()


def _together(
    seals: Iterator[Seal], members: Iterator[Member], found: Verdict
) -> Iterator[tuple[Seal, Iterable[Member]]]:
    """Each seal with the rows that are said to be in its batch. Rows of a seal that is not there are findings."""
    batches = groupby(members, key=lambda member: member.seal)
    batch = next(batches, None)
    for seal in seals:
        while batch is not None and batch[0] < seal.number:
            found.find(batch[0], None, "the seal is missing, and rows of its batch are there")
            batch = next(batches, None)
        if batch is None or batch[0] != seal.number:
            yield seal, ()
            continue
        yield seal, batch[1]
        batch = next(batches, None)
    while batch is not None:
        found.find(batch[0], None, "the seal is missing, and rows of its batch are there")
        batch = next(batches, None)
