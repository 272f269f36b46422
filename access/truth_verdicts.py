"""The verdict on one statement of a closed ticket. Pure; ``access.truth`` has the words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from access.entitlements import ResourceKind
from access.methods import Direction
from access.truth import SETTLING, SKEW, Access, Change, Judgement, Log, Now, Reason, Statement, Verdict, unsaid


@dataclass(frozen=True, slots=True)
class Names:
    """What sentences call the account, the thing, and the system."""

    who: str
    what: str
    system: str


def needs_log(statement: Statement, now: Now) -> bool:
    """Whether only the log can tell what is to be said."""
    return not _as_said(statement, now)


def judge(
    statement: Statement, now: Now, log: Log, *, others: Sequence[Statement] = (), names: Names | None = None
) -> Judgement:
    """What is said of a statement.

    ``others`` are the statements of other tickets about the same access. ``log`` may be empty where ``needs_log`` is False.
    """
    said = names or Names("The account", "the access", "The system")
    if _as_said(statement, now):
        return _so_now(statement, now, others, said)
    state = f"{said.who} {_state(statement, now)} {said.what} now"
    if now.read_at - statement.closed < SETTLING:
        return unsaid(
            Reason.TOO_FRESH,
            f"{state}, and the ticket was closed only minutes before. Look again later.",
            as_said=False,
        )
    if now.unlogged:
        return _lost(Reason.LOG_UNREADABLE, statement, now, state, now.unlogged)
    named = log.named_since(statement.access.kind, statement.access.resource)
    if named is not None and named > (statement.closed_from or statement.closed) - SKEW:
        why = f"it has this name since {named:%Y-%m-%d %H:%M} UTC only, so the ticket may mean another"
        return unsaid(Reason.RESOURCE_RENAMED, f"{state}: {why}.", as_said=None)
    return _by_log(_History(statement, now, log), others, said, state)


def _as_said(statement: Statement, now: Now) -> bool:
    if statement.action is Direction.GIVE:
        return now.present and now.usable
    return not now.present


def _so_now(statement: Statement, now: Now, others: Sequence[Statement], said: Names) -> Judgement:
    if statement.action is Direction.TAKE:
        return Judgement(Verdict.TRUE, Reason.AS_SAID, f"{said.who} does not have {said.what}.", as_said=True)
    has = f"{said.who} has {said.what}"
    if statement.end is None or now.read_at <= statement.end + SKEW:
        return Judgement(Verdict.TRUE, Reason.AS_SAID, f"{has}.", as_said=True)
    longer = next((each for each in others if _gives_beyond(each, statement, now.read_at)), None)
    if longer is not None:
        return Judgement(Verdict.TRUE, Reason.OTHER_TICKET, f"{has}: {longer.ticket} gave it for longer.", as_said=True)
    return Judgement(
        Verdict.NOT_TRUE,
        Reason.OUTLIVED,
        f"{has}, although it was to end by {statement.end:%Y-%m-%d %H:%M} UTC.",
        as_said=False,
    )


def _gives_beyond(other: Statement, statement: Statement, moment: datetime) -> bool:
    if other.action is not Direction.GIVE or other.ticket == statement.ticket:
        return False
    return other.end is None or other.end + SKEW >= moment


def _state(statement: Statement, now: Now) -> str:
    if statement.action is Direction.GIVE and now.present:
        return "has an account that cannot be used, with"
    return "does not have" if statement.action is Direction.GIVE else "has"


def _lost(reason: Reason, statement: Statement, now: Now, state: str, why: str) -> Judgement:
    """That the log does not tell. What is over by an agreed end, and may never have been, is as it was to be."""
    over = statement.end is not None and not now.present and now.read_at >= (statement.end_from or statement.end)
    asked = "Whether it was so before" if over else "Whether it was otherwise when the ticket was closed"
    return unsaid(reason, f"{state}. {asked} cannot be told: {why}.", as_said=over)


class _History:
    """How an access came to be what it is now: back from now, entry by entry."""

    def __init__(self, statement: Statement, now: Now, log: Log) -> None:
        self.statement, self.now, self.log = statement, now, log
        access = statement.access
        # What can make it so: the account's own hold, each group's, and whether the account can be used.
        holds = {(access.kind, access.resource): now.direct}
        holds |= {(ResourceKind.GROUP, group): held for group, held in now.ways.items()}
        self.holds = holds
        logged = {key: log.of(key[0], key[1], access.account) for key in holds}
        account = log.of(ResourceKind.ACCOUNT, "", access.account) if statement.action is Direction.GIVE else ()
        self.changes = {key: _before(now.read_at, changes) for key, changes in logged.items()}
        self.usable = _before(now.read_at, account)
        #: Whether it changed while the lists were read, which may show it before or after that.
        self.moves = any(change.at >= now.read_at for changes in (*logged.values(), account) for change in changes)

    def moments(self) -> list[datetime]:
        """When anything of it changed, newest first."""
        found = {change.at for changes in (*self.changes.values(), self.usable) for change in changes}
        return sorted(found, reverse=True)

    def as_said_before(self, moment: datetime) -> bool:
        """Whether it was as the ticket says just before a moment."""
        present = any(_state_before(moment, self.changes[key], now=held) for key, held in self.holds.items())
        if self.statement.action is Direction.TAKE:
            return not present
        return present and _state_before(moment, self.usable, now=self.now.usable)

    def at(self, moment: datetime) -> Iterator[Change]:
        """The entries of a moment."""
        for changes in (*self.changes.values(), self.usable):
            yield from (change for change in changes if change.at == moment)

    def contradicts(self, since: datetime) -> bool:
        """Whether entries since a time do not fit each other, or what is there now: some are missing."""
        holds = any(_broken(self.changes[key], since, now=held) for key, held in self.holds.items())
        return holds or _broken(self.usable, since, now=self.now.usable)

    def gap_before(self, moment: datetime) -> tuple[Reason, str] | None:
        """Why the log does not prove that it was as said just before a moment; None when it does.

        An entry proves the state before it. An account that can be used now counts as one that could be used then, where no
        log of accounts says otherwise.
        """
        gaps = {key: None if _since(moment, self.changes[key]) else self.log.gap(key[0], moment) for key in self.holds}
        if self.statement.action is Direction.TAKE:
            return next((gap for gap in gaps.values() if gap), None)
        account = None if self.now.usable or self.usable else self.log.gap(ResourceKind.ACCOUNT, moment)
        there = [key for key, held in self.holds.items() if _state_before(moment, self.changes[key], now=held)]
        return account or (None if any(gaps[key] is None for key in there) else gaps[there[0]])

    def gap(self, since: datetime) -> tuple[Reason, str] | None:
        """Why the log does not prove that it has not been as said since a time; None when it does."""
        kinds = {kind for kind, _ in self.holds}
        account = self.log.gap(ResourceKind.ACCOUNT, since)
        if self.statement.action is Direction.TAKE:
            lasting = (key for key, held in self.holds.items() if held and not _since(since, self.changes[key]))
            if any(self.log.gap(kind, since) is None for kind, _ in lasting):
                return None
        elif not self.now.usable and account is None and not _since(since, self.usable):
            return None
        elif any(self.holds.values()) or any(_since(since, changes) for changes in self.changes.values()):
            return next((gap for gap in (account, *(self.log.gap(kind, since) for kind in kinds)) if gap), None)
        return next((gap for kind in sorted(kinds) if (gap := self.log.gap(kind, since))), None)

    def groups_changed(self, since: datetime) -> bool:
        """Whether groups began or ceased to give the access to their members."""
        access = self.statement.access
        return any(
            change.of_group and (change.kind, change.resource) == (access.kind, access.resource)
            for change in self.log.changes
            if change.at >= since
        )


def _by_log(history: _History, others: Sequence[Statement], said: Names, state: str) -> Judgement:
    statement, now = history.statement, history.now
    begin = (statement.closed_from or statement.closed) - SKEW
    if history.moves:
        return _lost(Reason.TOO_FRESH, statement, now, state, "it changed while it was read; look again")
    if history.contradicts(begin):
        return _lost(
            Reason.LOG_CONTRADICTS,
            statement,
            now,
            state,
            f"the log of {said.system} and what is there do not fit together",
        )
    if history.groups_changed(begin):
        return _lost(
            Reason.LOG_UNREADABLE, statement, now, state, "other groups gave it to their members since, or ceased to"
        )
    ceased = next((moment for moment in history.moments() if history.as_said_before(moment)), None)
    if ceased is not None and ceased >= begin:
        if ceased <= statement.closed + SKEW:
            return _lost(
                Reason.TOO_CLOSE,
                statement,
                now,
                state,
                f"it changed at {ceased:%Y-%m-%d %H:%M} UTC, when the ticket was closed",
            )
        if (gap := history.gap_before(ceased)) is not None:
            return _lost(gap[0], statement, now, state, gap[1])
        return _ceased(history, ceased, others, said)
    if (gap := history.gap(begin)) is not None:
        return _lost(gap[0], statement, now, state, gap[1])
    return _never(history, ceased, said, state)


def _ceased(history: _History, since: datetime, others: Sequence[Statement], said: Names) -> Judgement:
    statement = history.statement
    entries = list(history.at(since))
    by = next((entry.by for entry in entries if entry.by), None)
    shut = (
        all(entry.kind is ResourceKind.ACCOUNT for entry in entries)
        and statement.access.kind is not ResourceKind.ACCOUNT
    )
    event = _event(history, since, said, shut=shut)
    if statement.end_from is not None and since >= statement.end_from - SKEW:
        because = f"{event}: it was to end by {statement.end:%Y-%m-%d %H:%M} UTC."
        return Judgement(Verdict.ENDED, Reason.AGREED_END, because, as_said=True, since=since, by=by)
    asked = next((each for each in others if not shut and _asked_for(each, statement, since)), None)
    if asked is not None:
        because = f"{event}: {asked.ticket} asked for that."
        return Judgement(Verdict.ENDED, Reason.OTHER_TICKET, because, as_said=True, since=since, by=by)
    early = ""
    if statement.end is not None:
        early = f", before the end that was agreed ({statement.end:%Y-%m-%d %H:%M} UTC)"
    reason = Reason.SUSPENDED_SINCE if shut else Reason.CHANGED_SINCE
    return Judgement(Verdict.NO_LONGER, reason, f"{event}{early}.", as_said=False, since=since, by=by)


def _event(history: _History, at: datetime, said: Names, *, shut: bool) -> str:
    """What happened to the access at a moment, and by whom."""
    by = next((entry.by for entry in history.at(at) if entry.by), None)
    when = f"at {at:%Y-%m-%d %H:%M} UTC{f', by {by}' if by else ''}"
    if shut:
        return f"The account of {said.who} was suspended {when}"
    if history.statement.action is Direction.GIVE:
        return f"{said.who} lost {said.what} {when}"
    return f"{said.who} was given {said.what} {when}"


def _asked_for(other: Statement, statement: Statement, since: datetime) -> bool:
    """Whether another ticket asked for the opposite, and was under way or closed when it happened."""
    if other.action is statement.action or other.closed <= statement.closed:
        return False
    return other.created is not None and other.created - SKEW <= since <= other.closed + SKEW


def _never(history: _History, undone: datetime | None, said: Names, state: str) -> Judgement:
    statement = history.statement
    closed = f"before the ticket was closed at {statement.closed:%Y-%m-%d %H:%M} UTC"
    by = None if undone is None else next((entry.by for entry in history.at(undone) if entry.by), None)
    shut = statement.action is Direction.GIVE and history.now.present
    if undone is not None:
        reason = Reason.ACCOUNT_SUSPENDED if shut else Reason.UNDONE_BEFORE
        because = f"{_event(history, undone, said, shut=shut)}, {closed}."
        return Judgement(Verdict.NOT_TRUE, reason, because, as_said=False, since=undone, by=by)
    if shut:
        because = f"{state}, and was suspended {closed}."
        return Judgement(Verdict.NOT_TRUE, Reason.ACCOUNT_SUSPENDED, because, as_said=False)
    because = (
        f"{state}, and the log shows no change since the ticket was closed at {statement.closed:%Y-%m-%d %H:%M} UTC."
    )
    return Judgement(Verdict.NOT_TRUE, Reason.NEVER_DONE, because, as_said=False)


def instead(statement: Statement, log: Log, asked_for: frozenset[Access]) -> Change | None:
    """What was done instead, while the ticket was open: the same change for another account, or for another resource.

    The log's entry, unless several might be it. ``asked_for`` are the accesses that tickets asked for: those explain their
    entries themselves.
    """
    access, wants = statement.access, statement.action.wants_present
    first = (statement.created or statement.closed - SETTLING) - SKEW
    found = [
        change
        for change in log.changes
        if first <= change.at <= statement.closed + SKEW
        and change.present is wants
        and change.kind is access.kind
        and not change.of_group
        and (change.resource == access.resource) is not (change.principal == access.account)
        and Access(change.principal, change.kind, change.resource) not in asked_for
    ]
    return found[0] if len(found) == 1 else None


def _before(moment: datetime, changes: Sequence[Change]) -> list[Change]:
    """The changes before a moment: what happened while the lists were read may be in them or not."""
    return [change for change in changes if change.at < moment]


def _since(moment: datetime, changes: Sequence[Change]) -> list[Change]:
    return [change for change in changes if change.at >= moment]


def _state_before(moment: datetime, changes: Sequence[Change], *, now: bool) -> bool:
    """A state just before a moment: the opposite of what the first change since made of it."""
    undone = _since(moment, changes)
    return not undone[-1].present if undone else now


def _broken(changes: Sequence[Change], since: datetime, *, now: bool) -> bool:
    state = now
    for change in _since(since, changes):
        if change.present is not state:
            return True
        state = not change.present
    return False
