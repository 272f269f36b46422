from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import structlog

from access.failures import Failure, Permanent, Transient, Unknown
from access.operations import Lane
from httpclient import HttpClient
from ticketing.adf import fit, plain_text, to_adf
from ticketing.jira.calls import BULK, PROPERTY, JiraCalls
from ticketing.jira.fields import ASSIGNEE, changed_fields, draft_problems, issue_fields, labels, one_line
from ticketing.jira.people import JiraPeople
from ticketing.jira.project_check import Problem, prove
from ticketing.jira.responses import Comment, Issue, Status, Transition
from ticketing.jira.schemas import JiraSchemas
from ticketing.jira.workflow import (
    missing_fields,
    name_of_status,
    resolution_for,
    screen_values,
    way_back,
    way_out,
    way_through,
)
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
from ticketing.status import StatusMap, StatusMaps

#: The member of our property that holds the marker.
MARKER = "marker"

#: Blocks of 100 keys that `probe` reads at most: 20 000 issues made since the last one we knew.
_MOST_BLOCKS = 200

#: How a comment in a service project stays between agents [docs].
_INTERNAL = {"sd.public.comment": {"internal": True}}

_KEY = re.compile(r"(?P<project>[A-Z][A-Z0-9_]*)-(?P<number>[0-9]+)", re.IGNORECASE)

_log = structlog.get_logger(__name__)

_ANY_WAY = Way()
_NO_FIELDS: Mapping[str, Any] = {}

#: What an issue is nothing without.
_FIXED = frozenset({"project", "issuetype", "summary", "description", "labels"})

#: What remote links say they come from.
_APPLICATION = "Provisor"


