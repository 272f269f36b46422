"""The calls we make to Jira, typed: one method a route, no decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

import structlog

from access.failures import Permanent, Transient, Unknown
from httpclient import Call, HttpClient, Response
from ticketing.adf import Node
from ticketing.jira.jira_library import JiraLibrary
from ticketing.jira.responses import (
    Comment,
    Comments,
    DeskPage,
    FieldMeta,
    FieldPage,
    FormField,
    FoundPerson,
    Issue,
    Issues,
    IssueType,
    IssueTypePage,
    MadeComment,
    MadeIssue,
    Myself,
    Permissions,
    Project,
    ProjectPage,
    RequestApproval,
    RequestForm,
    RequestType,
    ServiceDesk,
    Transition,
    Transitions,
    TypeStatuses,
)

M = TypeVar("M")

_log = structlog.get_logger(__name__)

#: The key of our property on issues and comments. People do not see it, and cannot take it off as they can a label.
PROPERTY = "provisor"

#: The most that one ``bulkfetch`` takes [spec].
BULK = 100

_API = "/rest/api/3"
_ISSUES = f"{_API}/issue"
_ISSUE = f"{_API}/issue/{{issue}}"
_COMMENTS = f"{_ISSUE}/comment"
_PROPERTY = f"{_ISSUE}/properties/{{property}}"
_DESKS = "/rest/servicedeskapi"
_REQUEST_TYPES = "/servicedesk/{desk}/requesttype"
_DESK_PAGE = 100
_TYPES = f"{_API}/issue/createmeta/{{project}}/issuetypes"

_STATE_FIELDS = ["status", "resolution", "assignee", "project", "issuetype"]
_LARGEST_META_PAGE = 200
_PROJECT_PAGE = 50
#: Nobody reads further: 10 000 tickets with one marker, or a search that never ends.
_MOST_SEARCH_PAGES = 100
_COMMENT_PAGE = 100


class JiraCalls:
    """Typed calls through a client. Every method raises the failure words.

    The ``jira`` library makes the calls that it makes well; the others need what it does not send or read on Cloud.
    """

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._library = JiraLibrary(client)

    def make(
        self,
        fields: Mapping[str, Any],
        data: Mapping[str, str],
        *,
        instead: Callable[[Mapping[str, str]], Mapping[str, Any] | None] = lambda _: None,
    ) -> MadeIssue:
        """Make an issue with its property in one call: ``create_issue`` of the library drops the property silently.

        When Jira does not take it, ``instead`` says by the refused fields with what to try once more; None is not at all.
        """
        body = {"fields": fields, "properties": [{"key": PROPERTY, "value": data}]}
        call = Call(
            method="POST", route=_ISSUES, body=body, idempotent=False, expects=frozenset({HTTPStatus.BAD_REQUEST})
        )
        answer = self._client.send(call)
        if answer.status == HTTPStatus.BAD_REQUEST:
            refused = answer.member("errors")
            other = instead(refused) if isinstance(refused, dict) and refused else None
            if other is None:
                raise _refused_fields(answer)
            _log.warning("ticket.field_not_taken", fields=sorted(refused), why=answer.said)
            return self.make(other, data, instead=instead)
        return _read(call, answer, MadeIssue, what="the new ticket")

    def search(self, jql: str) -> Iterator[Issue]:
        """All issues a search finds, with our property and what a ticket's state is read from. Lags behind writes."""
        next_page: dict[str, str] = {}
        for _ in range(_MOST_SEARCH_PAGES):
            body = {
                "jql": jql,
                "fields": list(_STATE_FIELDS),
                "properties": [PROPERTY],
                "maxResults": BULK,
                **next_page,
            }
            found = self._post(f"{_API}/search/jql", body, Issues, what="the tickets found")
            yield from found.issues
            if not found.next_page:
                return
            next_page = {"nextPageToken": found.next_page}

    def bulk(self, ids_or_keys: Sequence[str], *, fields: Sequence[str], properties: Sequence[str] = ()) -> list[Issue]:
        """Those of at most 100 issues that exist and that we may see. Does not lag behind writes [docs]."""
        body = {"issueIdsOrKeys": list(ids_or_keys), "fields": list(fields), "properties": list(properties)}
        return list(self._post(f"{_ISSUES}/bulkfetch", body, Issues, what="the tickets").issues)

    def states(self, ids: Sequence[str]) -> list[Issue]:
        """As ``bulk``, with what a ticket's state is read from."""
        return self.bulk(ids, fields=_STATE_FIELDS)

    def issue(self, id_: str, *, with_history: bool = False) -> Issue:
        """One issue, with what its state is read from, and its history if asked."""
        params = {"fields": ",".join(_STATE_FIELDS), **({"expand": "changelog"} if with_history else {})}
        return self._get(_ISSUE, Issue, what="the ticket", path={"issue": id_}, params=params)

    def property(self, id_: str, key: str) -> Any:
        """The value of a property of an issue; None where it has none, or the issue is not there."""
        expects = frozenset({HTTPStatus.NOT_FOUND})
        answer = self._client.send(Call(method="GET", route=_PROPERTY, path=_named(id_, key), expects=expects))
        return None if answer.status == HTTPStatus.NOT_FOUND else answer.member("value")

    def set_property(self, id_: str, key: str, value: Any) -> None:
        """Give a property of an issue another value; nobody is told, and no history is kept of it [docs]."""
        self._client.send(Call(method="PUT", route=_PROPERTY, path=_named(id_, key), body=value))

    def comments(self, id_: str) -> Iterator[Comment]:
        """The comments of an issue, newest first, read as far as they are looked at."""
        start, total = 0, 1
        while start < total:
            params: dict[str, str | int] = {
                "orderBy": "-created",
                "startAt": start,
                "maxResults": _COMMENT_PAGE,
                "expand": "properties",
            }
            page = self._get(_COMMENTS, Comments, what="the comments", path={"issue": id_}, params=params)
            yield from page.comments
            start, total = start + len(page.comments), page.total if page.comments else 0

    def add_comment(self, id_: str, body: Node, properties: Mapping[str, Any]) -> MadeComment:
        """Comment on an issue; the library's ``add_comment`` takes no properties."""
        content = {"body": body, "properties": [{"key": key, "value": value} for key, value in properties.items()]}
        call = Call(method="POST", route=_COMMENTS, path={"issue": id_}, body=content, idempotent=False)
        return _read(call, self._client.send(call), MadeComment, what="the new comment")

    def transitions(self, id_: str) -> tuple[Transition, ...]:
        """The ways the issue can go, with the fields of their screens. Empty without the permission [spec]."""
        return self._library.ask(
            lambda jira: Transitions.model_validate(
                {"transitions": jira.transitions(id_, expand="transitions.fields")}
            ),
            what="the ticket's transitions",
        ).transitions

    def move(self, id_: str, transition: Transition, fields: Mapping[str, Any]) -> None:
        """Take the issue through a transition."""
        self._library.ask(
            lambda jira: jira.transition_issue(id_, transition.id, fields=dict(fields)),
            what="the transition",
            writes=True,
        )

    def edit(self, id_: str, fields: Mapping[str, Any]) -> None:
        """Give fields of an issue other values; ``Permanent`` where one is not on the edit screen [docs]."""
        self._client.send(Call(method="PUT", route=_ISSUE, path={"issue": id_}, body={"fields": dict(fields)}))

    def watch(self, id_: str, account_id: str) -> None:
        """Make somebody a watcher of an issue; again is no mistake [spec]."""
        call = Call(method="POST", route=f"{_ISSUE}/watchers", path={"issue": id_}, body=account_id, idempotent=True)
        self._client.send(call)

    def link(self, id_: str, link: Mapping[str, Any]) -> None:
        """Put a remote link on an issue; one with the same ``globalId`` is replaced [spec]."""
        call = Call(method="POST", route=f"{_ISSUE}/remotelink", path={"issue": id_}, body=dict(link), idempotent=True)
        self._client.send(call)

    def people(self, query: str) -> tuple[FoundPerson, ...]:
        """The accounts whose name or address begins with the words of ``query``; not all of them are shown an address."""
        call = Call(method="GET", route=f"{_API}/user/search", params={"query": query})
        return _read(call, self._client.send(call), tuple[FoundPerson, ...], what="the people found")

    def projects_to_create_in(self) -> tuple[Project, ...]:
        """The projects in which our account may create issues."""
        found: list[Project] = []
        total = 1
        while len(found) < total:
            page = self._get(
                f"{_API}/project/search",
                ProjectPage,
                what="the projects",
                path={},
                params={"action": "create", "startAt": len(found), "maxResults": _PROJECT_PAGE},
            )
            found += page.values
            total = page.total if page.values else 0
        return tuple(found)

    def statuses(self, project: str) -> tuple[TypeStatuses, ...]:
        """The statuses of each issue type of a project."""
        call = Call(method="GET", route=f"{_API}/project/{{project}}/statuses", path={"project": project})
        return _read(call, self._client.send(call), tuple[TypeStatuses, ...], what="the statuses of the project")

    def issue_types(self, project: str) -> tuple[IssueType, ...]:
        """The issue types we may create in a project; the library refuses this route on Cloud."""
        found: list[IssueType] = []
        total = 1
        while len(found) < total:
            page = self._get(
                _TYPES,
                IssueTypePage,
                what="the issue types",
                path={"project": project},
                params={"startAt": len(found), "maxResults": _LARGEST_META_PAGE},
            )
            found += page.types
            total = page.total if page.types else 0
        return tuple(found)

    def create_fields(self, project: str, issue_type_id: str) -> tuple[FieldMeta, ...]:
        """The fields that can be set when an issue of this type is created."""
        found: list[FieldMeta] = []
        total = 1
        while len(found) < total:
            page = self._get(
                f"{_TYPES}/{{type}}",
                FieldPage,
                what="the fields of new tickets",
                path={"project": project, "type": issue_type_id},
                params={"startAt": len(found), "maxResults": _LARGEST_META_PAGE},
            )
            found += page.all
            total = page.total if page.all else 0
        return tuple(found)

    def myself(self) -> Myself:
        """Who we are to Jira."""
        return self._library.ask(lambda jira: Myself.model_validate(jira.myself()), what="our own account")

    def project(self, key: str) -> None:
        """Look at a project; ``Permanent`` when there is none that we may see."""
        self._library.ask(lambda jira: jira.project(key), what="the project")

    def permissions(self, project: str, wanted: Sequence[str]) -> frozenset[str]:
        """Which of these permissions we have in a project."""
        held = self._library.ask(
            lambda jira: Permissions.model_validate(
                jira.my_permissions(projectKey=project, permissions=",".join(wanted))
            ),
            what="our permissions",
        )
        return frozenset(key for key, permission in held.permissions.items() if permission.have)

    def desks(self) -> list[ServiceDesk]:
        """The service desks that our account may see."""
        return self._all_of_desks("/servicedesk", ServiceDesk, {}, what="the service desks")

    def request_types(self, desk: str) -> list[RequestType]:
        """The request types of a service desk that our account may use."""
        return self._all_of_desks(_REQUEST_TYPES, RequestType, {"desk": desk}, what="the request types")

    def request_form(self, desk: str, request_type: str) -> tuple[FormField, ...]:
        """The fields on the form of a request type."""
        path = {"desk": desk, "type": request_type}
        route = f"{_DESKS}{_REQUEST_TYPES}/{{type}}/field"
        return self._get(route, RequestForm, what="the request form", path=path, params={}).fields

    def is_request(self, id_: str) -> bool:
        """Whether an issue is a request, which has a request type."""
        expects = frozenset({HTTPStatus.NOT_FOUND})
        call = Call(method="GET", route=f"{_DESKS}/request/{{issue}}", path={"issue": id_}, expects=expects)
        return self._client.send(call).status != HTTPStatus.NOT_FOUND

    def approvals(self, id_: str) -> list[RequestApproval]:
        """The approvals of a request; ``Permanent`` for an issue that is no request."""
        route = "/request/{issue}/approval"
        return self._all_of_desks(route, RequestApproval, {"issue": id_}, what="the approvals")

    def _all_of_desks(self, route: str, model: type[M], path: Mapping[str, str], *, what: str) -> list[M]:
        """Every entry of a list of the service desks' API."""
        found: list[M] = []
        last = False
        while not last:
            params: dict[str, str | int] = {"start": len(found), "limit": _DESK_PAGE}
            call = Call(method="GET", route=f"{_DESKS}{route}", path=path, params=params)
            page = _read(call, self._client.send(call), DeskPage[model], what=what)  # type: ignore[valid-type] # a model that is known only now
            found += page.values
            last = page.last or not page.values
        return found

    def _get(
        self,
        route: str,
        model: type[M],
        *,
        what: str,
        path: Mapping[str, str],
        params: Mapping[str, str | int],
    ) -> M:
        call = Call(method="GET", route=route, path=path, params=params)
        return _read(call, self._client.send(call), model, what=what)

    def _post(self, route: str, body: Any, model: type[M], *, what: str) -> M:
        """Read by a route that takes its question in a body."""
        call = Call(method="POST", route=route, body=body, endpoint_class="read")
        return _read(call, self._client.send(call), model, what=what)


