"""Field values as clients send them, checked and turned into what an issue keeps (contract, 5.7 and 5.8)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from simulator.jira import adf, times
from simulator.jira.api.call import Call
from simulator.jira.api.issue_lookup import visible
from simulator.jira.api.responses import refuse
from simulator.jira.catalogue import LINK_TYPES, PRIORITIES, REQUEST_TYPE, RESOLUTIONS, Choice
from simulator.jira.fields import Field
from simulator.jira.issues import Adf
from simulator.jira.projects import IssueType, Project
from simulator.jira.wiki import to_document, to_wiki

NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
NOT_TEXT = "Operation value must be a string"
LABEL_LIMIT = 255
DATE = re.compile(r"^\d{4}-\d{2}-\d{2}$")


def as_id(value: Any) -> str:
    """Return an id as the service keeps it: a number is as good as its text; anything else is none."""
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else ""


class ValueRefused(ValueError):  # noqa: N818 -- becomes an entry of `errors`
    """The value of one field is refused."""


def text_document(call: Call, value: Any) -> Adf | None:
    """Return the document of a text of this API version; raises ValueRefused, or refuses malformed documents."""
    limit = call.world.switches.text_limit
    if value is None:
        return None
    if call.version == 2:
        if not isinstance(value, str):
            raise ValueRefused(NOT_TEXT)
        length, document = len(value), to_document(value)
    else:
        if not isinstance(value, dict):
            raise ValueRefused(NOT_A_DOCUMENT)
        if not adf.is_document(value):
            raise refuse(400, "INVALID_INPUT")
        length, document = adf.size(value), value
    if length > limit:
        raise ValueRefused(f"The entered text is too long. It exceeds the allowed limit of {limit:,} characters.")
    return document


def shown_text(call: Call, document: Any) -> Any:
    """Return a kept text in the form of this API version."""
    return document if call.version == 3 or document is None else to_wiki(document)


def stored(call: Call, field: Field, value: Any, project: Project) -> Any:
    """Return what an issue keeps for a value; raises ValueRefused."""
    if field.is_document:
        return text_document(call, value)
    if field.id in SPECIAL:
        return SPECIAL[field.id](call, value, project)
    if value is None:
        return None
    if field.type == "array":
        if not isinstance(value, list):
            raise ValueRefused("data was not an array")
        return [_single(call, field, field.items or "string", each, project) for each in value]
    return _single(call, field, field.type, value, project)


def _single(call: Call, field: Field, kind: str, value: Any, project: Project) -> Any:
    if kind in {"option", "option-with-child"}:
        return _option(field, value)
    if kind == "user":
        return _account(call, field.name, value)
    if kind == REQUEST_TYPE.type:
        return _request_type(call, value, project)
    check = SIMPLE.get(kind)
    if check is not None and not check(value):
        raise ValueRefused(MESSAGES.get(kind, NOT_TEXT))
    return value


def _request_type(call: Call, value: Any, project: Project) -> str | None:
    """The id of a request type that the caller may use, as text; a name is refused."""
    found = next((each for each in project.request_types if each.id == value), None)
    if found is None or not found.open_to(call.me.account_id):
        raise ValueRefused("The request type you selected is not valid.")
    return None if call.world.switches.request_type_by_issue == "ignored" else found.id


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or not DATE.match(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


SIMPLE: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "date": _is_date,
    "datetime": lambda value: isinstance(value, str) and times.parsed(value) is not None,
}
MESSAGES = {
    "string": NOT_TEXT,
    "number": "Operation value must be a number",
    "date": "Error parsing date string: expected format yyyy-MM-dd",
    "datetime": "Error parsing time: expected ISO 8601",
}


def _option(field: Field, value: Any) -> Any:
    if not isinstance(value, dict) or not ({"id", "value"} & set(value)):
        raise ValueRefused("Could not find valid 'id' or 'value' in the Parent Option object.")
    for option_id, text in field.options:
        if as_id(value.get("id")) == option_id or ("id" not in value and value.get("value") == text):
            return {**value, "id": option_id, "value": text}
    raise ValueRefused(f"Option value '{value.get('value', value.get('id'))}' is not valid")


def _account(call: Call, name: str, value: Any) -> str | None:
    account_id = value.get("accountId", value.get("id")) if isinstance(value, dict) else value
    if account_id is None:
        return None
    if not isinstance(account_id, str) or account_id not in call.world.directory.users:
        raise ValueRefused(f"Specify a valid '{name.lower()}'")
    return account_id


def _summary(call: Call, value: Any, _: Project) -> str:
    limit = call.world.switches.summary_limit
    if value is None or value == "" or (isinstance(value, str) and not value.strip()):
        raise ValueRefused("You must specify a summary of the issue.")
    if not isinstance(value, str):
        raise ValueRefused(NOT_TEXT)
    if len(value) > limit:
        raise ValueRefused("Summary must be less than 255 characters.")
    if "\n" in value or "\r" in value:
        raise ValueRefused("The summary is invalid because it contains newline characters.")
    return value


def _labels(_: Call, value: Any, __: Project) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueRefused("data was not an array" if not isinstance(value, list) else "string expected at index 0")
    for label in value:
        if any(char.isspace() for char in label):
            raise ValueRefused(f"The label '{label}' contains spaces which is invalid.")
        if len(label) > LABEL_LIMIT:
            raise ValueRefused(f"The label '{label}' exceeds the maximum length for a single label ({LABEL_LIMIT}).")
    return list(dict.fromkeys(value))


def _priority(_: Call, value: Any, __: Project) -> str:
    return _chosen(PRIORITIES, value, "Priority")


def resolution(value: Any) -> str:
    """Return the name of a resolution that is sent with a transition; raises ValueRefused."""
    chosen = _chosen(RESOLUTIONS, value, "Resolution")
    return next(each.name for each in RESOLUTIONS if each.id == chosen)


def link_type_of(sent: Any) -> Choice | None:
    """Return the kind of link that a value names by id or name."""
    wanted = sent if isinstance(sent, dict) else {}
    for each in LINK_TYPES:
        if as_id(wanted.get("id")) == each.id or ("id" not in wanted and wanted.get("name") == each.name):
            return each
    return None


def _chosen(choices: tuple[Choice, ...], value: Any, what: str) -> str:
    if not isinstance(value, dict):
        raise ValueRefused(f"Could not find valid 'id' or 'name' in {what.lower()} object.")
    for each in choices:
        if as_id(value.get("id")) == each.id or ("id" not in value and value.get("name") == each.name):
            return each.id
    if "id" in value:
        raise ValueRefused(f"{what} with id '{value['id']}' does not exist.")
    raise ValueRefused(f"{what} name '{value.get('name')}' is not valid")


def _assignee(call: Call, value: Any, project: Project) -> str | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not {"accountId", "id"} & set(value):
        raise ValueRefused("Specify a valid 'assignee'")
    account_id = value.get("accountId", value.get("id"))
    if account_id is None or account_id == "-1":
        return None
    user = call.world.directory.users.get(account_id) if isinstance(account_id, str) else None
    if user is None or not user.active or not call.world.permissions.has(user, "ASSIGNABLE_USER", project):
        raise ValueRefused(f"User '{account_id}' cannot be assigned issues.")
    return user.account_id


def _reporter(call: Call, value: Any, project: Project) -> str | None:
    if not call.may("MODIFY_REPORTER", project):
        raise ValueRefused("Field 'reporter' cannot be set. It is not on the appropriate screen, or unknown.")
    account_id = _account(call, "Reporter", value)
    if account_id is None:
        raise ValueRefused("Reporter is required.")
    return account_id


def _parent(call: Call, value: Any, _: Project) -> str | None:
    if value is None:
        return None
    wanted = value.get("key", value.get("id")) if isinstance(value, dict) else None
    issue = visible(call, as_id(wanted))
    if issue is None:
        raise ValueRefused("Could not find issue by id or key.")
    return issue.id


def issue_type_of(call: Call, sent: Any, project: Project) -> IssueType | None:
    """Return the issue type of a project that a value names by id or name."""
    wanted = sent if isinstance(sent, dict) else {}
    for each in project.issue_types:
        kind = call.world.catalogue.issue_types[each]
        if as_id(wanted.get("id")) == kind.id or ("id" not in wanted and wanted.get("name") == kind.name):
            return kind
    return None


def _issue_type(call: Call, value: Any, project: Project) -> str:
    kind = issue_type_of(call, value, project)
    if kind is None:
        raise ValueRefused("Specify a valid issue type")
    return kind.id


def _project(_: Call, __: Any, ___: Project) -> str:
    raise ValueRefused("Field 'project' cannot be set. It is not on the appropriate screen, or unknown.")


SPECIAL: dict[str, Callable[[Call, Any, Project], Any]] = {
    "project": _project,
    "issuetype": _issue_type,
    "summary": _summary,
    "labels": _labels,
    "priority": _priority,
    "assignee": _assignee,
    "reporter": _reporter,
    "parent": _parent,
}
