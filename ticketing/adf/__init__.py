"""Atlassian Document Format: what Jira takes as a description or a comment."""

from ticketing.adf.fitting import LIMIT, fit
from ticketing.adf.markdown import to_adf
from ticketing.adf.nodes import Node, plain_text

__all__ = ["LIMIT", "Node", "fit", "plain_text", "to_adf"]
