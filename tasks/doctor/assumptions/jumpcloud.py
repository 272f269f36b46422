"""What ``docs/contracts/jumpcloud.md`` assumes, and how JumpCloud shows it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Any

from access.clock import Clock
from httpclient import Response
from tasks.doctor.assumptions.assumption import Assumption, NotSeen, status_of
from tasks.doctor.probe import Probe, is_refused, objects, text

_V1_USERS, _ADMINS, _GROUPS = "/api/systemusers", "/api/users", "/api/v2/usergroups"
_MEMBERS, _MEMBER_OF = f"{_GROUPS}/{{group}}/members", "/api/v2/users/{user}/memberof"
_EVENTS, _REPORTS = "/insights/directory/v1/events", "/insights/directory/v1/reports"
_CONTENT = f"{_REPORTS}/{{report}}/artifacts/{{artifact}}/content"

#: An id that nothing has: ids begin with the time at which they were made, and this one would be of 1970.
_NOTHING = "0" * 24
_PAGE = 100
#: So many users, groups or events are looked at for one that shows a fact.
_MOST = 20
_SMALL_PAGE = 5
_BACK = timedelta(days=80)
#: How long a change of the scratch group is looked for, and the pause between two looks.
_VISIBLE_WITHIN = timedelta(seconds=10)
_LOOK_AGAIN_SECONDS = 0.1


class JumpCloudLooks:
    """The probes of one organization, and what several looks share. ``scratch`` is the name or id of a group to change."""

    def __init__(self, api: Probe, insights: Probe, clock: Clock, *, scratch: str | None = None) -> None:
        self.api, self.insights = api, insights
        self._clock, self._scratch = clock, scratch

    @cached_property
    def users(self) -> list[dict[str, Any]]:
        """The first page of users. Raises ``NotSeen`` when there are none."""
        found = objects(self.api.ask("GET", _V1_USERS, params={"limit": _PAGE, "sort": "_id"}), "results")
        return _some(found, "the organization shows no users")

    @cached_property
    def groups(self) -> list[dict[str, Any]]:
        """The first page of groups. Raises ``NotSeen`` when there are none."""
        return _some(
            _rows(self.api.ask("GET", _GROUPS, params={"limit": _PAGE})), "the organization shows no user groups"
        )

    @cached_property
    def scratch(self) -> str:
        """The id of the scratch group. Raises ``NotSeen`` without one."""
        if self._scratch is None:
            raise NotSeen("it needs a group to change; name one with --scratch jumpcloud:group:<name>:member")
        named = {
            text(group, "id") for group in self.groups if self._scratch in {text(group, n) for n in ("id", "name")}
        }
        if len(named) != 1:
            raise NotSeen("no group of the first page is the scratch group")
        return named.pop()

    def groups_of(self, user: str, **params: str) -> list[str]:
        """The ids of a user's groups."""
        asked: dict[str, str | int] = {"limit": _PAGE, **params}
        return [text(each, "id") for each in _rows(self.api.ask("GET", _MEMBER_OF, path={"user": user}, params=asked))]

    def someone_in(self, least: int) -> tuple[str, list[str]]:
        """A user in so many groups at least, and the groups. Raises ``NotSeen`` when none of the first users is."""
        for user in self.users[:_MOST]:
            ident = text(user, "_id") or text(user, "id")
            if len(held := self.groups_of(ident)) >= least:
                return ident, held
        raise NotSeen(f"none of the first {_MOST} users is in {least} groups")

    def change(self, op: str, user: str, *, group: str) -> Response:
        """Ask for a change of one member."""
        return self.api.ask("POST", _MEMBERS, path={"group": group}, body={"op": op, "type": "user", "id": user})

    def events(self, *terms: Mapping[str, Any], limit: int = _PAGE) -> list[dict[str, Any]]:
        """The newest events that fit. Raises ``NotSeen`` when Directory Insights does not answer."""
        start = self._clock.now() - _BACK
        body = {
            "service": ["directory", "access_management"],
            "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "limit": limit,
            "sort": "DESC",
            "search_term": {"and": list(terms)},
        }
        response = self.insights.ask("POST", _EVENTS, body=body)
        if response.status != HTTPStatus.OK:
            raise NotSeen(f"Directory Insights answered {response.status}")
        return _rows(response)

    def connections(self, *terms: Mapping[str, Any]) -> list[Mapping[str, str]]:
        """The newest changes of connections that fit: the id at each end by its kind in lower case."""
        kinds = {"event_type": ["association_change", "access_management_association_change"]}
        return [_ends(event) for event in self.events(kinds, *terms)]


def _some(found: list[dict[str, Any]], otherwise: str) -> list[dict[str, Any]]:
    if not found:
        raise NotSeen(otherwise)
    return found


