"""A ticketing system in memory, behind the provider's port, with the people who work on its tickets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from access.failures import Failure, Permanent
from access.operations import Lane
from tests.fakes.faults import FaultPlan
from ticketing.ports import (
    Approval,
    MadeTicket,
    Phase,
    RemoteLink,
    StatusChange,
    TicketChanges,
    TicketDraft,
    TicketRef,
    TicketSnapshot,
    Way,
)
from ticketing.schema_check import FieldProblem
from ticketing.schemas import SchemaRef, TicketSchema

_ANY_WAY = Way()


@dataclass
class Issue:
    """One issue; ``comments`` by their markers."""

    ref: TicketRef
    draft: TicketDraft
    phase: Phase = Phase.OPEN
    #: The name of its status, where that is not that of its phase.
    status: str | None = None
    comments: dict[str, str] = field(default_factory=dict)
    closed_by: str | None = None
    #: What the way back leaves of the resolution.
    resolution: str | None = None
    assignee: str | None = None
    watchers: list[str] = field(default_factory=list)
    #: Every link that was put on it, and every change of its text and fields, in order.
    links: list[RemoteLink] = field(default_factory=list)
    changes: list[TicketChanges] = field(default_factory=list)
    #: Whether nothing says what its status means.
    unmapped: bool = False

    @property
    def state(self) -> TicketSnapshot:
        return TicketSnapshot(
            ref=self.ref,
            phase=self.phase,
            status=self.status or str(self.phase),
            resolution=self.resolution,
            assignee=self.assignee,
            unmapped=self.unmapped,
        )


class FakeTickets:
    """Issues by id. ``reopens=False`` is a workflow without a way back."""

    def __init__(self) -> None:
        self.faults = FaultPlan()
        self.issues: dict[str, Issue] = {}
        self.reopens = True
        #: Whether the workflow lets us close an issue, and the project lets us comment.
        self.closes = True
        self.comments = True
        #: Whether the site's automation opens again what is closed, and with which resolution it closes what is opened.
        self.opens_again = False
        self.closes_again: str | None = None
        #: Ids of issues that are not shown to us.
        self.hidden: set[str] = set()
        #: What keeps issues from being read, by id.
        self.unreadable: dict[str, Failure] = {}
        #: The lanes asked for, in order.
        self.lanes: list[Lane] = []
        #: The ways that tickets were to go, in order.
        self.ways: list[tuple[Phase, Way]] = []
        #: How many issues there were; a test whose examples share a store begins each with other numbers.
        self.made = 0

    @property
    def name(self) -> str:
        return "memory"

    def in_lane(self, lane: Lane) -> FakeTickets:
        self.lanes.append(lane)
        return self

    def open_issues(self) -> list[Issue]:
        """What people have to do."""
        return [issue for issue in self.issues.values() if issue.phase is Phase.OPEN]

    def create(self, draft: TicketDraft) -> TicketRef:
        return self.faults.call(lambda: self._create(draft), writes=True, repeatable=False)

    def find(self, marker: str, *, project: str) -> Sequence[TicketRef]:
        del project
        return self.faults.call(lambda: self._marked(marker), writes=False)

    def probe(self, marker: str, *, project: str, after_key: str | None) -> Sequence[TicketRef]:
        del project, after_key
        return self.faults.call(lambda: self._marked(marker), writes=False)

    def made_since(self, moment: datetime) -> Sequence[MadeTicket]:
        del moment
        found = [
            MadeTicket(issue.draft.marker, issue.draft.data, issue.state)
            for issue in self.issues.values()
            if issue.ref.id not in self.hidden
        ]
        return self.faults.call(lambda: found, writes=False)

    def read(self, ids: Sequence[str]) -> Mapping[str, TicketSnapshot | Failure]:
        return self.faults.call(
            lambda: {id_: self.unreadable.get(id_) or self._state(id_) for id_ in ids}, writes=False
        )

    def comment(self, ref: TicketRef, text: str, *, marker: str) -> None:
        self.faults.call(lambda: self._comment(ref, text, marker), writes=True)

    def transition(self, ref: TicketRef, to: Phase, way: Way = _ANY_WAY) -> TicketSnapshot:
        self.ways.append((to, way))
        return self.faults.call(lambda: self._move(ref, to), writes=True)

    def schemas(self) -> Sequence[SchemaRef]:
        return ()

    def schema(self, project: str, issue_type: str) -> TicketSchema:
        return TicketSchema(SchemaRef(project, issue_type), ())

    def check(self, draft: TicketDraft) -> Sequence[FieldProblem]:
        del draft
        return ()

    def assign(self, ref: TicketRef, assignees: Sequence[str]) -> str | None:
        return self.faults.call(lambda: self._assign(ref, assignees), writes=True)

    def update(self, ref: TicketRef, changes: TicketChanges) -> None:
        self.faults.call(lambda: self._issue(ref).changes.append(changes), writes=True)

    def watch(self, ref: TicketRef, person: str) -> None:
        self.faults.call(lambda: self._issue(ref).watchers.append(person), writes=True)

    def link(self, ref: TicketRef, link: RemoteLink) -> None:
        self.faults.call(lambda: self._issue(ref).links.append(link), writes=True)

    def changelog(self, ref: TicketRef) -> Sequence[StatusChange]:
        return self.faults.call(lambda: [StatusChange(None, None, self._issue(ref).closed_by)], writes=False)

    def approvals(self, ref: TicketRef) -> Sequence[Approval]:
        del ref
        return ()

    def _assign(self, ref: TicketRef, assignees: Sequence[str]) -> str | None:
        issue = self._issue(ref)
        issue.assignee = next(iter(assignees), None)
        return issue.assignee

    def _create(self, draft: TicketDraft) -> TicketRef:
        self.made += 1
        ref = TicketRef(id=str(self.made), key=f"OPS-{self.made}", url=f"https://tickets.example/OPS-{self.made}")
        self.issues[ref.id] = Issue(ref, draft)
        return ref

    def _marked(self, marker: str) -> list[TicketRef]:
        return [
            issue.ref
            for issue in self.issues.values()
            if issue.draft.marker == marker and issue.ref.id not in self.hidden
        ]

    def _state(self, id_: str) -> TicketSnapshot:
        named = next((issue.ref.id for issue in self.issues.values() if issue.ref.key == id_), id_)
        issue = None if named in self.hidden else self.issues.get(named)
        return issue.state if issue else TicketSnapshot(ref=TicketRef(id=id_, key="", url=""), phase=Phase.GONE)

    def _comment(self, ref: TicketRef, text: str, marker: str) -> None:
        issue = self._issue(ref)
        if not self.comments:
            raise Permanent("Provisor's account may not comment.", remedy="Give it Add comments.", status=403)
        issue.comments.setdefault(marker, text)

    def _move(self, ref: TicketRef, phase: Phase) -> TicketSnapshot:
        issue = self._issue(ref)
        if phase is Phase.OPEN and not self.reopens:
            raise Permanent("The workflow has no way back.")
        if phase is not Phase.OPEN and not self.closes:
            raise Permanent("A validator refuses the transition.")
        issue.phase = Phase.OPEN if self.opens_again else phase
        if phase is Phase.OPEN and self.closes_again is not None:
            issue.phase, issue.resolution = Phase.DONE, self.closes_again
        return replace(issue.state)

    def _issue(self, ref: TicketRef) -> Issue:
        issue = None if ref.id in self.hidden else self.issues.get(ref.id)
        if issue is None:
            raise Permanent("There is no such issue.")
        return issue
