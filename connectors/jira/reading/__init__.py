"""Reading a Jira Cloud site completely, in as few calls as it allows."""

from connectors.jira.reading.access_history import JiraHistory
from connectors.jira.reading.call_estimate import Sizes, expected_calls
from connectors.jira.reading.reader import JiraReader
from connectors.jira.reading.snapshot_rows import AddressOf

__all__ = ["AddressOf", "JiraHistory", "JiraReader", "Sizes", "expected_calls"]
