"""A cassette: what a service answered to the probes, by its form alone, so that it may be sent to others.

Nothing is taken out of an answer. The cassette is made up from words that are known here: everything else, each name, id, address
and text, is only said to be there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from httpclient import Call, Response
from tasks.doctor.findings import Finding, Outcome

#: Names of fields that the contracts name. Others may be somebody's: a site's roles stand as names of fields in Jira.
_FIELDS = frozenset(
    """
    _id id results totalCount name username email state activated suspended account_locked membershipMethod memberQuery
    type attributes compiledAttributes memberof to from object_id association connection op resource event_type
    timestamp service success initiated_by organization artifacts format status created_at message error errors
    errorMessages code title detail accountId accountType active displayName emailAddress groupId values total startAt
    maxResults isLast actors actorUser actorGroup permissions havePermission key style simplified issueTypes subtask
    records summary category created objectItem associatedItems changedValues typeName data links next role roleName
    roles roleNames sort limit skip fields filter search_term start_time and or user
    """.split()  # noqa: SIM905 - a list would have one word a line
)

#: Texts that are words of a service and nobody's names.
_WORDS = frozenset(
    """
    ACTIVATED SUSPENDED STAGED NOTSET STATIC DYNAMIC_REVIEW_REQUIRED DYNAMIC_AUTOMATED user user_group application USER
    USER_GROUP APPLICATION admin COMPLETED PENDING FAILED DELETED CSV JSON atlassian app customer classic next-gen
    association_change access_management_association_change user_delete users-to-user-groups add remove
    atlassian-user-role-actor atlassian-group-role-actor CREATE_ISSUES
    """.split()  # noqa: SIM905 - a list would have one word a line
)

#: Headers whose presence, and number where it is one, tell how a service pages and limits.
_HEADERS = frozenset({"x-total-count", "link", "retry-after", "x-limit", "x-result-count", "x-ratelimit-reset"})

_ID = re.compile(r"[0-9a-f]{24}")
#: The most different rows of one list that are kept.
_FORMS = 5


class Cassette:
    """Collects exchanges. Not for several threads."""

    def __init__(self) -> None:
        self._exchanges: list[dict[str, Any]] = []

    def add(self, system: str, call: Call, response: Response) -> None:
        """Keep the form of one exchange."""
        self._exchanges.append(
            {
                "system": system,
                "call": str(call),
                "parameters": {name: form(value) for name, value in call.params.items() if name in _FIELDS},
                "sent": form(call.body),
                "status": response.status,
                "headers": {name: _number(value) for name, value in response.headers.items() if name in _HEADERS},
                "answer": form(response.body),
            }
        )

    def document(self, findings: Iterable[Finding], *, version: str) -> dict[str, Any]:
        """All exchanges, and the findings that name nothing but values of switches."""
        seen = (Outcome.OK, Outcome.WARNING)
        return {
            "provisor": version,
            "findings": [
                {"area": each.area, "check": each.check, "outcome": str(each.outcome)}
                | ({"what": each.what} if each.outcome in seen else {})
                for each in findings
            ],
            "exchanges": self._exchanges,
        }


def form(value: Any) -> Any:
    """What a JSON value is like: its known fields and words, and of everything else only the kind."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return _form_of_text(value)
    if isinstance(value, Mapping):
        known = {name: form(each) for name, each in value.items() if name in _FIELDS}
        return known if len(known) == len(value) else known | {"other fields": len(value) - len(known)}
    if isinstance(value, list | tuple):
        forms = list(dict.fromkeys(json.dumps(form(each), sort_keys=True) for each in value))
        return {"rows": len(value), "like": [json.loads(each) for each in forms[:_FORMS]]}
    return "unknown"


def _form_of_text(value: str) -> str:
    if value in _WORDS:
        return value
    if not value:
        return ""
    if _ID.fullmatch(value):
        return "id"
    return "text" if value == value.lower() else "text with capitals"


def _number(value: str) -> int | str:
    return int(value) if value.isdecimal() else "text"
