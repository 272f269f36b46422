"""The HTTP client for the API of an Atlassian organization."""

from __future__ import annotations

from httpclient import Bearer, ClientOptions, Credential, HttpClient

#: Where the API is [docs].
ADDRESS = "https://api.atlassian.com"

#: The name of the system in failures and in counts of calls.
SYSTEM = "atlassian"


def organization_key(key: str) -> Credential:
    """The credential of an organization API key [docs]. Raises ``ValueError`` for one that does not fit into a header."""
    return Bearer(key)


def organization_client(*, credential: Credential, options: ClientOptions, address: str = ADDRESS) -> HttpClient:
    """A client for the organizations API; routes begin with ``/admin``."""
    return HttpClient(system=SYSTEM, address=address, credential=credential, options=options)
