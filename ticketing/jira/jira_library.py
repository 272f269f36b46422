"""The ``jira`` library on our own transport."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from jira import JIRA
from jira.exceptions import JIRAError

from access.failures import Transient, Unknown
from httpclient import HttpClient
from httpclient.requests_adapter import ClientAdapter

T = TypeVar("T")


class JiraLibrary:
    """A ``jira.JIRA`` whose calls go through an ``HttpClient``: the library has no credential, no retries, no connections.

    May be shared by threads: the library's session is not changed after construction.
    """

    def __init__(self, client: HttpClient) -> None:
        self._jira = JIRA(
            server=client.base_url,
            options={"rest_api_version": "3"},
            get_server_info=False,
            logging=False,
            max_retries=0,
        )
        session = self._jira._session  # noqa: SLF001 - the library offers no other way to its session
        session.trust_env = False
        session.mount(client.base_url, ClientAdapter(client))

    def ask(self, work: Callable[[JIRA], T], *, what: str, writes: bool = False) -> T:
        """What the library returns; ``what`` names the answer for errors, ``writes`` says that the call changes something.

        Raises the failure words. An answer that the library cannot read is ``Transient``, or ``Unknown`` after a write.
        """
        try:
            return work(self._jira)
        except (JIRAError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as exc:
            unread = f"The answer with {what} could not be read ({type(exc).__name__})."
        if writes:
            raise Unknown(unread, remedy="Look before repeating it.")
        raise Transient(unread, remedy="Report it if it persists: the service may have changed its interface.")
