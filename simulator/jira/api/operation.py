from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.jira.api.call import Handler

Login = Literal["required", "directory", "open"]
"""Anonymous callers get 401; the status of `anonymous_directory_status`; or the operation's anonymous view."""


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation with its scopes (contract, section 13): classic or granular ones, space-separated.

    Paths are below `/rest/api/{version}` unless `root` is set.
    """

    method: str
    path: str
    handler: Handler
    classic: str = ""
    granular: str = ""
    login: Login = "required"
    wants_json: bool = True
    """Whether a body, or a DELETE like that of `/remotelink`, has to be sent as JSON."""
    strict_type: bool = False
    """Whether the content type is checked although there is no body."""
    root: bool = False
    user_search: bool = False
    """Whether the call counts against the shared limit of user-search routes."""
    reads: bool = False
    """Whether the call only reads, although its method is not GET."""
    issue_write: bool = False
    """Whether the call counts as a write to the issue in its path."""

    @property
    def writes(self) -> bool:
        """Return whether the call changes something."""
        return self.method != "GET" and not self.reads
