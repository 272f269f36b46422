"""JumpCloud: who is in which user group."""

from connectors.jumpcloud.addresses import CONSOLES, TOKEN_ADDRESS, Region
from connectors.jumpcloud.client import api_key, jumpcloud_client, service_account
from connectors.jumpcloud.connector import JumpCloudConnector

__all__ = [
    "CONSOLES",
    "TOKEN_ADDRESS",
    "JumpCloudConnector",
    "Region",
    "api_key",
    "jumpcloud_client",
    "service_account",
]
