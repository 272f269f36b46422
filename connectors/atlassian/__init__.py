"""The Atlassian organization above a Jira site: optional. It is read, and suspends people where that is switched on."""

from connectors.atlassian.client import organization_client, organization_key
from connectors.atlassian.organization import AtlassianOrganization, IdentityProviderGroups
from connectors.atlassian.suspension import AccountSuspension

__all__ = [
    "AccountSuspension",
    "AtlassianOrganization",
    "IdentityProviderGroups",
    "organization_client",
    "organization_key",
]