class JiraTicketProvider:
    """Tickets as issues of a Jira Cloud site. Implements `ticketing.ports.TicketProvider`; may be shared by threads.

    ``client`` calls the site's API, ``urgent`` calls it in the lane that takes access away, ``site_url`` is where people
    open the site: links are made from it, never from the gateway. ``internal_comments`` are the keys of service projects
    whose customers are not to see our comments.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        site_url: str,
        urgent: HttpClient | None = None,
        statuses: StatusMaps | None = None,
        internal_comments: Iterable[str] = (),
    ) -> None:
        self._site_url = site_url.rstrip("/")
        self._calls = JiraCalls(client)
        self._urgent_calls = JiraCalls(urgent) if urgent else self._calls
        self._statuses = statuses or StatusMap()
        self._schemas = self._new_schemas()
        self._people = JiraPeople()
        self._internal_comments = frozenset(internal_comments)

    @property
    def name(self) -> str:
        """The provider's short name, as stored with each ticket."""
        return "jira"

    def in_lane(self, lane: Lane) -> JiraTicketProvider:
        """The same provider, with calls taken from the budget in the lane of removals when ``lane`` is that."""
        if lane is not Lane.REVOKE:
            return self
        other = copy.copy(self)
        other._calls = self._urgent_calls  # noqa: SLF001 - a copy of this very object
        return other

    def _new_schemas(self) -> JiraSchemas:
        """What reads the kinds of tickets."""
        return JiraSchemas()

    def schemas(self) -> Sequence[SchemaRef]:
        """Every issue type of every project in which our account may create issues; one read a project, and one for 50."""
        return self._schemas.every(self._calls)

    def schema(self, project: str, issue_type: str) -> TicketSchema:
        """An issue type's create screen and statuses."""
        schema = self._schemas.of(self._calls, project, issue_type)
        return replace(schema, statuses=self._schemas.statuses(self._calls, schema))

    def check(self, draft: TicketDraft) -> Sequence[FieldProblem]:
        """What would be left out, and what would keep the issue from being made, with assignees whom the site does not know."""
        schema = self._schemas.of(self._calls, draft.project, draft.issue_type)
        draft = replace(draft, fields=self._people.with_account_ids(self._calls, draft.fields, schema))
        return (*draft_problems(draft, schema), *self._people.unknown(self._calls, draft.assignees))

    def create(self, draft: TicketDraft) -> TicketRef:
        """Make the issue with label and property in one call; what its type takes is read before, and kept.

        An optional field that the type or Jira does not take is left out, and said; so is an assignee who may not have it.
        """
        schema = self._schema_of(draft.project, draft.issue_type)
        draft = replace(draft, fields=self._people.with_account_ids(self._calls, draft.fields, schema))
        fields, left_out = issue_fields(draft, schema)
        kind = self._kind_fields(schema)
        fields |= kind
        _say(left_out)
        assignees = self._people.known(self._calls, draft.assignees)
        required = {each.id for each in schema.fields if each.must_be_given} if schema else draft.fields.keys()

        def instead(refused: Mapping[str, str]) -> Mapping[str, Any] | None:
            self._schemas.forget(draft.project, draft.issue_type)
            other = next(assignees, None) if ASSIGNEE in refused else None
            replaced = set() if other is None else {ASSIGNEE}
            needed = required | _FIXED | kind.keys()
            if (refused.keys() - replaced) & needed or not refused.keys() <= fields.keys():
                return None
            for name in refused:
                fields.pop(name)
            if other is not None:
                fields[ASSIGNEE] = {"accountId": other}
            return fields

        if (first := next(assignees, None)) is not None:
            fields[ASSIGNEE] = {"accountId": first}
        made = self._calls.make(fields, {**draft.data, MARKER: draft.marker}, instead=instead)
        return self._ref(made.id, made.key)

    def find(self, marker: str, *, project: str) -> Sequence[TicketRef]:
        """All issues with this label and our property, oldest first, through the search index.

        Not only in ``project``: one that was moved elsewhere is still the ticket. A clone has the label, and not the property.
        """
        del project
        quoted = labels([marker])[0].replace("\\", "\\\\").replace('"', '\\"')
        labelled = self._calls.search(f'labels = "{quoted}" ORDER BY created ASC')
        found = {issue.id: issue for issue in labelled if _marker_of(issue) == marker}
        return [self._ref(issue.id, issue.key) for issue in sorted(found.values(), key=lambda issue: int(issue.id))]

    def probe(self, marker: str, *, project: str, after_key: str | None) -> Sequence[TicketRef]:
        """Issues with this marker in the property, among those made after ``after_key``; no search lag.

        Reads keys in blocks of 100 until a block holds none. Without a key of this project to start from, it begins 100
        before the newest that the search knows.
        """
        found = {
            issue.id: issue
            for issue in self._made_after(project, self._start(project, after_key))
            if _marker_of(issue) == marker
        }
        return [self._ref(issue.id, issue.key) for issue in sorted(found.values(), key=lambda issue: int(issue.id))]

    def made_since(self, moment: datetime) -> Sequence[MadeTicket]:
        """All issues with our property that our account created since the day before, through the search index.

        Jira reads the day in the account's own time zone [docs].
        """
        day = f"{moment - timedelta(days=1):%Y-%m-%d}"
        issues = self._calls.search(f'creator = currentUser() AND created >= "{day}" ORDER BY created ASC')
        found = {issue.id: issue for issue in issues if isinstance(_marker_of(issue), str)}
        return [
            MadeTicket(str(_marker_of(issue)), _data_of(issue), self._state(issue))
            for issue in sorted(found.values(), key=lambda issue: int(issue.id))
        ]

    def read(self, ids: Sequence[str]) -> Mapping[str, TicketSnapshot | Failure]:
        """The state of each issue by id or key, 100 a call. One that is not in the answer is asked for alone before it is GONE.

        So is each where the answer to all cannot be read, so that one issue keeps no other from being read.
        """
        found: dict[str, TicketSnapshot] = {}
        wanted = list(dict.fromkeys(ids))
        for start in range(0, len(wanted), BULK):
            try:
                for issue in self._calls.states(wanted[start : start + BULK]):
                    found[issue.id] = found[issue.key] = self._state(issue)
            except (Permanent, Transient) as failure:
                if not isinstance(failure, Permanent) and failure.status != HTTPStatus.OK:
                    raise
        return {id_: found[id_] if id_ in found else self._read_alone(id_) for id_ in wanted}

    def comment(self, ref: TicketRef, text: str, *, marker: str) -> None:
        """Comment once per ``marker``: looks through the comments first, newest first."""
        body = fit(to_adf(text))
        words = plain_text(body)
        if any(_is_comment(each, marker, words) for each in self._calls.comments(ref.id)):
            return
        internal = _INTERNAL if self._is_internal(ref) else {}
        self._calls.add_comment(ref.id, body, {PROPERTY: {MARKER: marker}, **internal})

    def changelog(self, ref: TicketRef) -> Sequence[StatusChange]:
        """The issue's ways from status to status, as far as its history shows them and leads to the present one."""
        moves = self._calls.issue(ref.id, with_history=True).moves()
        return [
            StatusChange(item.before, item.after, change.author.name if change.author else None, change.at)
            for change, item in moves
        ]

    def transition(self, ref: TicketRef, to: Phase, way: Way = _ANY_WAY) -> TicketSnapshot:
        """Bring an issue back to work, to the status it was closed from if the workflow has that way; or to its end.

        At its end it is in a status that says declined if there is one. A deleted issue is GONE, not a failure.
        """
        wants_open = to is Phase.OPEN
        issue = self._calls.issue(ref.id, with_history=True) if wants_open else self._issue_or_none(ref.id)
        if issue is None:
            return _gone(ref.id)
        state = self._state(issue)
        if (state.phase is Phase.OPEN) is wants_open:
            return state
        moves = issue.moves()
        statuses = self._statuses_of(issue)
        for name in _still_to_go(way.through, issue.fields.status):
            step = way_through(self._calls.transitions(ref.id), name)
            fields = {} if step is None else resolution_for(step, statuses.refusals) | screen_values(step, way.fields)
            state = self._move(state, step, fields, way, wanted=f"in {name}")
        ways = self._calls.transitions(ref.id)
        if wants_open:
            back = way_back(ways, before=moves[-1][1].before if moves else None, statuses=statuses, values=way.fields)
            fields = screen_values(back, way.fields) if back else {}
            return self._without_resolution(self._move(state, back, fields, way, wanted="open again"))
        out = way_out(ways, statuses=statuses, values=way.fields)
        fields = {} if out is None else resolution_for(out, statuses.refusals) | screen_values(out, way.fields)
        return self._move(state, out, fields, way, wanted="closed")

    def assign(self, ref: TicketRef, assignees: Sequence[str]) -> str | None:
        """Give the issue to the first of these whom Jira lets have it."""
        for account_id in self._people.known(self._calls, assignees):
            try:
                self._calls.edit(ref.id, {ASSIGNEE: {"accountId": account_id}})
            except Permanent as failure:
                if failure.status != HTTPStatus.BAD_REQUEST:
                    raise
                _log.warning("ticket.not_assignable", account=account_id, why=failure.what)
            else:
                return account_id
        return None

    def update(self, ref: TicketRef, changes: TicketChanges) -> None:
        """Give the issue other fields and text, in one call; fields that its type does not take are left out, and said."""
        schema = None
        if changes.fields or changes.due is not None:
            place = self._calls.issue(ref.id).fields
            schema = self._schema_of(place.project.key, place.type.id)
            changes = replace(changes, fields=self._people.with_account_ids(self._calls, changes.fields, schema))
        fields, left_out = changed_fields(changes, schema)
        _say(left_out)
        if fields:
            self._calls.edit(ref.id, fields)

    def watch(self, ref: TicketRef, person: str) -> None:
        """Make somebody a watcher of the issue."""
        self._calls.watch(ref.id, self._people.account_id(self._calls, person))

    def link(self, ref: TicketRef, link: RemoteLink) -> None:
        """Put a remote link on the issue; its ``globalId`` makes the same again an update."""
        body = {
            "globalId": link.id,
            "application": {"type": _APPLICATION, "name": _APPLICATION},
            "object": {
                "url": link.url,
                "title": one_line(link.title),
                "summary": one_line(link.summary),
                "status": {"resolved": link.resolved},
            },
        }
        self._calls.link(ref.id, body)

    def approvals(self, ref: TicketRef) -> Sequence[Approval]:
        """None: work items have no approvals."""
        del ref
        return ()

    def prove(self, project: str, issue_type: str, fields: Mapping[str, Any] = _NO_FIELDS) -> Sequence[Problem]:
        """What is wrong with the settings for this project; nothing when a ticket could be made and followed."""
        return prove(self._calls, self._new_schemas(), project=project, issue_type=issue_type, fields=fields)

    def _kind_fields(self, schema: TicketSchema | None) -> Mapping[str, Any]:
        """What says of which kind an issue is, besides its issue type."""
        del schema
        return {}

    def _is_internal(self, ref: TicketRef) -> bool:
        """Whether comments are to stay between agents."""
        return project_of(ref.key) in self._internal_comments

    def _schema_of(self, project: str, issue_type: str) -> TicketSchema | None:
        """What the type takes; None where Jira does not tell us, so that the issue is sent for Jira to judge."""
        try:
            return self._schemas.of(self._calls, project, issue_type)
        except Permanent as failure:
            _log.warning("ticket.schema_unknown", project=project, issue_type=issue_type, why=failure.what)
            return None

    def _start(self, project: str, after_key: str | None) -> int:
        known = _KEY.fullmatch(after_key or "")
        if known and known["project"].upper() == project.upper():
            return int(known["number"])
        quoted = project.replace('"', "")
        newest = next(self._calls.search(f'project = "{quoted}" ORDER BY created DESC'), None)
        number = _KEY.fullmatch(newest.key) if newest else None
        return max(0, int(number["number"]) - BULK) if number else 0

    def _made_after(self, project: str, number: int) -> Iterator[Issue]:
        for start in range(number + 1, number + 1 + _MOST_BLOCKS * BULK, BULK):
            keys = [f"{project}-{each}" for each in range(start, start + BULK)]
            issues = self._calls.bulk(keys, fields=["labels"], properties=[PROPERTY])
            yield from issues
            if not issues:
                return
        raise Permanent(
            f"More than {_MOST_BLOCKS * BULK} issues were made in {project} since {project}-{number}.",
            remedy="Search Jira for the ticket's label by hand, and settle the operation.",
        )

    def _read_alone(self, id_: str) -> TicketSnapshot | Failure:
        """The state of one issue, or what keeps it from being read. Raises ``CredentialRefused``: that keeps all."""
        try:
            return self._state_alone(id_)
        except (Permanent, Transient, Unknown) as failure:
            return failure

    def _state_alone(self, id_: str) -> TicketSnapshot:
        """The state of one issue; GONE where there is none."""
        issue = self._issue_or_none(id_)
        return _gone(id_) if issue is None else self._state(issue)

    def _issue_or_none(self, id_: str) -> Issue | None:
        """One issue. None on a 404, which only a good credential gets here: a bad one raises before.

        Only Jira's own 404 gets here as such: at a wrong URL, and from a site that is away, the client raises ``Transient``.
        """
        try:
            return self._calls.issue(id_)
        except Permanent as exc:
            if exc.status != HTTPStatus.NOT_FOUND:
                raise
        return None

    def _move(
        self, state: TicketSnapshot, step: Transition | None, fields: Mapping[str, object], way: Way, *, wanted: str
    ) -> TicketSnapshot:
        key = state.ref.key
        if step is None:
            raise Permanent(
                f"The workflow of {key} has no way from {state.status} by which it would be {wanted}.",
                remedy="Add such a transition to the workflow, or let Provisor's account use it (Transition issues).",
            )
        if missing := missing_fields(step, way.fields):
            raise Permanent(
                f"The transition {step.name} of {key} wants fields that Provisor has nothing for: {', '.join(missing)}.",
                remedy="Give them values in policy (reopen_fields, close_fields), or make them optional on its screen.",
            )
        try:
            self._calls.move(state.ref.id, step, fields)
        except Permanent:
            now = self._state_alone(state.ref.id)  # somebody may have moved it in between
            if (now.phase is Phase.OPEN) is (state.phase is Phase.OPEN) and now.status != step.to.name:
                raise
            return now
        return self._state_alone(state.ref.id)

    def _without_resolution(self, state: TicketSnapshot) -> TicketSnapshot:
        """Clear what the way back left of a resolution, where Jira lets us."""
        if state.resolution is None or state.phase is not Phase.OPEN:
            return state
        try:
            self._calls.edit(state.ref.id, {"resolution": None})
        except Permanent:
            return state
        return self._state_alone(state.ref.id)

    def _state(self, issue: Issue) -> TicketSnapshot:
        fields = issue.fields
        resolution = fields.resolution.name if fields.resolution else None
        standing = self._statuses_of(issue).standing(
            category=fields.status.category_key,
            status=fields.status.name,
            resolution=resolution,
            status_id=fields.status.id,
        )
        return TicketSnapshot(
            ref=self._ref(issue.id, issue.key),
            phase=standing.phase,
            status=fields.status.name,
            resolution=resolution,
            assignee=fields.assignee.name if fields.assignee else None,
            in_progress=standing.in_progress,
            unmapped=standing.unmapped,
        )

    def _statuses_of(self, issue: Issue) -> StatusMap:
        project, type_ = issue.fields.project.key or project_of(issue.key), issue.fields.type
        return self._statuses.of(project, type_.id, type_.name, *self._more_types(project, type_.id))

    def _more_types(self, project: str, issue_type: str) -> Sequence[str]:
        """Ids and names of further kinds of tickets that are made of an issue type, and share its workflow."""
        del project, issue_type
        return ()

    def _ref(self, id_: str, key: str) -> TicketRef:
        return TicketRef(id=id_, key=key, url=f"{self._site_url}/browse/{quote(key, safe='-')}")


