from __future__ import annotations

from typing import Any

from simulator.jira.books import ProjectBook
from simulator.jira.catalogue import Catalogue
from simulator.jira.issues import Comment, Issue
from simulator.jira.projects import AutomationRule, Transition
from simulator.jira.tracker import Tracker

ACTOR = "557058:f58131cb-b67d-43c7-b30d-6b58d40bd077"
"""The account in whose name every site's automation acts [observed]."""


class Automation:
    """The site's own automation: hears what happens to issues, and moves them by the rules of their projects.

    What a rule does sets off no rule, as long as the site does not say otherwise.
    """

    def __init__(self, projects: ProjectBook, catalogue: Catalogue, tracker: Tracker) -> None:
        self._projects = projects
        self._catalogue = catalogue
        self._tracker = tracker

    def hear(self, event: str, issue: Issue, actor: str, items: list[dict[str, Any]], comment: Comment | None) -> None:
        """Let the rules that an event sets off act."""
        rules = self._projects.by_id[issue.project_id].automation
        if not rules or actor == ACTOR:
            return
        happened = self._happened(event, items, commented=comment is not None)
        for rule in rules:
            if rule.when == happened and (not rule.issues or issue.id in rule.issues):
                self._move(rule, issue)

    def _happened(self, event: str, items: list[dict[str, Any]], *, commented: bool) -> str | None:
        if event == "comment_created" and commented:
            return "commented"
        for item in items:
            if item["field"] == "status":
                before, after = (self._catalogue.statuses[item[end]].category for end in ("from", "to"))
                if "done" in {before, after} and before != after:
                    return "closed" if after == "done" else "reopened"
        return None

    def _move(self, rule: AutomationRule, issue: Issue) -> None:
        statuses = self._catalogue.statuses
        if statuses[issue.status_id].category == rule.to:
            return
        project = self._projects.by_id[issue.project_id]
        target = next(each for each in project.statuses if statuses[each].category == rule.to)
        self._tracker.transition(issue, Transition("0", "Automation", target), ACTOR)
