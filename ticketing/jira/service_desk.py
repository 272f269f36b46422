"""Tickets as requests of Jira Service Management: each of a request type, with comments that stay between agents, and approvals.

A request is made by the platform's own call, which alone takes our marker: that of service desks has no place for properties,
and takes labels only where the form of the request type has them (docs/contracts/jira-service-management.md).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from threading import Lock
from time import monotonic
from typing import Any, TypeVar

import structlog

from access.failures import Failure, Permanent
from ticketing.jira.calls import JiraCalls
from ticketing.jira.provider import JiraTicketProvider, project_of
from ticketing.jira.responses import FormField, RequestApproval, RequestType, ServiceDesk
from ticketing.jira.schemas import KEPT_SECONDS, JiraSchemas, field_of, type_called
from ticketing.ports import Approval, Decision, TicketDraft, TicketRef
from ticketing.schemas import SchemaField, SchemaRef, TicketSchema

T = TypeVar("T")

_log = structlog.get_logger(__name__)

#: The field of the request type, by what makes it: its id differs between sites, and its name is translated [observed].
_REQUEST_TYPE = "com.atlassian.servicedesk:vp-origin"


@dataclass(frozen=True, slots=True)
class RequestSchema(TicketSchema):
    """A request type: the issue type it is made on, and the id of the field that says of which request type an issue is."""

    issue_type: str = ""
    request_field: str = ""


class ServiceDeskSchemas(JiraSchemas):
    """Reads request types for service projects, and issue types for all others; keeps them."""

    def __init__(self) -> None:
        super().__init__()
        self._lists: dict[str, tuple[float, Any]] = {}
        self._lists_lock = Lock()
        self._made: set[tuple[str, str]] = set()

    def desk(self, calls: JiraCalls, project: str) -> ServiceDesk | None:
        """The service desk of a project; None for a project that is no service project."""
        return next((desk for desk in self._desks(calls) if desk.project.upper() == project.upper()), None)

    def request_types(self, calls: JiraCalls, desk: ServiceDesk) -> Sequence[RequestType]:
        """The request types of a service desk that our account may use."""
        return self._kept_list(desk.id, lambda: calls.request_types(desk.id))

    def every(self, calls: JiraCalls) -> list[SchemaRef]:
        """Every request type of every service desk, and every issue type of the projects that have none."""
        desks = {desk.project: desk for desk in self._desks(calls)}
        work = [ref for ref in super().every(calls) if ref.project not in desks]
        return work + [
            SchemaRef(desk.project, kind.id, desk.project_name, kind.name)
            for desk in desks.values()
            for kind in self.request_types(calls, desk)
        ]

    def read(self, calls: JiraCalls, project: str, issue_type: str) -> TicketSchema:
        """The fields of a request type: those of its issue type's create screen, with what its form requires besides.

        Raises ``Permanent`` where the field of the request type is not on that screen.
        """
        desk = self.desk(calls, project)
        if desk is None:
            return super().read(calls, project, issue_type)
        kind = type_called(issue_type, self.request_types(calls, desk), project, what="request type")
        metas = calls.create_fields(project, kind.issue_type)
        own = next((meta for meta in metas if meta.kind.custom == _REQUEST_TYPE), None)
        if own is None:
            raise Permanent(
                f"The request type cannot be set when an issue is created in {project}: its field is not on the create screen.",
                remedy=f"Put the field of the request type on the create screen of the issue type that {kind.name} is made on.",
            )
        form = {field.id: field for field in calls.request_form(desk.id, kind.id)}
        fields = tuple(_on_form(field_of(meta), form.get(meta.id)) for meta in metas if meta.id != own.id)
        ref = SchemaRef(project, kind.id, desk.project_name, kind.name)
        return RequestSchema(ref, fields, issue_type=kind.issue_type, request_field=own.id)

    def issue_type(self, schema: TicketSchema) -> str:
        """The id of the issue type that tickets of a kind are made of."""
        return schema.issue_type if isinstance(schema, RequestSchema) else super().issue_type(schema)

    def is_first(self, ref: SchemaRef) -> bool:
        """Whether this is asked about a kind of ticket for the first time."""
        key = (ref.project, ref.type)
        with self._lists_lock:
            known = key in self._made
            self._made.add(key)
        return not known

    def _desks(self, calls: JiraCalls) -> Sequence[ServiceDesk]:
        return self._kept_list("", calls.desks)

    def _kept_list(self, key: str, read: Callable[[], Sequence[T]]) -> Sequence[T]:
        with self._lists_lock:
            kept = self._lists.get(key)
        if kept is not None and monotonic() < kept[0] + KEPT_SECONDS:
            found: Sequence[T] = kept[1]
            return found
        found = read()
        with self._lists_lock:
            self._lists[key] = (monotonic(), found)
        return found


class JiraServiceDeskProvider(JiraTicketProvider):
    """Tickets as requests in the service projects of a Jira Cloud site, and as work items in its other projects.

    Implements `ticketing.ports.TicketProvider`. The ``issue_type`` of a ticket is the name or id of a request type. Comments on
    requests are internal: customers are not to see them.
    """

    _schemas: ServiceDeskSchemas

    def create(self, draft: TicketDraft) -> TicketRef:
        """Make the request as any issue, with the field of its type. The first of each kind is looked at: it may be dropped.

        Raises ``Permanent`` where the request type is not known or cannot be set, and makes nothing then.
        """
        if self._schemas.desk(self._calls, draft.project) is None:
            return super().create(draft)
        schema = self._schemas.of(self._calls, draft.project, draft.issue_type)
        made = super().create(draft)
        if self._schemas.is_first(schema.ref):
            self._look_at_first(made, schema)
        return made

    def approvals(self, ref: TicketRef) -> Sequence[Approval]:
        """The approvals of a request, with the account ids of those who have answered; none for an issue that is no request."""
        if self._schemas.desk(self._calls, project_of(ref.key)) is None:
            return ()
        try:
            return [_approval(each) for each in self._calls.approvals(ref.id)]
        except Permanent as failure:
            if failure.status != HTTPStatus.NOT_FOUND:
                raise
        return ()

    def _new_schemas(self) -> ServiceDeskSchemas:
        return ServiceDeskSchemas()

    def _kind_fields(self, schema: TicketSchema | None) -> Mapping[str, Any]:
        if not isinstance(schema, RequestSchema):
            return {}
        return {"issuetype": {"id": schema.issue_type}, schema.request_field: schema.ref.type}

    def _is_internal(self, ref: TicketRef) -> bool:
        return super()._is_internal(ref) or self._schemas.desk(self._calls, project_of(ref.key)) is not None

    def _more_types(self, project: str, issue_type: str) -> Sequence[str]:
        desk = self._schemas.desk(self._calls, project)
        kinds = () if desk is None else self._schemas.request_types(self._calls, desk)
        return [name for kind in kinds if kind.issue_type == issue_type for name in (kind.id, kind.name)]

    def _look_at_first(self, made: TicketRef, schema: TicketSchema) -> None:
        """Say it where Jira took the field of the request type, and made no request. The ticket stands all the same."""
        try:
            if not self._calls.is_request(made.id):
                _log.warning("ticket.is_no_request", ticket=made.key, request_type=schema.title)
        except Failure as failure:
            _log.warning("ticket.not_looked_at", ticket=made.key, why=str(failure))


def _on_form(field: SchemaField, form: FormField | None) -> SchemaField:
    """A field of the create screen, required where the form requires it."""
    return replace(field, required=True) if form is not None and form.required else field


def _approval(each: RequestApproval) -> Approval:
    answered = (answer.approver.account_id for answer in each.answers if answer.decision != Decision.PENDING)
    return Approval(
        each.id,
        each.name,
        _DECISIONS.get(each.decision, Decision.PENDING),
        tuple(filter(None, answered)),
        each.completed.at,
    )


_DECISIONS = {str(decision): decision for decision in Decision}
