"""Jira Cloud as the ticketing system. The only place that imports the ``jira`` library."""

from ticketing.jira.proof import Problem
from ticketing.jira.provider import JiraTicketProvider
from ticketing.jira.site import JiraSite
from ticketing.jira.workflow import Preferences

__all__ = ["JiraSite", "JiraTicketProvider", "Preferences", "Problem"]
