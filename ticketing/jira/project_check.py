"""Proof of the ticket settings before the first ticket: a sentence for each thing that is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from access.failures import CredentialRefused, Failure, Permanent
from access.remedies import WithRemedy
from ticketing.jira.calls import JiraCalls
from ticketing.jira.fields import FILLED, PARENT
from ticketing.jira.schemas import JiraSchemas
from ticketing.schema_check import fit_fields

_NO_FIELDS: Mapping[str, Any] = {}

#: What we need in a project, and what it is needed for.
PERMISSIONS = {
    "BROWSE_PROJECTS": ("Browse projects", "read its tickets back"),
    "CREATE_ISSUES": ("Create issues", "open tickets"),
    "EDIT_ISSUES": ("Edit issues", "store its own ids with a ticket"),
    "TRANSITION_ISSUES": ("Transition issues", "reopen and close tickets"),
    "ADD_COMMENTS": ("Add comments", "say on a ticket what is still wrong"),
}

#: Fields that every ticket sends, and that an operator can take off a screen.
_NEEDED_ON_SCREEN = ("summary", "description", "labels")


@dataclass(frozen=True, slots=True)
class Problem(WithRemedy):
    """Something wrong with a setting of ticketing."""

    setting: str
    what: str
    remedy: str


def prove(
    calls: JiraCalls, schemas: JiraSchemas, *, project: str, issue_type: str, fields: Mapping[str, Any] = _NO_FIELDS
) -> list[Problem]:
    """All problems of these settings. Never raises a failure: one that hides the rest is the last of the list."""
    found: list[Problem] = []
    try:
        for problem in _problems(calls, schemas, project, issue_type, fields):
            found.append(problem)  # noqa: PERF402 - what was found before a failure is kept
    except Failure as failure:
        setting = "jira credential" if isinstance(failure, CredentialRefused) else "jira"
        found.append(Problem(setting, failure.what, failure.remedy))
    return found


def _problems(
    calls: JiraCalls, schemas: JiraSchemas, project: str, issue_type: str, fields: Mapping[str, Any]
) -> Iterator[Problem]:
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
        yield from _issue_type_problems(calls, schemas, project, issue_type, fields)


def _issue_type_problems(
    calls: JiraCalls, schemas: JiraSchemas, project: str, issue_type: str, fields: Mapping[str, Any]
) -> Iterator[Problem]:
    try:
        schema = schemas.of(calls, project, issue_type)
    except Permanent as failure:
        yield Problem("ticket issue type", failure.what, failure.remedy)
        return
    if schema.ref.needs_parent and PARENT not in fields:
        standing = ", ".join(each.name for each in calls.issue_types(project) if not each.subtask)
        yield Problem(
            "ticket issue type",
            f"The issue type {issue_type} of {project} is a sub-task, which cannot stand alone.",
            f"Use one of: {standing}. Or name the issue that it belongs below, as the field parent.",
        )
        return
    on_screen = {field.id for field in schema.fields}
    for name in _NEEDED_ON_SCREEN:
        if name not in on_screen:
            yield Problem(
                "ticket fields",
                f"{schema.title} does not have the field {name} on its create screen.",
                f"Add {name} to the create screen, or use another issue type.",
            )
    for each in fit_fields(schema, fields, filled=FILLED).problems:
        yield Problem("ticket fields", each.what, each.remedy)