def _rows(response: Response) -> list[dict[str, Any]]:
    return objects(Response(response.status, response.headers, {"rows": response.body}), "rows")


def _connection(event: Mapping[str, Any]) -> Mapping[str, Any]:
    association = event.get("association")
    found = association.get("connection") if isinstance(association, dict) else None
    return found if isinstance(found, dict) else {}


def _ends(event: Mapping[str, Any]) -> Mapping[str, str]:
    ends = [each for name in ("from", "to") if isinstance(each := _connection(event).get(name), dict)]
    return {text(end, "type").lower(): text(end, "object_id") for end in ends}


def _changing_role(at: JumpCloudLooks) -> int:
    response = at.change("remove", _NOTHING, group=_NOTHING)
    if not is_refused(response):
        raise NotSeen("this credential may change groups; ask with one whose role may only read")
    return response.status


def _over_the_limit(at: JumpCloudLooks) -> str:
    response = at.api.ask("GET", _GROUPS, params={"limit": _PAGE + 1})
    return "reject" if status_of(response, 200, 400) == HTTPStatus.BAD_REQUEST else "clamp"


def _short_pages(at: JumpCloudLooks) -> bool:
    seen = 0
    for skip in range(0, _MOST * _SMALL_PAGE, _SMALL_PAGE):
        response = at.api.ask("GET", _GROUPS, params={"limit": _SMALL_PAGE, "skip": skip})
        rows, total = len(_rows(response)), response.headers.get("x-total-count", "")
        if not rows:
            break
        seen += rows
        if rows < _SMALL_PAGE and (not total.isdecimal() or seen < int(total)):
            return True
    raise NotSeen("none of the pages that were read was short")


def _status_of_id(ident: str) -> Callable[[JumpCloudLooks], int]:
    def look(at: JumpCloudLooks) -> int:
        return status_of(at.api.ask("GET", f"{_V1_USERS}/{{user}}", path={"user": ident}), 400, 404)

    return look


def _stored_names(at: JumpCloudLooks) -> str:
    names = [text(user, name) for user in at.users for name in ("username", "email")]
    return "as_sent" if any(name != name.lower() for name in names) else "lower"


def _sorted_admins(at: JumpCloudLooks) -> bool:
    found = objects(at.api.ask("GET", _ADMINS, params={"limit": _PAGE, "sort": "_id"}), "results")
    ids = [text(each, "_id") or text(each, "id") for each in found]
    if len(ids) < 2:  # noqa: PLR2004 - one is in every order
        raise NotSeen("the organization shows fewer than two administrators")
    return ids == sorted(ids)


def _without_method(at: JumpCloudLooks) -> bool:
    return any(not group.get("membershipMethod") for group in at.groups)


def _filtered(at: JumpCloudLooks) -> str:
    user, held = at.someone_in(2)
    return "narrows" if at.groups_of(user, filter=f"object_id:eq:{held[0]}") == held[:1] else "ignored"


def _added_unknown(at: JumpCloudLooks) -> int:
    return status_of(at.change("add", _NOTHING, group=at.scratch), 404, 400)


def _added_inactive(at: JumpCloudLooks) -> int:
    group = at.scratch
    for user in at.users:
        ident = text(user, "_id") or text(user, "id")
        if text(user, "state") in {"SUSPENDED", "STAGED"} and group not in at.groups_of(ident):
            status = status_of(at.change("add", ident, group=group), 204, 400)
            at.change("remove", ident, group=group)
            return status
    raise NotSeen("none of the first users is staged or suspended, and outside of the scratch group")


def _lag(at: JumpCloudLooks) -> int:
    group = at.scratch
    ids = (text(user, "_id") or text(user, "id") for user in at.users)
    user = next((ident for ident in ids if group not in at.groups_of(ident)), None)
    if user is None:
        raise NotSeen("everybody of the first page is in the scratch group")
    return _unseen_for(at, user, group, lambda: group in at.groups_of(user))


def _unseen_for(at: JumpCloudLooks, user: str, group: str, shows: Callable[[], bool]) -> int:
    """How long a membership that is made here stays unseen, in milliseconds; 0 when the first look shows it."""
    status_of(at.change("add", user, group=group), 204)
    try:
        if shows():
            return 0
        began, pause = time.monotonic(), threading.Event()
        until = began + _VISIBLE_WITHIN.total_seconds()
        while not shows() and time.monotonic() < until:
            pause.wait(_LOOK_AGAIN_SECONDS)
        return max(1, round((time.monotonic() - began) * 1000))
    finally:
        at.change("remove", user, group=group)


def _from_end(at: JumpCloudLooks) -> str:
    for event in at.events({"event_type": ["association_change", "access_management_association_change"]}):
        if _ends(event).keys() >= {"application", "user_group"}:
            first = _connection(event)["from"]
            return text(first, "type").lower()
    raise NotSeen("the log of the last 80 days has no binding of a group and an application")


