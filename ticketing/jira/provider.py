from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote

from access.failures import Failure, Permanent, Transient, Unknown
from access.operations import Lane
from httpclient import HttpClient
from ticketing.adf import fit, plain_text, to_adf
from ticketing.jira.calls import BULK, PROPERTY, JiraCalls
from ticketing.jira.fields import DUE_DATE, issue_fields, labels
from ticketing.jira.project_check import Problem, prove
from ticketing.jira.responses import Comment, FieldMeta, Issue, Transition
from ticketing.jira.workflow import missing_fields, resolution_for, way_back, way_out
from ticketing.ports import MadeTicket, Phase, TicketDraft, TicketRef, TicketSnapshot
from ticketing.status import StatusMap

#: The member of our property that holds the marker.
MARKER = "marker"

#: Blocks of 100 keys that `probe` reads at most: 20 000 issues made since the last one we knew.
_MOST_BLOCKS = 200

#: How a comment in a service project stays between agents [docs].
_INTERNAL = {"sd.public.comment": {"internal": True}}

_KEY = re.compile(r"(?P<project>[A-Z][A-Z0-9_]*)-(?P<number>[0-9]+)", re.IGNORECASE)


#: What a ticket can do without.
_OPTIONAL = frozenset({DUE_DATE})


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
        statuses: StatusMap | None = None,
        internal_comments: Iterable[str] = (),
    ) -> None:
        self._site_url = site_url.rstrip("/")
        self._calls = JiraCalls(client)
        self._urgent_calls = JiraCalls(urgent) if urgent else self._calls
        self._statuses = statuses or StatusMap()
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

    def create(self, draft: TicketDraft) -> TicketRef:
        """Make the issue with label and property in one call; one or two reads first when it has extra fields."""
        fields = issue_fields(draft, self._create_fields(draft) if draft.fields else ())
        made = self._calls.make(fields, {**draft.data, MARKER: draft.marker}, optional=_OPTIONAL)
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
        internal = _INTERNAL if _project_of(ref.key) in self._internal_comments else {}
        self._calls.add_comment(ref.id, body, {PROPERTY: {MARKER: marker}, **internal})

    def who_closed(self, ref: TicketRef) -> str | None:
        """The display name of whoever made the last change to the issue's present status, from its history."""
        return self._calls.issue(ref.id, with_history=True).who_moved()

    def reopen(self, ref: TicketRef) -> TicketSnapshot:
        """Bring a closed issue back, to the status it was closed from if the workflow has that way; clear its resolution."""
        issue = self._calls.issue(ref.id, with_history=True)
        state = self._state(issue)
        if state.phase is Phase.OPEN:
            return state
        way = way_back(self._calls.transitions(ref.id), before=issue.status_before())
        return self._without_resolution(self._move(state, way, {}, wanted="open again"))

    def close(self, ref: TicketRef) -> TicketSnapshot:
        """Bring an issue to a closed status, one that says declined if there is one. A deleted issue is GONE, not a failure."""
        state = self._state_alone(ref.id)
        if state.phase is not Phase.OPEN:
            return state
        declined = self._statuses.declined
        way = way_out(self._calls.transitions(ref.id), declined=declined)
        return self._move(state, way, resolution_for(way, declined) if way else {}, wanted="closed")

    def prove(self, project: str, issue_type: str, extra_fields: Sequence[str] = ()) -> Sequence[Problem]:
        """What is wrong with the settings for this project; nothing when a ticket could be made and followed."""
        return prove(self._calls, project=project, issue_type=issue_type, extra_fields=extra_fields)

    def _create_fields(self, draft: TicketDraft) -> Sequence[FieldMeta]:
        for each in self._calls.issue_types(draft.project):
            if draft.issue_type in {each.id, each.name}:
                return self._calls.create_fields(draft.project, each.id)
        return ()

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
        """The state of one issue. GONE on a 404, which only a good credential gets here: a bad one raises before.

        Only Jira's own 404 gets here as such: at a wrong URL, and from a site that is away, the client raises ``Transient``.
        """
        try:
            return self._state(self._calls.issue(id_))
        except Permanent as exc:
            if exc.status != HTTPStatus.NOT_FOUND:
                raise
        return TicketSnapshot(ref=TicketRef(id=id_, key="", url=""), phase=Phase.GONE)

    def _move(
        self, state: TicketSnapshot, way: Transition | None, fields: Mapping[str, object], *, wanted: str
    ) -> TicketSnapshot:
        key = state.ref.key
        if way is None:
            raise Permanent(
                f"The workflow of {key} has no way from {state.status} by which it would be {wanted}.",
                remedy="Add such a transition to the workflow, or let Provisor's account use it (Transition issues).",
            )
        if missing := missing_fields(way):
            raise Permanent(
                f"The transition {way.name} of {key} wants fields that Provisor has nothing for: {', '.join(missing)}.",
                remedy="Make them optional on the transition's screen, or give the workflow another transition.",
            )
        try:
            self._calls.move(state.ref.id, way, fields)
        except Permanent:
            now = self._state_alone(state.ref.id)  # somebody may have moved it in between
            if (now.phase is Phase.OPEN) is (state.phase is Phase.OPEN):
                raise
            return now
        return self._state_alone(state.ref.id)

    def _without_resolution(self, state: TicketSnapshot) -> TicketSnapshot:
        """Clear what the way back left of a resolution, where Jira lets us."""
        if state.resolution is None or state.phase is not Phase.OPEN:
            return state
        try:
            self._calls.clear_resolution(state.ref.id)
        except Permanent:
            return state
        return self._state_alone(state.ref.id)

    def _state(self, issue: Issue) -> TicketSnapshot:
        fields = issue.fields
        resolution = fields.resolution.name if fields.resolution else None
        return TicketSnapshot(
            ref=self._ref(issue.id, issue.key),
            phase=self._statuses.phase(
                category=fields.status.category_key,
                status=fields.status.name,
                resolution=resolution,
            ),
            status=fields.status.name,
            resolution=resolution,
            assignee=fields.assignee.name if fields.assignee else None,
        )

    def _ref(self, id_: str, key: str) -> TicketRef:
        return TicketRef(id=id_, key=key, url=f"{self._site_url}/browse/{quote(key, safe='-')}")


def _project_of(key: str) -> str:
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
