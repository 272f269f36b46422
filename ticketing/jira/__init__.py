"""Jira Cloud as the ticketing system. The only place that imports the ``jira`` library."""

from ticketing.jira.project_check import Problem
from ticketing.jira.provider import JiraTicketProvider
from ticketing.jira.service_desk import JiraServiceDeskProvider

__all__ = ["JiraServiceDeskProvider", "JiraTicketProvider", "Problem"]