def _deletions_tell(at: JumpCloudLooks) -> bool:
    deleted = [
        event["resource"]
        for event in at.events({"event_type": "user_delete"})
        if isinstance(event.get("resource"), dict)
    ]
    for user in deleted[:_MOST]:
        ident = text(user, "id")
        either = {"or": [{f"association.connection.{end}.object_id": ident} for end in ("from", "to")]}
        events = at.events({"event_type": "association_change"}, either)
        in_groups = [event for event in events if "user_group" in _ends(event)]
        if in_groups:
            # Newest first: whoever was taken out of a group last was so by the deletion, or before it by hand.
            return text(in_groups[0].get("association"), "op").lower() == "remove"
    raise NotSeen("no user was deleted in the last 80 days whose memberships the log shows")


def _rules_tell(at: JumpCloudLooks) -> bool:
    dynamic = [text(group, "id") for group in at.groups if text(group, "membershipMethod").startswith("DYNAMIC_AUTO")]
    for group in dynamic[:_MOST]:
        members = _rows(at.api.ask("GET", _MEMBERS, path={"group": group}, params={"limit": 1}))
        either = {"or": [{f"association.connection.{end}.object_id": group} for end in ("from", "to")]}
        if members:
            return any("user" in ends for ends in at.connections(either))
    raise NotSeen("no group of the first page is filled by a rule and has members")


def _capitals(at: JumpCloudLooks) -> str:
    for event in at.events()[:_MOST]:
        email = text(event.get("initiated_by"), "email")
        if email.upper() != email:
            found = at.events({"initiated_by.email": email.upper()}, limit=1)
            return "insensitive" if found else "sensitive"
    raise NotSeen("no event of the last 80 days names who began it")


def _columns(at: JumpCloudLooks) -> str:
    reports = _rows(at.insights.ask("GET", _REPORTS, params={"sort": "CREATED_AT"}))
    for report in reports:
        forms = {
            text(each, "format").upper(): text(each, "id") for each in objects(Response(200, {}, report), "artifacts")
        }
        if text(report, "type") == "users-to-user-groups" and "CSV" in forms:
            path = {"report": text(report, "id"), "artifact": forms["CSV"]}
            body = at.insights.ask("GET", _CONTENT, path=path).body
            header = body.partition("\n")[0].lower().replace("_", " ") if isinstance(body, str) else ""
            if "user object id" in header and "user group object id" in header:
                return "documented"
            return "aliases" if "user id" in header or "group id" in header else "without_ids"
    raise NotSeen("the organization has no finished report of users and their groups; a sync by report leaves one")


def _search(at: JumpCloudLooks, user: str, **fields: str) -> dict[str, Any]:
    body = {"limit": 1, "filter": {"and": [{"_id": user}]}, **fields}
    found = objects(at.api.ask("POST", "/api/search/systemusers", body=body), "results")
    return next((each for each in found if user in {text(each, "_id"), text(each, "id")}), {})


def _search_tells(at: JumpCloudLooks) -> bool:
    user, held = at.someone_in(1)
    shown = _search(at, user, fields="username memberof").get("memberof")
    return isinstance(shown, list) and set(held) <= {each for each in shown if isinstance(each, str)}


def _search_needs_fields(at: JumpCloudLooks) -> bool:
    if not _search_tells(at):
        raise NotSeen("the search tells no groups")
    return "memberof" not in _search(at, at.someone_in(1)[0])


def _search_lags(at: JumpCloudLooks) -> int:
    group = at.scratch
    # Of groups that somebody joined a moment ago it may not tell yet.
    if not isinstance(_search(at, at.someone_in(1)[0], fields="username memberof").get("memberof"), list):
        raise NotSeen("the search tells no groups")
    user = text(at.users[0], "_id") or text(at.users[0], "id")
    if group in at.groups_of(user):
        raise NotSeen("the first user is in the scratch group")
    return _unseen_for(
        at, user, group, lambda: group in _search(at, user, fields="username memberof").get("memberof", ())
    )


def _template_of_atlassian(at: JumpCloudLooks) -> bool:
    found = objects(at.api.ask("GET", "/api/applications", params={"limit": 100}), "results")
    templates = {name for each in found if (name := text(each, "name")).startswith("atlassian")}
    if not templates:
        raise NotSeen("none of the first applications is Atlassian's")
    return templates == {"atlassiancloud"}


def _error_body(at: JumpCloudLooks) -> str:
    body = at.api.ask("GET", f"{_V1_USERS}/{{user}}", path={"user": _NOTHING}).body
    if isinstance(body, dict):
        return "message" if set(body) == {"message"} else "full"
    return "html" if isinstance(body, str) else "empty"


_REMOVES = "it would change what is no scratch group"

