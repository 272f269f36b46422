"""The HTTP client for the API of an Atlassian organization."""

from __future__ import annotations

from httpclient import Bearer, ClientOptions, Credential, HttpClient

#: The name of the system in failures and in counts of calls.
SYSTEM = "atlassian"


def organization_key(key: str) -> Credential:
    """The credential of an organization API key [docs]. Raises ``ValueError`` for one that does not fit into a header."""
    return Bearer(key)


def organization_client(*, credential: Credential, options: ClientOptions, base_url: str) -> HttpClient:
    """A client for the organizations API; routes begin with ``/admin``."""
    return HttpClient(system=SYSTEM, base_url=base_url, credential=credential, options=options)
