"""Providers with one defect each, and the rule that has to find it: what providers of tickets have been seen to do wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from access.failures import Failure, Permanent, Unknown
from access.operations import Lane
from ticketing import conformance
from ticketing.adf import to_adf
from ticketing.conformance import Rule
from ticketing.jira import JiraTicketProvider
from ticketing.jira.calls import PROPERTY
from ticketing.jira.fields import labels
from ticketing.ports import (
    Phase,
    RemoteLink,
    StatusChange,
    TicketChanges,
    TicketDraft,
    TicketRef,
    TicketSnapshot,
    Way,
)
from ticketing.schemas import SchemaRef, TicketSchema


class RepeatsAfterALostAnswer(JiraTicketProvider):
    def create(self, draft: TicketDraft) -> TicketRef:
        try:
            return super().create(draft)
        except Unknown:
            return super().create(draft)


class MarksAfterMaking(JiraTicketProvider):
    """The property comes with a second call, which a lost answer of the first one keeps away."""

    def create(self, draft: TicketDraft) -> TicketRef:
        ref = super().create(replace(draft, marker="unmarked"))
        self._calls.set_property(ref.id, PROPERTY, {"marker": draft.marker})
        return ref


class ProbesBySearching(JiraTicketProvider):
    def probe(self, marker: str, *, project: str, after_key: str | None) -> Sequence[TicketRef]:
        del after_key
        return self.find(marker, project=project)


class FindsByLabelAlone(JiraTicketProvider):
    def find(self, marker: str, *, project: str) -> Sequence[TicketRef]:
        del project
        labelled = self._calls.search(f'labels = "{labels([marker])[0]}" ORDER BY created ASC')
        return [self._ref(issue.id, issue.key) for issue in labelled]


class FindsWhatBeginsLikeIt(JiraTicketProvider):
    def find(self, marker: str, *, project: str) -> Sequence[TicketRef]:
        return [*super().find(marker, project=project), *super().find(f"{marker}1", project=project)]


class ReadsByIdAlone(JiraTicketProvider):
    def read(self, ids: Sequence[str]) -> Mapping[str, TicketSnapshot | Failure]:
        return {id_: state for id_, state in super().read(ids).items() if id_.isdigit()}


class FailsForOneThatIsMissing(JiraTicketProvider):
    def read(self, ids: Sequence[str]) -> Mapping[str, TicketSnapshot | Failure]:
        found = super().read(ids)
        if any(isinstance(state, TicketSnapshot) and state.phase is Phase.GONE for state in found.values()):
            raise Permanent("One of them is gone.")
        return found


class ReadsOnePage(JiraTicketProvider):
    def read(self, ids: Sequence[str]) -> Mapping[str, TicketSnapshot | Failure]:
        return super().read(list(dict.fromkeys(ids))[:100])


class TakesDeclinedForDone(JiraTicketProvider):
    def read(self, ids: Sequence[str]) -> Mapping[str, TicketSnapshot | Failure]:
        return {
            id_: replace(state, phase=Phase.DONE)
            if isinstance(state, TicketSnapshot) and state.phase is Phase.DECLINED
            else state
            for id_, state in super().read(ids).items()
        }


class SaysClosedAndIsNot(JiraTicketProvider):
    def transition(self, ref: TicketRef, to: Phase, way: Way | None = None) -> TicketSnapshot:
        del way
        return TicketSnapshot(ref, to)


class FailsForADeletedOne(JiraTicketProvider):
    def transition(self, ref: TicketRef, to: Phase, way: Way | None = None) -> TicketSnapshot:
        self._calls.issue(ref.id)
        return super().transition(ref, to, way or Way())


class NamesTheAssignee(JiraTicketProvider):
    def changelog(self, ref: TicketRef) -> Sequence[StatusChange]:
        assignee = self._calls.issue(ref.id).fields.assignee
        return [replace(each, by=assignee.name if assignee else None) for each in super().changelog(ref)]


class CommentsAgain(JiraTicketProvider):
    def comment(self, ref: TicketRef, text: str, *, marker: str) -> None:
        self._calls.add_comment(ref.id, to_adf(text), {PROPERTY: {"marker": marker}})


class CommentsOnceForTheSameWords(JiraTicketProvider):
    def comment(self, ref: TicketRef, text: str, *, marker: str) -> None:
        super().comment(ref, text, marker="one for all" if marker else marker)


class SendsTextAsItIs(JiraTicketProvider):
    def comment(self, ref: TicketRef, text: str, *, marker: str) -> None:
        paragraph = {"type": "paragraph", "content": [{"type": "text", "text": text}]}
        self._calls.add_comment(
            ref.id, {"version": 1, "type": "doc", "content": [paragraph]}, {PROPERTY: {"marker": marker}}
        )


class RefusesLongText(JiraTicketProvider):
    def create(self, draft: TicketDraft) -> TicketRef:
        if len(draft.body) > 32_767:
            raise Permanent("The text is too long.")
        return super().create(draft)


class ForgetsTheBodyOfChanges(JiraTicketProvider):
    def update(self, ref: TicketRef, changes: TicketChanges) -> None:
        super().update(ref, replace(changes, body=None))


class LinksAgain(JiraTicketProvider):
    def link(self, ref: TicketRef, link: RemoteLink) -> None:
        super().link(ref, replace(link, id=link.url))


class AsksTheFirstAlone(JiraTicketProvider):
    def assign(self, ref: TicketRef, assignees: Sequence[str]) -> str | None:
        return super().assign(ref, assignees[:1])


class ListsNothing(JiraTicketProvider):
    def schemas(self) -> Sequence[SchemaRef]:
        return ()


class KnowsEveryKind(JiraTicketProvider):
    def schema(self, project: str, issue_type: str) -> TicketSchema:
        try:
            return super().schema(project, issue_type)
        except Permanent:
            return TicketSchema(SchemaRef(project, issue_type), ())


class RaisesItsOwnErrors(JiraTicketProvider):
    def approvals(self, ref: TicketRef) -> Sequence[object]:  # type: ignore[override] # that is what is wrong with it
        raise NotImplementedError(ref.key)


class HasNoOtherLane(JiraTicketProvider):
    def in_lane(self, lane: Lane) -> JiraTicketProvider:
        raise NotImplementedError(lane)


class MakesWhatIsRefusedElsewhere(JiraTicketProvider):
    def create(self, draft: TicketDraft) -> TicketRef:
        try:
            return super().create(draft)
        except Permanent:
            return super().create(replace(draft, project="OPS"))


class TakesABadCredentialForGone(JiraTicketProvider):
    def read(self, ids: Sequence[str]) -> Mapping[str, TicketSnapshot | Failure]:
        try:
            return super().read(ids)
        except Failure:
            return {id_: TicketSnapshot(TicketRef(id_, "", ""), Phase.GONE) for id_ in ids}


#: Each defect, with the rule that has to find it.
DEFECTS: Mapping[type[JiraTicketProvider], Rule] = {
    RepeatsAfterALostAnswer: conformance.lost_answer_makes_no_twin,
    MarksAfterMaking: conformance.lost_answer_makes_no_twin,
    ProbesBySearching: conformance.lost_answer_makes_no_twin,
    FindsByLabelAlone: conformance.copy_is_no_ticket,
    FindsWhatBeginsLikeIt: conformance.found_by_the_whole_marker,
    ReadsByIdAlone: conformance.made_and_read,
    FailsForOneThatIsMissing: conformance.missing_are_gone_and_keep_no_other,
    ReadsOnePage: conformance.many_are_read_at_once,
    TakesDeclinedForDone: conformance.phases_follow_people,
    SaysClosedAndIsNot: conformance.closed_and_opened_again,
    FailsForADeletedOne: conformance.deleted_is_gone_when_closed,
    NamesTheAssignee: conformance.who_closed_is_who_did,
    CommentsAgain: conformance.comment_once_for_each_marker,
    CommentsOnceForTheSameWords: conformance.comment_once_for_each_marker,
    SendsTextAsItIs: conformance.any_text_is_taken,
    ForgetsTheBodyOfChanges: conformance.any_text_is_taken,
    RefusesLongText: conformance.long_text_is_shortened,
    LinksAgain: conformance.link_and_watcher_once,
    AsksTheFirstAlone: conformance.first_who_may_gets_it,
    ListsNothing: conformance.kinds_are_listed_and_described,
    KnowsEveryKind: conformance.kinds_are_listed_and_described,
    RaisesItsOwnErrors: conformance.no_approvals_is_no_failure,
    HasNoOtherLane: conformance.every_lane_is_the_same_provider,
    MakesWhatIsRefusedElsewhere: conformance.refused_ticket_is_not_made,
    TakesABadCredentialForGone: conformance.bad_credential_is_said,
}
