from __future__ import annotations

from dataclasses import dataclass, field
from uuid import NAMESPACE_URL, uuid5


@dataclass(slots=True)
class Site:
    """A Jira site: `https://{name}.atlassian.net`, with the applications it runs."""

    name: str
    cloud_id: str = ""
    applications: list[str] = field(default_factory=lambda: ["jira-software", "jira-servicedesk"])
    seats: int = 200_000

    def __post_init__(self) -> None:
        self.cloud_id = self.cloud_id or str(uuid5(NAMESPACE_URL, self.url))

    @property
    def url(self) -> str:
        """Return the site address without an ending slash."""
        return f"https://{self.name}.atlassian.net"

    def resource(self, application: str) -> str:
        """Return the ARI of an application on this site, as the organization API names it."""
        return f"ari:cloud:{application}::site/{self.cloud_id}"


@dataclass(slots=True)
class Organization:
    """The organization that owns the directory and the sites."""

    id: str = "8e3f6c6d-0a4b-4a53-9a10-1c4dbb6a7a01"
    name: str = "Example Organization"
    directory_id: str = "4f7a1e9c-5d0e-4a0b-b1ce-5a7b0f3c9d02"
