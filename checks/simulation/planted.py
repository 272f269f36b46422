"""Bugs that the simulation has to find: small edits of the product's source, each a mistake that somebody could make."""

# ruff: noqa: E501 - source as it stands

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Planted:
    """``old`` stands once in the module at ``path``, and ``new`` takes its place. ``short``: it is among the few of CI."""

    name: str
    path: str
    old: str
    new: str
    short: bool = False

    @contextmanager
    def within(self, tree: Path) -> Iterator[None]:
        """The bug is in a copy of the project meanwhile. Raises ``ValueError`` where the product does not look so any more."""
        file = tree / self.path
        source = file.read_text("utf-8")
        if source.count(self.old) != 1:
            raise ValueError(f"'{self.name}': {self.path} has what is replaced {source.count(self.old)} times.")
        # Python compares whole seconds and sizes, and would take the compiled module for the new one.
        Path(cache_from_source(str(file))).unlink(missing_ok=True)
        file.write_text(source.replace(self.old, self.new), "utf-8")
        try:
            yield
        finally:
            Path(cache_from_source(str(file))).unlink(missing_ok=True)
            file.write_text(source, "utf-8")


PLANTED = (
    # Nothing accepted is lost.
    Planted(
        "a request is stored without the time that has a sweep find it",
        "store/requests.py",
        '"due_at": at,',
        '"due_at": None,',
    ),
    Planted(
        "the mark of a wake-up never runs out",
        "store/sweep.py",
        "or_(mark.is_(None), mark <= _NOW)",
        "mark.is_(None)",
    ),
    Planted(
        "an operation that failed once is put back without a time",
        "tasks/settlement.py",
        "        due_at=until,\n        error=why,\n        **columns,",
        "        due_at=None,\n        error=why,\n        **columns,",
    ),
    Planted(
        "a ticket that could not be read is put back without a time",
        "tasks/ticket_tracker.py",
        "work.tickets.settle(ticket.id, fence=ticket.fence, due_at=until, error=str(failure))\n                raise_if_late",
        "work.tickets.settle(ticket.id, fence=ticket.fence, due_at=None, error=str(failure))\n                raise_if_late",
    ),
    Planted(
        "a request stays open when its operation is done",
        "tasks/settlement.py",
        "    if operation.purpose is Purpose.REQUEST:\n        finish(work, operation.request_id, RequestState.DONE, now=now)\n    return []",
        "    return []",
    ),
    # Look, intent, write, read back.
    Planted(
        "a 204 is believed",
        "tasks/fulfilment.py",
        "if heard and seen.shows(operation.direction):",
        "if heard:",
        short=True,
    ),
    Planted(
        "the intent is not committed before the write",
        "tasks/fulfilment.py",
        "work.operations.settle(operation.id, fence=operation.fence, lease_until=lease_until, **intent)",
        "pass",
    ),
    Planted(
        "a write that failed is given up for good at once",
        "tasks/fulfilment.py",
        "        if isinstance(verdict, GiveUp):\n            self._hand_over(operation, verdict.reason)\n            return\n        state =",
        "        with self._services.store.write(holding=operation.access_key) as work:\n"
        "            settlement.given_up(work, operation, str(failure), now=self._services.clock.now())\n        return\n        state =",
    ),
    Planted(
        "a repeated removal stops at the first answer",
        "tasks/fulfilment.py",
        "        else:\n            fault = None if sent.unanswered is None else (sent.unanswered, Phase.WRITE)",
        "        elif operation.direction is Direction.TAKE:\n            self._done(operation, seen)\n"
        "        else:\n            fault = None if sent.unanswered is None else (sent.unanswered, Phase.WRITE)",
    ),
    Planted(
        "a shard that could not be read counts as read",
        "tasks/sync.py",
        "work.sync_runs.shard_later(shard, at=verdict.at, error=str(failure), counted=failure.counted)",
        "work.sync_runs.shard_done(shard, now=self._clock.now())",
    ),
    # Leases are fenced.
    Planted(
        "the fence is ignored",
        "store/leases.py",
        'table.c.id == bindparam("this_id"), table.c.fence == bindparam("this_fence"))',
        'table.c.id == bindparam("this_id"), bindparam("this_fence") >= 0)',
    ),
    Planted(
        "a lease keeps nobody out",
        "store/leases.py",
        "table.c.due_at <= now, free)",
        "table.c.due_at <= now)",
    ),
    # A claim takes away only its own.
    Planted(
        "access from before counts as given",
        "tasks/fulfilment.py",
        "was_there = operation.before is None",
        "was_there = False",
        short=True,
    ),
    Planted(
        "what we gave counts as there before",
        "tasks/fulfilment.py",
        "was_there = operation.before is None",
        "was_there = True",
    ),
    Planted(
        "access from before is taken at the end",
        "access/claims.py",
        "if claim.pre_existing:",
        "if False:",
    ),
    Planted(
        "a second claim takes the first one's gift for access from before",
        "access/claims.py",
        "return was_there and all(other.pre_existing for other in standing)",
        "return was_there",
    ),
    Planted(
        "an expiry forgets the other claims",
        "tasks/expiry.py",
        "work.claims.on(claim.access_key, states=list(ClaimState))",
        "()",
    ),
    Planted(
        "a removal does not ask again whether somebody holds the access",
        "tasks/preconditions.py",
        '    if work.claims.on(operation.access_key, states=(ClaimState.ACTIVE,)):\n        return NotWanted("a newer claim holds the access")\n',
        "",
    ),
    # Every end is kept.
    Planted(
        "a claim is active without the time of its end",
        "tasks/claims.py",
        "        due_at=ends,",
        "        due_at=None,",
        short=True,
    ),
    Planted(
        "the removal of an expiry has no time",
        "tasks/expiry.py",
        "            due_at=now,\n            created_at=now,",
        "            due_at=None,\n            created_at=now,",
    ),
    Planted(
        "an extension keeps the old end",
        "tasks/extension.py",
        "        ends_at=new_end,",
        "        ends_at=old.ends_at,",
    ),
    Planted(
        "claims stay when their access is gone",
        "tasks/settlement.py",
        "        claims.end_on(work, operation.access_key, why=why, now=now)\n",
        "",
    ),
    Planted(
        "a grant that is called back is given all the same",
        "tasks/revocation.py",
        "        if claim.state is ClaimState.PENDING:\n            withdraw(work, claim.request_id, why=taken_away_by(request.id), now=now)\n    active",
        "        pass\n    active",
    ),
    # One operation, one ticket, and what it says is true.
    Planted(
        "no search before an issue is made again",
        "tasks/ticket_opener.py",
        "        if ticket.tries == 0:\n            return ()",
        "        if ticket:\n            return ()",
        short=True,
    ),
    Planted(
        "the search index is trusted at once",
        "tasks/ticket_opener.py",
        "return tried is not None and self._services.clock.now() < tried + self._options.look_for",
        "return False",
    ),
    Planted(
        "an issue is made before the commit that says so",
        "tasks/ticket_opener.py",
        "work.tickets.set(ticket.id, tries=ticket.tries + 1, create_tried_at=now, due_on=draft.due, shown=shown)",
        "work.tickets.set(ticket.id, due_on=draft.due, shown=shown)",
    ),
    Planted(
        "a creation without an answer counts as none",
        "tasks/ticket_opener.py",
        "        except (Transient, Permanent, CredentialRefused) as failure:\n            # The issue",
        "        except Failure as failure:\n            # The issue",
    ),
    Planted(
        "a closed ticket is believed",
        "tasks/ticket_tracker.py",
        "        elif seen.gone or seen.shows(operation.direction):\n            self._verified(followed, seen)\n        elif phase is Phase.DECLINED:",
        "        elif seen.gone or seen.shows(operation.direction) or phase is Phase.DONE:\n            self._verified(followed, seen)\n        elif phase is Phase.DECLINED:",
    ),
    Planted(
        "a ticket that was closed untruly stays closed",
        "tasks/ticket_tracker.py",
        "            self._reopen(followed, seen)",
        "            self._settle(followed)",
    ),
    Planted(
        "a ticket that was deleted is not replaced",
        "tasks/ticket_tracker.py",
        '            self._replace(followed, "it was deleted or hidden from Provisor", end=TicketState.HIDDEN)',
        "            self._settle(followed)",
    ),
    # A snapshot is whole; a restore loses nothing; every change has an author.
    Planted(
        "a sync goes on before its shards are read",
        "tasks/sync.py",
        "return not left and self._lead(run, self._next_stage)",
        "return self._lead(run, self._next_stage)",
    ),
    Planted(
        "after a restore, what was given meanwhile counts as there before",
        "store/restores.py",
        "select(lost & ~was_there)",
        "select(lost & was_there)",
    ),
    Planted(
        "after a restore, the tickets of the lost time are forgotten",
        "tasks/ticket_opener.py",
        "            lost = work.restores.lost_ticket_of(operation)",
        "            lost = None",
    ),
    Planted(
        "an operation ends without its audit row",
        "tasks/settlement.py",
        '    _record(\n        work,\n        "done",\n        operation,',
        '    (lambda *a, **k: None)(\n        work,\n        "done",\n        operation,',
    ),
)
