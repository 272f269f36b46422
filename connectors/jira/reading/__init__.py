"""Reading a Jira Cloud site completely, in as few calls as it allows."""

from connectors.jira.reading.call_estimate import Sizes, expected_calls
from connectors.jira.reading.reader import JiraReader

__all__ = ["JiraReader", "Sizes", "expected_calls"]