def _gone(id_: str) -> TicketSnapshot:
    return TicketSnapshot(ref=TicketRef(id=id_, key="", url=""), phase=Phase.GONE)


def _still_to_go(through: Sequence[str], present: Status) -> Sequence[str]:
    """The statuses on the way that come after the present one, where that is one of them."""
    at = next((number for number, name in enumerate(through, 1) if name_of_status(name, present)), 0)
    return through[at:]


def _say(left_out: Iterable[FieldProblem]) -> None:
    for each in left_out:
        _log.warning("ticket.field_left_out", field=each.field, why=each.what)


def project_of(key: str) -> str:
    """The key of the project of an issue, by its own key."""
    return key.rpartition("-")[0]


def _marker_of(issue: Issue) -> object:
    data = issue.properties.get(PROPERTY)
    return data.get(MARKER) if isinstance(data, dict) else None


def _data_of(issue: Issue) -> Mapping[str, str]:
    return {name: value for name, value in issue.properties[PROPERTY].items() if isinstance(value, str)}


def _is_comment(comment: Comment, marker: str, words: str) -> bool:
    """Whether it is the comment with this marker; by its words where Jira does not show properties [assumed]."""
    if comment.properties is None:
        return plain_text(comment.body) == words
    return any(
        each.key == PROPERTY and isinstance(each.value, dict) and each.value.get(MARKER) == marker
        for each in comment.properties
    )
