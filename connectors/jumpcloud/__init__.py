"""JumpCloud: who is in which user group."""

from connectors.jumpcloud.client import api_key, jumpcloud_client, service_account
from connectors.jumpcloud.connector import JumpCloudConnector

__all__ = ["JumpCloudConnector", "api_key", "jumpcloud_client", "service_account"]
