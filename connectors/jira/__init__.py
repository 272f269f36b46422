"""Jira Cloud: groups, project roles and accounts of one site."""

from connectors.jira.client import api_token, bearer_token, find_cloud_id, jira_client
from connectors.jira.connector import JiraConnector

__all__ = ["JiraConnector", "api_token", "bearer_token", "find_cloud_id", "jira_client"]
