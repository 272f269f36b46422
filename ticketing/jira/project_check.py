"""Proof of the ticket settings before the first ticket: a sentence for each thing that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from access.failures import CredentialRefused, Failure, Permanent
from access.remedies import WithRemedy
from ticketing.jira.calls import JiraCalls
from ticketing.jira.fields import NAME_BY_ID, fields_named, several
from ticketing.jira.responses import FieldMeta, IssueType

#: What we need in a project, and what it is needed for.
PERMISSIONS = {
    "BROWSE_PROJECTS": ("Browse projects", "read its tickets back"),
    "CREATE_ISSUES": ("Create issues", "open tickets"),
    "EDIT_ISSUES": ("Edit issues", "store its own ids with a ticket"),
    "TRANSITION_ISSUES": ("Transition issues", "reopen and close tickets"),
    "ADD_COMMENTS": ("Add comments", "say on a ticket what is still wrong"),
}

#: Fields every ticket sends; those of them that an operator can take off a screen.
_SENT = frozenset({"project", "issuetype", "summary", "description", "labels"})
_NEEDED_ON_SCREEN = ("summary", "description", "labels")
#: Required by Jira, and filled in by Jira with whoever creates the issue.
_FILLED_BY_JIRA = frozenset({"reporter"})


@dataclass(frozen=True, slots=True)
class Problem(WithRemedy):
    """Something wrong with a setting of ticketing."""

    setting: str
    what: str
    remedy: str


def prove(calls: JiraCalls, *, project: str, issue_type: str, extra_fields: Sequence[str] = ()) -> list[Problem]:
    """All problems of these settings. Never raises a failure: one that hides the rest is the last of the list."""
    found: list[Problem] = []
    try:
        for problem in _problems(calls, project, issue_type, extra_fields):
            found.append(problem)  # noqa: PERF402 - what was found before a failure is kept
    except Failure as failure:
        setting = "jira credential" if isinstance(failure, CredentialRefused) else "jira"
        found.append(Problem(setting, failure.what, failure.remedy))
    return found


def _problems(calls: JiraCalls, project: str, issue_type: str, extra_fields: Sequence[str]) -> Iterator[Problem]:
    calls.myself()
    try:
        calls.project(project)
    except Permanent:
        yield Problem(
            "ticket project",
            f"There is no Jira project {project} that Provisor's account may see.",
            "Correct the project's key, or give the account Browse projects there.",
        )
        return
    held = calls.permissions(project, list(PERMISSIONS))
    for key, (name, purpose) in PERMISSIONS.items():
        if key not in held:
            yield Problem(
                "ticket project",
                f"Provisor's account lacks the permission {name} in {project}, which it needs to {purpose}.",
                f"Give it {name} in the permission scheme of {project}.",
            )
    if "CREATE_ISSUES" in held:
        yield from _issue_type_problems(calls, project, issue_type, extra_fields)


def _issue_type_problems(
    calls: JiraCalls, project: str, issue_type: str, extra_fields: Sequence[str]
) -> Iterator[Problem]:
    types = calls.issue_types(project)
    chosen = next((each for each in types if issue_type in {each.id, each.name}), None)
    if chosen is None:
        yield Problem(
            "ticket issue type",
            f"The project {project} has no issue type {issue_type}.",
            f"Use one of: {', '.join(each.name for each in types if not each.subtask) or 'none, the project has no types'}.",
        )
    elif chosen.subtask:
        yield Problem(
            "ticket issue type",
            f"The issue type {issue_type} of {project} is a sub-task, which cannot stand alone.",
            f"Use one of: {', '.join(each.name for each in types if not each.subtask)}.",
        )
    else:
        yield from _field_problems(calls.create_fields(project, chosen.id), project, chosen, extra_fields)


def _field_problems(
    fields: Sequence[FieldMeta], project: str, issue_type: IssueType, extra_fields: Sequence[str]
) -> Iterator[Problem]:
    meant = {name: fields_named(name, fields) for name in extra_fields}
    given = {field.id for found in meant.values() for field in found}
    ids = {field.id for field in fields}
    for field in fields:
        filled = field.id in _SENT | _FILLED_BY_JIRA or field.has_default
        if field.required and not filled and field.id not in given:
            yield Problem(
                "ticket fields",
                f"{issue_type.name} in {project} requires the field {field.name} ({field.id}), which has no value.",
                f"Give {field.id} a value in the ticket settings, or make it optional.",
            )
    for name in _NEEDED_ON_SCREEN:
        if name not in ids:
            yield Problem(
                "ticket fields",
                f"{issue_type.name} in {project} does not have the field {name} on its create screen.",
                f"Add {name} to the create screen, or use another issue type.",
            )
    for name, found in meant.items():
        if len(found) > 1:
            yield Problem("ticket fields", several(name, found), NAME_BY_ID)
        if not found:
            yield Problem(
                "ticket fields",
                f"{issue_type.name} in {project} has no field {name} on its create screen.",
                f"Add {name} to the create screen, or take it out of the ticket settings.",
            )
