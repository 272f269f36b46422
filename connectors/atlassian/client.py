"""The HTTP client for the API of an Atlassian organization."""

from __future__ import annotations

from httpclient import Bearer, ClientOptions, Credential, HttpClient

#: Where the API is [docs].
BASE_URL = "https://api.atlassian.com"

#: The name of the system in failures and in counts of calls.
SYSTEM = "atlassian"


def organization_key(key: str) -> Credential:
    """The credential of an organization API key [docs]. Raises ``ValueError`` for one that does not fit into a header."""
    return Bearer(key)


def organization_client(*, credential: Credential, options: ClientOptions, base_url: str = BASE_URL) -> HttpClient:
    """A client for the organizations API; routes begin with ``/admin``."""
    return HttpClient(system=SYSTEM, base_url=base_url, credential=credential, options=options)