JUMPCLOUD: Sequence[Assumption[JumpCloudLooks]] = (
    Assumption(
        fact="A role that may only read gets 403 for a change.",
        name="read_only_status",
        assumed=403,
        look=_changing_role,
    ),
    Assumption(
        fact="A limit over 100 counts as 100.", name="limit_over_maximum", assumed="clamp", look=_over_the_limit
    ),
    Assumption(
        fact="A page in the middle may be shorter than the others.", name="short pages", switch=False, look=_short_pages
    ),
    Assumption(fact="An unknown id gives 404.", name="unknown_id_status", assumed=404, look=_status_of_id(_NOTHING)),
    Assumption(
        fact="A text that cannot be an id gives 400.",
        name="malformed_id_status",
        assumed=400,
        look=_status_of_id("no-id"),
    ),
    Assumption(
        fact="Usernames and e-mail addresses are stored in lower case.",
        name="names_stored",
        assumed="lower",
        look=_stored_names,
    ),
    Assumption(
        fact="A deleted user may stay in groups for a while.",
        name="deleted_user_lingers_ms",
        cannot="it would delete a user",
    ),
    Assumption(
        fact="`GET /api/users` lists administrators.", name="sorted administrators", switch=False, look=_sorted_admins
    ),
    Assumption(
        fact="A group without the field, or with null or an unknown method that does not begin with `DYNAMIC`, is static.",
        name="missing_membership_method",
        assumed=False,
        look=_without_method,
    ),
    Assumption(
        fact="Adding an unknown user gives 404.",
        name="unknown_user_on_add_status",
        assumed=404,
        look=_added_unknown,
        writes=True,
    ),
    Assumption(
        fact="A suspended or staged user can be added.",
        name="inactive_user_on_add_status",
        assumed=204,
        look=_added_inactive,
        writes=True,
    ),
    Assumption(
        fact="A change by hand of an automated group is refused with 400.", name="dynamic_change", cannot=_REMOVES
    ),
    Assumption(
        fact="`GET /users/{id}/memberof` lists a user's groups.",
        name="object_id_filter",
        assumed="narrows",
        look=_filtered,
    ),
    Assumption(fact="Reads may lag behind writes.", name="consistency_lag_ms", assumed=0, look=_lag, writes=True),
    Assumption(
        fact="Either end may be `from`.",
        name="application_binding_from",
        assumed="application",
        look=_from_end,
    ),
    Assumption(
        fact="No event tells of memberships that end because their user was deleted, or that a rule made.",
        name="deletion_emits_association_change",
        assumed=False,
        look=_deletions_tell,
    ),
    Assumption(
        fact="No event tells of memberships that end because their user was deleted, or that a rule made.",
        name="dynamic_emits_association_change",
        assumed=False,
        look=_rules_tell,
    ),
    Assumption(
        fact="Search terms are stored in lower case, and terms with capitals find nothing.",
        name="search_term_case",
        assumed="sensitive",
        look=_capitals,
    ),
    Assumption(
        fact="Its columns hold `user object id` and `user group object id`.",
        name="report_columns",
        assumed="documented",
        look=_columns,
    ),
    Assumption(
        fact="The search for users also gives `memberof`.",
        name="search_returns_memberof",
        assumed=False,
        look=_search_tells,
    ),
    Assumption(
        fact="The search for users also gives `memberof`.",
        name="memberof_needs_fields",
        assumed=False,
        look=_search_needs_fields,
    ),
    Assumption(
        fact="The search for users also gives `memberof`.",
        name="memberof_lag_ms",
        assumed=0,
        look=_search_lags,
        writes=True,
    ),
    Assumption(
        fact="An Active Directory with the use case `ADASAUTHORITY`",
        name="mastered_shown",
        cannot="it would take somebody out of a group that an Active Directory has the say about",
    ),
    Assumption(
        fact="A change by hand of a group that another directory masters is refused with 400.",
        name="refusals of masters",
        switch=False,
        cannot="it would change a group that another directory has the say about",
    ),
    Assumption(
        fact="Of a group that was imported from elsewhere (Okta) the API shows nothing",
        name="imported groups",
        switch=False,
        cannot="the API does not show which groups those are",
    ),
    Assumption(
        fact="The template of the application that provisions Atlassian is named `atlassiancloud`",
        name="template of Atlassian",
        switch=False,
        look=_template_of_atlassian,
    ),
    Assumption(
        fact="An event may never come.",
        name="missing events",
        switch=False,
        cannot="that something never comes is not seen",
    ),
    Assumption(
        fact="Whether it has the directory's event as well is not published.",
        name="events of access requests",
        switch=False,
        cannot="somebody would have to ask for access, and somebody to approve it",
    ),
    Assumption(
        fact='A body of an error may be `{"message"}`, the published schema, HTML, or nothing.',
        name="error_bodies",
        assumed="message",
        look=_error_body,
    ),
)
