"""The Atlassian organization above a Jira site: optional, read only."""

from connectors.atlassian.client import organization_client, organization_key
from connectors.atlassian.organization import AtlassianOrganization, IdentityProviderGroups

__all__ = ["AtlassianOrganization", "IdentityProviderGroups", "organization_client", "organization_key"]