def _named(issue: str, key: str) -> dict[str, str]:
    return {"issue": issue, "property": key}


def _read(call: Call, answer: Response, model: type[M], *, what: str) -> M:
    """The answer as ``model``. One that cannot be read leaves open whether a write was made."""
    try:
        return answer.read_as(model, what=what)
    except Transient as unread:
        if call.idempotent:
            raise
        raise Unknown(
            f"{unread.what[:-1]}; the change may have been made.",
            remedy="Look before repeating it.",
            status=answer.status,
            trace_id=answer.trace_id,
        ) from None


def _refused_fields(answer: Response) -> Permanent:
    """Jira did not take the fields of a new issue; the remedy names each."""
    errors = answer.member("errors")
    fields = errors if isinstance(errors, dict) else {}
    remedies = [_field_remedy(name, str(said)) for name, said in fields.items()]
    said = f": {answer.said}" if answer.said else ""
    return Permanent(
        f"Jira did not take the ticket ({answer.status}{said}).",
        remedy=" ".join(remedies) or "Compare the ticket settings with the project in Jira.",
        status=answer.status,
        trace_id=answer.trace_id,
    )


def _field_remedy(name: str, said: str) -> str:
    if "screen" in said:
        return f"Put the field {name} on the project's create screen, or take it out of the ticket settings."
    if "required" in said or "must specify" in said:
        return f"Give the field {name} a value in the ticket settings."
    return f"Correct the field {name} in the ticket settings."
